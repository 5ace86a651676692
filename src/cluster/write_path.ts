import { assert } from "../base/assert.ts";
import { type ByteReader, FormatError } from "../base/bytes.ts";
import { RingMap } from "../base/ring_map.ts";
import { joinByLength, joinInSlices, type NextTurn, sliceBytes } from "../base/slices.ts";
import { nextTurnOf } from "../io/next_turn.ts";
import type { Clock } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import type { WriteOutcome } from "../node/types.ts";
import { versionOf } from "../raft/cluster_version.ts";
import { type Member, nodeName } from "../raft/types.ts";
import {
  type AnswerFormat,
  type Command,
  duplicate,
  plainFormat,
  type RequestId,
} from "../store/types.ts";
import { type Transport, TransportError } from "../transport/types.ts";
import { neverArrived, noLeader, serviceError } from "./errors.ts";
import { leaderWaitMs, type LeaderWatch, retryPauseMs } from "./leader_watch.ts";
import { ServiceError, type WriteAnswer } from "./types.ts";
import type { Trace } from "./tracing.ts";
import type { Withdrawal } from "./withdrawal.ts";
import type { WriteTurns } from "./transactions/write_turns.ts";
import { encodeTraceparent, encodeWrite, readAnswer, RequestKind } from "./wire.ts";

/** The version of a cluster whose nodes all know answers in exact form, and in libSQL's. */
const exactVersion = 2;

/** How a command is made into bytes, with the id of its request when it is sent to another node. */
export type CommandMaker = (request: RequestId | undefined) => Command;

/** A command with all that it takes to bring it to a leader, as often as that is needed. */
interface Sending {
  readonly command: Uint8Array;
  readonly format: AnswerFormat;
  /** By the clock, in ms. */
  readonly deadline: number;
  /** The transaction whose turn it is, when it is that one's commit. */
  readonly turn: string | undefined;
  readonly withdrawal: Withdrawal | undefined;
  readonly trace: Trace | undefined;
}

/** What one attempt came to. */
type Attempt =
  | { readonly type: "done"; readonly answer: WriteAnswer }
  /** It certainly had no effect, and may be tried again. */
  | { readonly type: "nothing"; readonly error: ServiceError }
  /** It may have had an effect: only the same request id may be sent again. */
  | { readonly type: "unknown"; readonly error: ServiceError }
  /** It certainly had no effect, and would fail again. */
  | { readonly type: "refused"; readonly error: ServiceError }
  /** It had its effect; what the statements answered is gone. */
  | { readonly type: "result_lost"; readonly error: ServiceError };

/**
 * Takes writes to the leader, wherever that is, and sees that each is applied once. A write that
 * another node carries out bears a request id; while its answer is awaited this node also watches
 * for it in its own log, so that a connection that breaks costs neither the answer nor a second
 * application.
 */
export class WritePath {
  readonly #node: Node;
  readonly #transport: Transport;
  readonly #leaders: LeaderWatch;
  readonly #clock: Clock;
  readonly #origin: bigint;
  readonly #encode: (command: Command) => Uint8Array | Promise<Uint8Array>;
  readonly #nextTurn: NextTurn;
  readonly #forwardedMax: number;
  readonly #turns: WriteTurns;
  /** By their sequences. */
  readonly #underWay = new RingMap<true>();
  #sequence = 0;
  /** Numbers the commands for which all others wait. */
  #alone = 0;
  /** No sequence below it is under way. */
  #floor = 1;

  constructor(parts: {
    readonly node: Node;
    readonly transport: Transport;
    readonly leaders: LeaderWatch;
    readonly clock: Clock;
    readonly origin: bigint;
    readonly encode: (command: Command) => Uint8Array | Promise<Uint8Array>;
    readonly forwardedMax: number;
    readonly turns: WriteTurns;
  }) {
    this.#node = parts.node;
    this.#transport = parts.transport;
    this.#leaders = parts.leaders;
    this.#clock = parts.clock;
    this.#origin = parts.origin;
    this.#encode = parts.encode;
    this.#nextTurn = nextTurnOf(parts.clock);
    this.#forwardedMax = parts.forwardedMax;
    this.#turns = parts.turns;
  }

  /**
   * Carries out a command; throws a ServiceError that says whether it may have taken effect. The
   * commit of a transaction that has the turn to write names it.
   */
  async submit(
    make: CommandMaker,
    format: AnswerFormat,
    timeoutMs: number,
    { turn, withdrawal, trace }: Partial<Pick<Sending, "turn" | "withdrawal" | "trace">> = {},
  ): Promise<WriteAnswer> {
    const deadline = this.#clock.now() + timeoutMs;
    if (this.#node.isLeader) {
      const encoded = this.#encode(make(undefined));
      const command = encoded instanceof Promise ? await encoded : encoded;
      const attempt = await this.#propose({ command, format, deadline, turn, withdrawal, trace });
      if (attempt.type !== "nothing") return answerOf(attempt);
    }
    return await this.#submitWithId(make, { format, deadline, turn, withdrawal, trace });
  }

