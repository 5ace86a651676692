import { assert } from "../base/assert.ts";
import type { Clock } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { NodeError } from "../node/types.ts";
import type { ReadRequest, Statements, Store } from "../store/types.ts";
import { noLeader, serviceError } from "./errors.ts";
import { isPassing, type LeaderCalls } from "./leader_calls.ts";
import type { LeaderWatch } from "./leader_watch.ts";
import { type ReadAnswer, type ReadLevelOptions, ServiceError } from "./types.ts";
import { encodeBarrier, RequestKind } from "./wire.ts";

interface Parts {
  readonly node: Node;
  readonly store: Pick<Store, "read" | "inspect">;
  readonly clock: Clock;
  readonly leaders: LeaderWatch;
  readonly calls: LeaderCalls;
}

/** Reads from this node's own copy, once that is as fresh as the level asks. */
export class ReadPath {
  readonly #node: Node;
  readonly #store: Pick<Store, "read" | "inspect">;
  readonly #clock: Clock;
  readonly #leaders: LeaderWatch;
  readonly #calls: LeaderCalls;

  constructor(parts: Parts) {
    this.#node = parts.node;
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#leaders = parts.leaders;
    this.#calls = parts.calls;
  }

  read(
    request: ReadRequest,
    level: ReadLevelOptions,
    signal?: () => AbortSignal,
  ): ReadAnswer | Promise<ReadAnswer> {
    if (this.#node.damage !== undefined || !this.#hasSeen(level) || !this.#mayReadNow(level)) {
      return this.#readLater(request, level, signal);
    }
    const raftIndex = level.level === "linearizable" ? this.#node.commitIndex : 0;
    const results = this.#store.read(request, signal);
    return results instanceof Uint8Array
      ? this.#answer(results, raftIndex, level)
      : results.then((results) => this.#answer(results, raftIndex, level));
  }

  /** Resolves when others may read this node's own copy at the level, for reads that had begun. */
  async confirm(level: "weak" | "linearizable", timeoutMs: number): Promise<void> {
    const options = { level, freshnessMs: 0, freshnessStrict: false, timeoutMs };
    if (!this.#mayReadNow(options)) await this.#reachLevel(options);
  }

  #answer(
    results: ReadAnswer["results"],
    raftIndex: number,
    { minIndex }: ReadLevelOptions,
  ): ReadAnswer {
    // A reader's thread may see entries whose applying is not reported here yet, but none that is
    // not committed.
    const seenIndex = minIndex === undefined ? undefined : this.#node.commitIndex;
    return { results, raftIndex, seenIndex };
  }

  async #readLater(
    request: ReadRequest,
    level: ReadLevelOptions,
    signal: (() => AbortSignal) | undefined,
  ): Promise<ReadAnswer> {
    this.checkCopy();
    const left = this.#hasSeen(level) ? level : await this.#catchUp(level);
    const raftIndex = await this.#reachLevel(left);
    assert(
      raftIndex <= this.#node.appliedIndex,
      `A read would be told of index ${raftIndex}, which is not applied here yet`,
    );
    this.checkCopy();
    return this.#answer(await this.#store.read(request, signal), raftIndex, level);
  }

  /** As the store's; of a copy that is damaged nothing is told. */
  async inspect(statements: Statements, rights?: string): Promise<(boolean | string)[]> {
    this.checkCopy();
    return await this.#store.inspect(statements, rights);
  }

  /** Throws a ServiceError when this node's copy is damaged: another node answers. */
  checkCopy(): void {
    const { damage } = this.#node;
    if (damage === undefined) return;
    throw new ServiceError(
      "unavailable",
      `This node's copy of the database is damaged and is being replaced by the leader's: ask another node (${damage})`,
    );
  }

