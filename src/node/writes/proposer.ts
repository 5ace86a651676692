import { type NextTurn, sliceBytes } from "../../base/slices.ts";
import { nextTurnOf } from "../../io/next_turn.ts";
import type { Clock } from "../../io/types.ts";
import { versionOf } from "../../raft/cluster_version.ts";
import type { Raft } from "../../raft/raft.ts";
import { EntryType, type ProposeResult } from "../../raft/types.ts";
import type { AnswerFormat } from "../../store/types.ts";
import { Gathering, LongCommand, type Proposal, Proposals } from "./proposals.ts";
import { PendingWrites } from "./pending_writes.ts";
import {
  type CommandCodec,
  NodeError,
  type NodeLimits,
  type WriteOutcome,
  type WriteTrace,
} from "../types.ts";
import type { WriteStages } from "./write_stages.ts";

/** What is asked of the leader. */
export interface Write {
  readonly type: Proposal["type"];
  readonly command: Uint8Array;
  /** How its result is to be written, for whom it waits. */
  readonly format: AnswerFormat | undefined;
  readonly deadline: number;
  /** Undefined for what is not traced. */
  readonly trace?: WriteTrace | undefined;
}

/** Commands that are proposed without a pause, in bytes, unless it is a single one. */
const proposedBytesMax = 4 * 1024 * 1024;

export interface ProposerParts {
  readonly raft: Pick<Raft, "propose" | "configuration">;
  readonly clock: Clock;
  readonly codec: CommandCodec;
  /** Draws the seed of a command's randomness. */
  readonly seed: () => bigint;
  readonly limits: Pick<NodeLimits, "commandBytesMax" | "pendingWritesMax" | "pendingBytesMax">;
  readonly stages: WriteStages;
  /** Whether this node is a cluster of one. */
  readonly alone: () => boolean;
  /** Whether a write of the log is under way. */
  readonly logBusy: () => boolean;
  /** Called when `proposeWaiting` would propose. */
  readonly due: () => void;
}

/**
 * Brings the leader's writes into the log, some together, and answers them once they are applied.
 * While a write of the log runs they wait and gather: they could be durable no sooner, and one batch
 * of entries is cheaper for every node than many.
 */
export class Proposer {
  readonly #parts: ProposerParts;
  readonly #proposals = new Proposals();
  readonly #pending = new PendingWrites();
  readonly #gathering: Gathering;
  readonly #nextTurn: NextTurn;
  #stopped = false;