  /**
   * Carries out a command at this node, which must lead, once `check` has resolved: no write of others
   * is between what that sees and the command. Throws what it throws.
   */
  async submitAlone(
    make: CommandMaker,
    timeoutMs: number,
    check: () => Promise<void>,
  ): Promise<WriteAnswer> {
    const deadline = this.#clock.now() + timeoutMs;
    const turn = `alone ${++this.#alone}`;
    await this.#turns.take(turn, timeoutMs, deadline);
    try {
      // All that others have proposed before is applied behind it.
      await this.#node.proposeBarrier(timeoutMs);
      await check();
      const command = await this.#encode(make(undefined));
      const none = { withdrawal: undefined, trace: undefined };
      const sending = { command, format: plainFormat, deadline, turn, ...none };
      return answerOf(await this.#propose(sending));
    } finally {
      this.#turns.end(turn);
    }
  }

  async #submitWithId(
    make: CommandMaker,
    sending: Omit<Sending, "command">,
  ): Promise<WriteAnswer> {
    if (this.#underWay.size >= this.#forwardedMax) {
      throw new ServiceError("overloaded", "Too many writes waiting, try again later");
    }
    const { exact, typed } = sending.format;
    if (exact || typed) this.#requireVersion(exact ? "exact" : "libSQL's protocol");
    const sequence = ++this.#sequence;
    this.#underWay.set(sequence, true);
    try {
      while (!this.#underWay.has(this.#floor)) this.#floor++;
      assert(this.#floor <= sequence, "A write under way is below the floor of its run");
      const request = { origin: this.#origin, sequence, floor: this.#floor };
      const encoded = this.#encode(make(request));
      const command = encoded instanceof Promise ? await encoded : encoded;
      const untakeable = this.#node.untakeable(command);
      if (untakeable !== undefined) throw serviceError(untakeable);
      const watched = this.#node.watch(sequence, sending.format)
        .then((outcome) => done(outcome));
      return await this.#untilDone({ ...sending, command }, watched);
    } finally {
      this.#node.unwatch(sequence);
      this.#underWay.take(sequence);
    }
  }

  /** A leader of an older release would pass the wish over, and answer as it knows. */
  #requireVersion(what: string): void {
    const version = versionOf(this.#node.configuration);
    if (version >= exactVersion) return;
    throw new ServiceError(
      "invalid",
      `The cluster has version ${version}, ${what} needs version ${exactVersion} in writes: ` +
        "once all nodes have this release, raise it by POST /upgrade",
    );
  }

  async #untilDone(sending: Sending, watched: Promise<Attempt>): Promise<WriteAnswer> {
    const { deadline, withdrawal } = sending;
    const leaderDeadline = Math.min(deadline, this.#clock.now() + leaderWaitMs);
    let unknown: ServiceError | undefined;
    for (;;) {
      const leader = this.#leaders.leader ?? await Promise.race([
        this.#leaders.waitForLeader(unknown === undefined ? leaderDeadline : deadline),
        watched,
        ...(withdrawal === undefined ? [] : [withdrawal.asked]),
      ]);
      if (leader !== undefined && "type" in leader) return answerOf(leader);
      if (leader === undefined) throw unknown ?? noLeader();
      const sent = leader.id === this.#node.id
        ? this.#propose(sending)
        : this.#forward(leader, sending);
      const attempt = await Promise.race([this.#leaders.answerOf(leader.id, sent), watched]) ??
        leaderReplaced;
      if (attempt.type === "done" || attempt.type === "result_lost") return answerOf(attempt);
      if (attempt.type === "unknown") unknown = attempt.error;
      if (attempt.type === "refused") throw unknown ?? attempt.error;
      if (this.#clock.now() >= deadline) throw unknown ?? attempt.error;
      if (this.#leaders.leader?.id !== leader.id) continue;
      const again = await Promise.race([this.#leaders.nextChange(retryPauseMs), watched]);
      if (again !== undefined) return answerOf(again);
    }
  }

  #propose(sending: Sending): Promise<Attempt> {
    const { command, deadline, turn } = sending;
    const waited = this.#turns.pass(command.length, deadline, turn);
    if (waited === undefined) return this.#proposeNow(sending);
    return waited.then(
      () => this.#proposeNow(sending),
      (error) => ({ type: "refused", error: serviceError(error) }),
    );
  }

  #proposeNow(sending: Sending): Promise<Attempt> {
    const { command, format, deadline, turn, withdrawal, trace } = sending;
    withdrawal?.propose();
    const proposed = this.#node.propose(command, { format, deadline, trace });
    // Whoever comes next goes into the log behind it.
    if (turn !== undefined) this.#turns.end(turn);
    return proposed.then(done, (error) => this.#notProposed(serviceError(error)));
  }

  /** A leader whose disk is full hands over to another; with none, it would only be asked again. */
  #notProposed(error: ServiceError): Attempt {
    const alone = error.kind === "unavailable" && this.#node.successor() === undefined;
    return alone ? { type: "refused", error } : failed(error);
  }

  async #forward(leader: Member, sending: Sending): Promise<Attempt> {
    const { command, format, deadline, turn, withdrawal } = sending;
    withdrawal?.propose();
    const timeoutMs = Math.max(1, Math.ceil(deadline - this.#clock.now()));
    const kind = turn === undefined ? RequestKind.write : RequestKind.commit;
    const payload = command.length > sliceBytes
      ? await joinInSlices([encodeWrite({ timeoutMs, format }, turn), command], this.#nextTurn)
      : encodeWrite({ timeoutMs, format, command }, turn);
    try {
      const call = { address: leader.address, kind, payload };
      const reader = await this.#ask(call, timeoutMs, sending.trace);
      const index = reader.integer();
      if (reader.uint8() === 1) return await this.#earlierResult(index, deadline);
      const results = reader.raw(reader.remaining);
      return { type: "done", answer: { results, raftIndex: index, servedBy: leader.address } };
    } catch (error) {
      if (error instanceof TransportError && neverArrived(error)) {
        // Who is not there leads no more; who has too much to do is there.
        const isGone = error.kind === "unreachable";
        return { type: "nothing", error: isGone ? noLeader() : serviceError(error) };
      }
      if (error instanceof FormatError) return { type: "unknown", error: unreadable(leader) };
      return failed(serviceError(error));
    }
  }

  /** The answer to a write; one that is traced says so, if the leader knows of traces. */
  async #ask(
    call: { readonly address: string; readonly kind: number; readonly payload: Uint8Array },
    timeoutMs: number,
    trace: Trace | undefined,
  ): Promise<ByteReader> {
    const ask = async (asked: typeof call) =>
      readAnswer(await this.#transport.request(asked, { timeoutMs }));
    if (trace === undefined || call.kind !== RequestKind.write) return await ask(call);
    const since = this.#clock.now();
    const head = encodeTraceparent(trace.traceparent);
    const payload = await joinByLength(head, call.payload, this.#nextTurn);
    try {
      return await ask({ ...call, kind: RequestKind.tracedWrite, payload });
    } catch (error) {
      // One of an earlier release, which has done nothing.
      if (!(error instanceof ServiceError) || error.kind !== "invalid") throw error;
      return await ask(call);
    } finally {
      trace.part("forward", since, this.#clock.now());
    }
  }

  /**
   * The request was applied, at `index` or, by an earlier sending, below it. Its result comes from
   * this node's own apply, unless the node got there by a snapshot.
   */
  async #earlierResult(index: number, deadline: number): Promise<Attempt> {
    try {
      await this.#node.waitApplied(index, deadline - this.#clock.now());
    } catch {
      // Too slow here, or stopping: the write itself is done all the same.
      return resultLost;
    }
    // Had this node applied it itself, its watcher would have won the race by now.
    return resultLost;
  }
}

function unreadable({ id, address }: Member): ServiceError {
  return new ServiceError(
    "unknown_outcome",
    `Outcome unknown: the answer of the leader, ${nodeName(id)} at ${address}, cannot be read`,
  );
}

function done(outcome: WriteOutcome): Attempt {
  const { index, answer } = outcome;
  if (answer === undefined || answer === duplicate) return resultLost;
  return { type: "done", answer: { results: answer, raftIndex: index, servedBy: undefined } };
}

const resultLost: Attempt = {
  type: "result_lost",
  error: new ServiceError(
    "failed",
    "The write was applied, but its result has been lost: its statements may have succeeded or failed. " +
      "Read what it was to change; one with an Idempotency-Key is told its result when it is sent again",
  ),
};

const leaderReplaced: Attempt = {
  type: "unknown",
  error: new ServiceError(
    "unknown_outcome",
    "Outcome unknown: the leader was replaced before it answered, and no other has confirmed the write within its timeout",
  ),
};

function failed(error: ServiceError): Attempt {
  switch (error.kind) {
    case "unknown_outcome":
      return { type: "unknown", error };
    case "no_leader":
    case "unavailable":
      return { type: "nothing", error };
    default:
      return { type: "refused", error };
  }
}

function answerOf(attempt: Attempt): WriteAnswer {
  if (attempt.type === "done") return attempt.answer;
  throw attempt.error;
}
