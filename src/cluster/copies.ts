import { messageOf } from "../base/message_of.ts";
import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { pause } from "../io/pause.ts";
import type { Clock, Logger } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { isAlone } from "../raft/configuration.ts";
import { type Member, nodeName } from "../raft/types.ts";
import type { RowChunk, Store } from "../store/types.ts";
import type { Transport } from "../transport/types.ts";
import type {
  ComparedMember,
  ComparisonReport,
  CopyCall,
  DigestAnswer,
} from "./comparison_types.ts";
import { decodeCopyCall, encodeJson, readJson, writeJson } from "./copy_wire.ts";
import { noLeader } from "./errors.ts";
import { HeldComparison } from "./held_comparison.ts";
import type { LeaderCalls } from "./leader_calls.ts";
import { presentAddress } from "./members.ts";
import { type CopyRepair, ServiceError } from "./types.ts";
import { beginAnswer, readAnswer, RequestKind } from "./wire.ts";

/** What a member may take for one answer about its copy, in ms. */
const answerMs = 10_000;
/** Counting rows that differ reads a table again. */
const rowsMs = 120_000;
/** What a leader may need to have applied what the copy that it is to send must hold, in ms. */
const sendMs = 10_000;
/** Between two times that a copy is asked for, in ms: it doubles from the first to the second. */
const askMsMin = 500;
const askMsMax = 10_000;

export interface CopiesParts {
  readonly node: Node;
  readonly store: Pick<Store, "prepareCopy" | "holdCopy" | "distrust">;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly calls: () => LeaderCalls;
  /** Undefined: what is damaged is told of, and left as it is. */
  readonly repair?: CopyRepair | undefined;
}

/** What the leader has compared by whoever does so, and what it has last come to. */
export interface Comparer {
  /** Begins a comparison, unless one runs. */
  start(): ComparisonReport;
  readonly report: ComparisonReport | undefined;
}

/** The nodes' copies of the database: compared with one another, and replaced where one is damaged. */
export class Copies {
  readonly #parts: CopiesParts;
  readonly #held: HeldComparison;
  readonly #stop = new AbortController();
  #comparer: Comparer | undefined;
  #told: ComparisonReport | undefined;
  #asking = false;
  /** What is wrong with this node's copy where it is left so: nobody is sent it. */
  #leftDamaged: string | undefined;

  constructor(parts: CopiesParts) {
    this.#parts = parts;
    this.#held = new HeldComparison(parts);
  }

  /** Names who compares, while this node leads. */
  serve(comparer: Comparer): void {
    this.#comparer = comparer;
  }

  /** What the last comparison came to that this node knows of. */
  get last(): ComparisonReport | undefined {
    return this.#told;
  }