  constructor(parts: ProposerParts) {
    this.#parts = parts;
    this.#nextTurn = nextTurnOf(parts.clock);
    this.#gathering = new Gathering({
      clock: parts.clock,
      waiting: () => this.#proposals.size,
      underWay: () => this.#pending.size,
      alone: parts.alone,
      enough: parts.due,
    });
  }

  /** Writes not answered yet. */
  get size(): number {
    return this.#proposals.announced + this.#proposals.size + this.#pending.size;
  }

  /** Whether any write waits for the log. */
  get isWaiting(): boolean {
    return this.#proposals.announced + this.#proposals.size > 0;
  }

  /** Why a command of that many bytes can never be taken, if it cannot. */
  tooLarge(bytes: number): NodeError | undefined {
    const { commandBytesMax } = this.#parts.limits;
    if (bytes <= commandBytesMax) return undefined;
    return new NodeError(
      "too_large",
      `The write takes ${bytes} bytes as an entry of the log, the limit is ${commandBytesMax}: ` +
        "send it in several requests",
    );
  }

  /** In the log, a command that only newer releases know would stop the nodes of older ones. */
  tooNew(command: Uint8Array): NodeError | undefined {
    const { codec, raft } = this.#parts;
    const needed = codec.versionNeeded(command);
    const version = versionOf(raft.configuration);
    if (version >= needed) return undefined;
    return new NodeError(
      "too_new",
      `The cluster has version ${version}, this needs version ${needed}: ` +
        "once all nodes have this release, raise it by POST /upgrade",
    );
  }

  /** Why a command of that many bytes cannot be taken now, if it cannot. */
  refusal(bytes: number): NodeError | undefined {
    const tooLarge = this.tooLarge(bytes);
    if (tooLarge !== undefined) return tooLarge;
    const { pendingWritesMax, pendingBytesMax } = this.#parts.limits;
    return this.size >= pendingWritesMax || this.#proposals.exceeds(bytes, pendingBytesMax)
      ? new NodeError("overloaded", "Too many writes waiting, try again later")
      : undefined;
  }

  /** Resolves when the command, stamped on its way, has been applied here. */
  add(write: Write): Promise<WriteOutcome> {
    if (write.command.length > sliceBytes) return this.#addLong(write);
    return this.#add(write, write.command);
  }

  /** Such a one is made ready first, with pauses; others may pass it. */
  async #addLong(write: Write): Promise<WriteOutcome> {
    const { command } = write;
    const ready = this.#proposals.announce(command.length);
    let long: LongCommand;
    try {
      long = await LongCommand.prepare(command, this.#parts.codec, this.#nextTurn);
    } finally {
      ready();
    }
    if (this.#stopped) throw stopping();
    return await this.#add(write, long);
  }

  /** `command` is the write's, as it is going to be stamped. */
  #add(
    { type, command: { length: bytes }, format, deadline, trace }: Write,
    command: Proposal["command"],
  ): Promise<WriteOutcome> {
    const since = this.#parts.stages.now();
    return new Promise((resolve, reject) => {
      this.#proposals.add({
        type,
        command,
        bytes,
        format,
        deadline,
        since,
        trace,
        resolve,
        reject,
      });
      this.logIdle();
    });
  }

  /** Resolves when what was proposed elsewhere, with that result, has been applied here. */
  track(
    { index, term }: ProposeResult & { ok: true },
    deadline: number,
  ): Promise<WriteOutcome> {
    return new Promise((resolve, reject) =>
      this.#pending.add(index, { term, format: undefined, deadline, resolve, reject })
    );
  }

  /** To be called when the log can be written. */
  logIdle(): void {
    if (this.#proposals.size > 0 && !this.#parts.logBusy()) this.#gathering.begin();
  }

  /**
   * Proposes what waits, unless the log is written or more is hoped for. Of much only the first
   * part: the rest goes when that is written.
   */
  proposeWaiting(): void {
    const { clock, logBusy, stages } = this.#parts;
    if (this.#proposals.size === 0 || logBusy() || this.#gathering.gathering) return;
    const wallTime = clock.wallTime();
    const now = stages.now();
    let lastIndex = 0;
    let entries = 0;
    for (const proposal of this.#proposals.take(proposedBytesMax)) {
      const { format, deadline, since, trace, resolve, reject } = proposal;
      const result = this.#propose(proposal, wallTime);
      if (!result.ok) reject(proposalError(result.reason));
      else {
        const { index, term } = result;
        this.#pending.add(index, { term, format, deadline, resolve, reject });
        stages.wait.observe((now - since) / 1000);
        if (trace !== undefined) {
          trace.part("wait", since, now);
          stages.traced(index, trace, now);
        }
        lastIndex = index;
        entries++;
      }
    }
    if (entries > 0) stages.proposed(lastIndex, entries, now);
    if (this.#proposals.size > 0) this.#parts.due();
  }

  #propose({ type, command }: Proposal, clock: number): ProposeResult {
    const { raft, codec, seed } = this.#parts;
    if (command instanceof LongCommand) {
      const { data, checksum } = command.stamp({ clock, seed: seed() });
      return raft.propose(type, data, checksum);
    }
    if (type !== EntryType.command) return raft.propose(type, command);
    return raft.propose(type, codec.stamp(command, { clock, seed: seed() }));
  }

  /** How to write the result of the entry, when its client waits here. */
  format(index: number, term: number): AnswerFormat | undefined {
    return this.#pending.format(index, term);
  }

  /** The entry at `index` was applied: answers who waited for it. */
  applied(index: number, term: number, answer: WriteOutcome["answer"]): void {
    this.#pending.applied(index, term, answer);
  }

  /** A snapshot took the place of the entries up to `index`. */
  skipped(index: number): void {
    this.#pending.skipped(index);
  }

  /** Refuses what waits for the log, with nothing done: its client may go elsewhere. */
  refuseWaiting(message: string): void {
    this.#proposals.failAll(message);
  }

  expire(now: number): void {
    this.#pending.expire(now);
    this.#proposals.expire(now);
  }

  /** @param message Of the writes whose outcome is unknown. */
  failAll(message: string): void {
    this.#stopped = true;
    this.#proposals.failAll(stopping().message);
    this.#pending.failAll(message);
  }
}

function stopping(): NodeError {
  return new NodeError("unavailable", "The node is stopping");
}

export function proposalError(reason: (ProposeResult & { ok: false })["reason"]): NodeError {
  switch (reason) {
    case "not_leader":
      return new NodeError("not_leader", "This node is not the leader");
    case "transferring":
      return new NodeError("not_leader", "Leadership is being handed over");
    case "membership_busy":
      return new NodeError(
        "membership_busy",
        "Another membership change is under way, or the leader has not committed in its term yet",
      );
    case "invalid_member":
      return new NodeError(
        "membership_invalid",
        "No such member, or not one that can take this role",
      );
  }
}