  /** Whether this node's own copy has all that the client has seen. */
  #hasSeen({ minIndex = 0 }: ReadLevelOptions): boolean {
    return minIndex <= this.#node.appliedIndex;
  }

  /**
   * Waits for what the client has seen; only the log can bring it, so nobody is asked. Resolves with
   * the level and what is left of its time.
   */
  async #catchUp(level: ReadLevelOptions): Promise<ReadLevelOptions> {
    const { minIndex = 0, timeoutMs } = level;
    const deadline = this.#clock.now() + timeoutMs;
    try {
      await this.#node.waitApplied(minIndex, timeoutMs);
    } catch (error) {
      if (!(error instanceof NodeError) || error.kind !== "timeout") throw serviceError(error);
      const { appliedIndex } = this.#node;
      throw new ServiceError(
        "behind",
        `index ${minIndex} is not here within ${timeoutMs} ms: this node has applied ${appliedIndex}`,
      );
    }
    return { ...level, timeoutMs: Math.max(1, Math.ceil(deadline - this.#clock.now())) };
  }

  /** Whether this node's own copy may answer at the level without asking or awaiting anything. */
  #mayReadNow({ level, freshnessMs }: ReadLevelOptions): boolean {
    switch (level) {
      case "none":
        return freshnessMs === 0;
      case "weak":
      case "auto":
        return this.#node.mayReadByLease;
      case "linearizable":
        return this.#node.mayReadAlone;
      default:
        return false;
    }
  }

  /** Waits until this node's own copy may answer at the level; resolves with the index to report. */
  async #reachLevel(options: ReadLevelOptions): Promise<number> {
    switch (options.level) {
      case "none":
        await this.#checkFreshness(options);
        return 0;
      case "auto":
        return await this.#reachLevel({ ...options, level: this.#isVoter() ? "weak" : "none" });
      case "weak":
        await this.barrier("lease", options.timeoutMs);
        return 0;
      case "linearizable":
        return await this.barrier("quorum", options.timeoutMs);
      case "strong":
        return await this.#throughLog(options.timeoutMs);
    }
  }

  #isVoter(): boolean {
    return this.#node.configuration.members.some((m) =>
      m.id === this.#node.id && m.suffrage === "voter"
    );
  }

  /** Strictly, what is known to be committed must be applied here within the same time. */
  async #checkFreshness({ freshnessMs, freshnessStrict }: ReadLevelOptions): Promise<void> {
    const node = this.#node;
    if (freshnessMs === 0 || node.isLeader) return;
    if (node.lastContactMs > freshnessMs) throw stale();
    if (!freshnessStrict) return;
    try {
      await node.waitApplied(node.commitIndex, freshnessMs);
    } catch (error) {
      throw error instanceof NodeError && error.kind === "timeout" ? stale() : serviceError(error);
    }
  }

  /**
   * Waits until what is committed by now is applied here: known from the leader's lease, or from a
   * round of heartbeats to a majority. Resolves with the index of that.
   */
  async barrier(mode: "lease" | "quorum", timeoutMs: number): Promise<number> {
    const deadline = this.#clock.now() + timeoutMs;
    if (this.#leaders.leader === undefined) await this.#calls.leader(deadline);
    try {
      return await this.#node.readBarrier(mode, deadline - this.#clock.now());
    } catch (error) {
      const timedOut = error instanceof NodeError && error.kind === "timeout";
      if (timedOut && this.#leaders.leader === undefined) throw noLeader();
      throw serviceError(error);
    }
  }

  /** A strong read is ordered by the log itself: an empty entry goes through it first. */
  async #throughLog(timeoutMs: number): Promise<number> {
    const deadline = this.#clock.now() + timeoutMs;
    const left = () => Math.max(1, Math.ceil(deadline - this.#clock.now()));
    if (this.#node.isLeader) {
      try {
        return await this.#node.proposeBarrier(timeoutMs);
      } catch (error) {
        const failure = serviceError(error);
        if (!isPassing(failure)) throw failure;
      }
    }
    const answer = await this.#calls.atLeader(
      RequestKind.barrier,
      () => encodeBarrier(left()),
      deadline,
    );
    const index = answer.integer();
    if (this.#node.appliedIndex >= index) return index;
    // A read index of the leader's is at least that, and asking for it brings what it stands for.
    await this.barrier("lease", left());
    return index;
  }
}

function stale(): ServiceError {
  return new ServiceError("stale", "stale read");
}
