import { assert } from "../base/assert.ts";
import type { HeartbeatResponse, NodeId, PeerProgress } from "./types.ts";

/** The append requests under way to one follower, each by its last index, in the order sent. */
export class InflightWindow {
  readonly #lastIndexes: number[];
  #start = 0;
  #count = 0;

  constructor(size: number) {
    this.#lastIndexes = new Array<number>(size).fill(0);
  }

  get full(): boolean {
    return this.#count === this.#lastIndexes.length;
  }

  add(lastIndex: number): void {
    assert(!this.full, "More append requests are under way than the window holds");
    this.#lastIndexes[(this.#start + this.#count) % this.#lastIndexes.length] = lastIndex;
    this.#count++;
  }

  /** Everything up to `index` has arrived. */
  release(index: number): void {
    while (this.#count > 0 && (this.#lastIndexes[this.#start] ?? 0) <= index) {
      this.#start = (this.#start + 1) % this.#lastIndexes.length;
      this.#count--;
    }
  }

  clear(): void {
    this.#count = 0;
  }
}

/**
 * Whether a staging member keeps up with the log (4.2.1): it is brought up in rounds, each to where
 * the log ended when the round began, and is there when a round takes less than an election timeout.
 */
export class CatchUp {
  #target: number;
  #startedAt: number;

  constructor(lastIndex: number, now: number) {
    this.#target = lastIndex;
    this.#startedAt = now;
  }

  /** Takes note of how far the member is; true when it has caught up. */
  advanced(
    matchIndex: number,
    { lastIndex, now, electionTicks }: {
      readonly lastIndex: number;
      readonly now: number;
      readonly electionTicks: number;
    },
  ): boolean {
    if (matchIndex < this.#target) return false;
    if (now - this.#startedAt < electionTicks) return true;
    this.#target = lastIndex;
    this.#startedAt = now;
    return false;
  }
}

/**
 * How far one peer has come, and what may be sent to it:
 * - "probe": where its log parts from the leader's is not known; one append request at a time.
 * - "replicate": it follows; requests are sent ahead of its answers, as many as the window holds.
 * - "snapshot": what it needs is compacted away; nothing is sent until the snapshot is through.
 */
export class Progress {
  readonly id: NodeId;
  readonly window: InflightWindow;
  /** The peer's log is durable and equal to the leader's up to here. */
  matchIndex = 0;
  /** The next entry to send. */
  nextIndex: number;
  state: PeerProgress["state"] = "probe";
  /** When probing: a request is under way, or failed; nothing more before the peer is heard from. */
  paused = false;
  /** Something that was sent may be lost: ask the peer how far it is. */
  doubtful = false;
  /** Heard from since the last check of the quorum; a member that is new has until the next one. */
  recentlyActive = true;
  /** The same between the last two checks: at rest a check may have been a moment ago. */
  #activeBefore = false;
  /** The commit index that the peer was last told. */
  commitTold = 0;
  /** A read index was sent to it: it waits to hear that so much is committed. */
  newsOwed = false;
  /** The last round of heartbeats that it answered. */
  ackedRound = 0;
  /** How long it promises to help nobody else after an answer, in ms; Infinity before the first. */
  promiseMs = Infinity;
  /** Until when, in the leader's ticks, the leader may rest on that (lease.ts). */
  promisedUntil = -Infinity;
  /** Set while it is a staging member. */
  catchUp: CatchUp | undefined;
  /** Entries are being loaded from disk for it. */
  loading = false;
  /** A snapshot is being streamed to it. */
  streaming = false;
  /** The compaction point when the snapshot was begun. */
  snapshotIndex = 0;

  constructor(id: NodeId, nextIndex: number, inflightMax: number) {
    this.id = id;
    this.nextIndex = nextIndex;
    this.window = new InflightWindow(inflightMax);
  }

  /** Starts over from what is known for certain. */
  probe(): void {
    this.state = "probe";
    this.nextIndex = this.matchIndex + 1;
    this.paused = false;
    this.#forget();
  }

  /** Nothing can be sent before the snapshot up to `index` is through. */
  awaitSnapshot(index: number): void {
    this.state = "snapshot";
    this.snapshotIndex = index;
    this.#forget();
  }

  /** The snapshot stream ended; the next probe waits until the peer is heard from. */
  snapshotFinished(ok: boolean): void {
    this.streaming = false;
    if (this.state !== "snapshot") return;
    this.probe();
    if (ok) this.nextIndex = Math.max(this.nextIndex, this.snapshotIndex + 1);
    this.paused = true;
  }

  /** An append request with `count` entries leaves, which also tells `commitIndex`. */
  sent(count: number, commitIndex: number): void {
    assert(this.state !== "snapshot", "Entries are sent before the snapshot is through");
    assert(this.nextIndex > this.matchIndex, "Entries are sent that the peer has acknowledged");
    this.commitTold = commitIndex;
    this.newsOwed = false;
    this.doubtful = false;
    if (this.state === "probe") this.paused = true;
    else if (count > 0) {
      this.nextIndex += count;
      this.window.add(this.nextIndex - 1);
    }
  }

  /** The peer has everything up to `matchIndex`. True when that is news. */
  acknowledged(matchIndex: number, compactionIndex: number): boolean {
    if (matchIndex < this.matchIndex) return false;
    const advanced = matchIndex > this.matchIndex;
    this.matchIndex = matchIndex;
    this.nextIndex = Math.max(this.nextIndex, matchIndex + 1);
    const reachable = this.state === "probe" ||
      (this.state === "snapshot" && matchIndex >= compactionIndex);
    if (reachable) {
      this.state = "replicate";
      this.paused = false;
      this.nextIndex = matchIndex + 1;
      this.#forget();
    }
    this.window.release(matchIndex);
    return advanced;
  }

  /**
   * The peer has refused a request behind `rejectedIndex`; `possibleMatch` is the last index that
   * may still match. Answers to requests that were given up meanwhile change nothing, and what was
   * acknowledged is never taken back.
   */
  rejected(rejectedIndex: number, possibleMatch: number): void {
    const current = this.state === "replicate" ||
      (this.state === "probe" && rejectedIndex === this.nextIndex - 1);
    if (!current || rejectedIndex <= this.matchIndex) return;
    this.probe();
    this.nextIndex = Math.max(this.matchIndex + 1, Math.min(rejectedIndex, possibleMatch + 1));
  }

  /** The peer answered a heartbeat: it is there, and may lack what was sent to it. */
  heartbeatAnswered({ round, promiseMs }: HeartbeatResponse, lastIndex: number): void {
    this.recentlyActive = true;
    this.promiseMs = promiseMs;
    this.ackedRound = Math.max(this.ackedRound, round);
    this.paused = false;
    this.doubtful = this.state === "replicate" && this.matchIndex < lastIndex;
  }

  /** The quorum was checked. */
  checked(): void {
    this.#activeBefore = this.recentlyActive;
    this.recentlyActive = false;
  }

  report(): PeerProgress {
    const { id, matchIndex, nextIndex, state, ackedRound } = this;
    const recentlyActive = this.recentlyActive || this.#activeBefore;
    return { id, matchIndex, nextIndex, state, recentlyActive, ackedRound };
  }

  #forget(): void {
    this.window.clear();
    this.doubtful = false;
  }
}