  /** To be called when the node's status or configuration changed. */
  changed(): void {
    if (this.#parts.node.damage !== undefined) void this.#askForCopy();
  }

  stop(): void {
    this.#stop.abort();
    this.#held.stop();
  }

  /** Has the leader begin a comparison; resolves with how that stands. */
  verify(timeoutMs: number): Promise<ComparisonReport> {
    return this.#askLeader({ do: "start" }, timeoutMs) as Promise<ComparisonReport>;
  }

  /** Of the comparison that runs, or of the last one; undefined before the first. */
  async report(timeoutMs: number): Promise<ComparisonReport | undefined> {
    const report = await this.#askLeader({ do: "report" }, timeoutMs);
    return report === null ? this.#told : report as ComparisonReport;
  }

  async #askLeader(call: { do: "start" | "report" }, timeoutMs: number): Promise<unknown> {
    const deadline = this.#parts.clock.now() + timeoutMs;
    const payload = () => encodeJson(call);
    return readJson(await this.#parts.calls().atLeader(RequestKind.verify, payload, deadline));
  }

  /** The leader's side of `verify` and `report`. */
  handleVerify(payload: Uint8Array): Uint8Array {
    if (!this.#parts.node.isLeader) throw noLeader();
    const comparer = this.#comparer;
    if (comparer === undefined) throw new ServiceError("unavailable", "This node is starting");
    const call = readJson(new ByteReader(payload)) as { readonly do?: unknown } | null;
    return answerOf(call?.do === "start" ? comparer.start() : comparer.report ?? this.#told);
  }

  /** The leader's side of a member's wish for a copy of its database. */
  async handleFresh(payload: Uint8Array): Promise<Uint8Array> {
    const reader = new ByteReader(payload);
    const id = reader.text();
    const index = reader.integer();
    const { node } = this.#parts;
    const isMember = node.configuration.members.some((member) => member.id === id);
    if (!isMember || id === node.id) {
      throw new ServiceError("invalid", `${nodeName(id)} is no member that could be sent a copy`);
    }
    if (this.#leftDamaged !== undefined) {
      throw new ServiceError(
        "unavailable",
        `The leader's copy is damaged, too: ${this.#leftDamaged}`,
      );
    }
    await node.bringUp(id, index, sendMs);
    return beginAnswer().copy();
  }

  /** A member's side of all that a leader asks it. */
  async handleCall(payload: Uint8Array): Promise<Uint8Array> {
    return answerOf(await this.#carryOut(decodeCopyCall(payload)));
  }

  async #carryOut(call: CopyCall): Promise<unknown> {
    const held = this.#held;
    switch (call.do) {
      case "arm":
        return held.arm(call.id, call.after);
      case "digest":
        return held.digest(call.id);
      case "chunks":
        return await held.chunks(call.id, call.table);
      case "rows":
        return await held.rows(call.id, call.table, call.from, call.count);
      case "end":
        return held.end(call.id);
      case "replace":
        held.checkReplaceable(call.id);
        return await this.replace(call.reason);
      case "tell":
        return this.#hear(call.report);
    }
  }

  /**
   * Has this node's copy replaced by the leader's: from now on nothing is read from it. What is to be
   * done is written down first, so that a crash does not bring the damaged copy back.
   */
  async replace(reason: string): Promise<void> {
    const { node, repair, logger } = this.#parts;
    if (node.damage !== undefined) return;
    const noOther = isAlone(node.configuration, node.id);
    if (repair === undefined || noOther) {
      this.#leftDamaged = reason;
      const why = noOther
        ? "no other node is left that has one"
        : "-auto-repair=false leaves it so: stop the node, empty its data directory and let it join again";
      logger.log(
        "ERROR",
        "cluster",
        `This node's copy of the database is damaged: ${reason}; ${why}`,
      );
      return;
    }
    await repair.note(reason);
    logger.log(
      "ERROR",
      "cluster",
      `This node's copy of the database is damaged: ${reason}; nothing is read from it any more, and a copy of the leader's takes its place`,
    );
    node.replaceCopy(reason);
    this.#parts.store.distrust();
    void this.#askForCopy();
  }

  /** Asks whoever leads until a copy is here: it comes as a snapshot does. */
  async #askForCopy(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    const { node, clock, logger } = this.#parts;
    const { signal } = this.#stop;
    let said = "";
    for (
      let pauseMs = askMsMin;
      node.damage !== undefined && !signal.aborted;
      pauseMs = Math.min(askMsMax, 2 * pauseMs)
    ) {
      try {
        if (!node.isLeader) await this.#askOnce();
      } catch (error) {
        const text = `No copy of the database is to be had yet: ${messageOf(error)}`;
        logger.log(text === said ? "DEBUG" : "WARN", "cluster", text);
        said = text;
      }
      await pause(clock, pauseMs, signal);
    }
    this.#asking = false;
  }

  async #askOnce(): Promise<void> {
    const { node, clock } = this.#parts;
    const payload = () => {
      const writer = new ByteWriter();
      writer.text(node.id);
      writer.integer(node.appliedIndex);
      return writer.copy();
    };
    await this.#parts.calls().atLeader(RequestKind.freshCopy, payload, clock.now() + answerMs);
  }

  #hear(report: ComparisonReport): void {
    this.#told = report;
    const own = report.copies.find(({ id }) => id === nodeName(this.#parts.node.id));
    if (own?.verdict === "same") this.#leftDamaged = undefined;
    const isFine = report.copies.every(({ verdict }) => verdict === "same");
    const isWrong = report.copies.some(({ verdict }) =>
      verdict === "differs" || verdict === "undecided"
    );
    const level = isFine ? "INFO" : isWrong ? "ERROR" : "WARN";
    this.#parts.logger.log(level, "cluster", report.message);
  }

  /** All members, this node among them, as whoever compares them asks them. */
  members(): ComparedMember[] {
    return this.#parts.node.configuration.members.map((member) => this.#member(member));
  }

  #member(member: Member): ComparedMember {
    const isSelf = member.id === this.#parts.node.id;
    const ask = (call: CopyCall, timeoutMs = answerMs) =>
      isSelf ? this.#carryOut(call) : this.#ask(member, call, timeoutMs);
    return {
      id: nodeName(member.id),
      isSelf,
      arm: async (id, after) => void await ask({ do: "arm", id, after }),
      digest: async (id) => await ask({ do: "digest", id }) as DigestAnswer,
      chunks: async (id, table) => await ask({ do: "chunks", id, table }) as RowChunk[],
      rows: async (id, table, from, count) =>
        await ask({ do: "rows", id, table, from, count }, rowsMs) as number[],
      end: async (id) => void await ask({ do: "end", id }),
      replace: async (id, reason) => void await ask({ do: "replace", id, reason }),
      tell: async (report) => void await ask({ do: "tell", report }),
    };
  }

  async #ask(member: Member, call: CopyCall, timeoutMs: number): Promise<unknown> {
    const { transport } = this.#parts;
    const address = presentAddress(transport, member);
    const asked = { address, kind: RequestKind.copies, payload: encodeJson(call) };
    return readJson(readAnswer(await transport.request(asked, { timeoutMs })));
  }
}

function answerOf(value: unknown): Uint8Array {
  const answer = beginAnswer();
  writeJson(answer, value);
  return answer.copy();
}
