import { assert } from "../base/assert.ts";
import type { Clock, Timer } from "../io/types.ts";
import type { RaftLog } from "../raft_log/types.ts";
import type { Raft } from "../raft/raft.ts";
import { type Entry, EntryType } from "../raft/types.ts";
import type { Answer, AnswerFormat, ApplyEntry, StateMachine } from "../store/types.ts";
import type { WriteStages } from "./writes/write_stages.ts";

/** Batches handed to the state machine before the first must be done: one is applied, one waits. */
const batchesMax = 2;
/** Entries in one batch: bounds how long the readers wait for the first of them. */
const entriesMax = 1024;
/** The longest that entries nobody waits for are held back to be applied together, in ms. */
const holdMsMax = 10;
/** How many of them are held back at most. */
const heldMax = 256;

export interface ApplierParts {
  readonly raft: Pick<Raft, "cached">;
  readonly log: Pick<RaftLog, "read">;
  readonly clock: Clock;
  readonly stateMachine: Pick<StateMachine, "applied" | "apply">;
  readonly stages: Pick<WriteStages, "now" | "applied">;
  /** Of the entries in one batch. */
  readonly bytesMax: number;
  /** Nothing is handed over before `resume`. */
  readonly paused?: boolean;
  readonly handlers: ApplierHandlers;
}

export interface ApplierHandlers {
  /** Whether anybody here may be waiting for what is committed. */
  urgent(): boolean;
  /** How to write the entry's result, when somebody here waits for it. */
  format(entry: Entry): AnswerFormat | undefined;
  /** Its effects can be read now. */
  applied(entry: Entry, answer: Answer): void;
  /** A batch is done; everything up to `index` can be read. */
  advanced(index: number): void;
  failed(error: Error): void;
}

/** Somebody who wants to see the state as it is behind one entry. */
interface Stop {
  readonly isAt: (entry: Entry) => boolean;
  readonly reached: (index: number) => Promise<void>;
}

/**
 * Takes committed entries, in order, from the log to the state machine. Where nobody waits for
 * them, on a follower, some are held back for a moment: a batch has its price, of two turns between
 * threads and a transaction, that many entries then share.
 */
export class Applier {
  readonly #parts: ApplierParts;
  readonly #handlers: ApplierHandlers;
  /** Handed to the state machine. */
  #handed: number;
  #applied: number;
  #target: number;
  #batches = 0;
  #reading = false;
  #paused: boolean;
  #stop: Stop | undefined;
  /** Nothing is handed over for the moment behind an entry that somebody waited for. */
  #stopped = false;
  #hold: Timer | undefined;
  #idle: (() => void)[] = [];

  constructor(parts: ApplierParts) {
    this.#parts = parts;
    this.#handlers = parts.handlers;
    this.#paused = parts.paused ?? false;
    this.#handed = this.#applied = this.#target = parts.stateMachine.applied.index;
  }

  get applied(): number {
    return this.#applied;
  }

  /** Everything up to here may be applied. */
  advance(index: number): void {
    if (index > this.#target) this.#target = index;
    const held = this.#target - this.#handed;
    if (held === 0) return;
    if (held > heldMax || this.#handlers.urgent()) this.hurry();
    else this.#hold ??= this.#parts.clock.after(holdMsMax, () => this.hurry());
  }

  /**
   * Applies nothing behind the next entry of that kind until `reached`, called when it is applied,
   * has settled: only once, and instead of any earlier stop. What it returns takes that back.
   */
  stopBehind(isAt: Stop["isAt"], reached: Stop["reached"]): () => void {
    const stop = { isAt, reached };
    this.#stop = stop;
    return () => {
      if (this.#stop === stop) this.#stop = undefined;
    };
  }

  /** Holds nothing back: somebody waits. */
  hurry(): void {
    this.#hold?.cancel();
    this.#hold = undefined;
    this.#pump();
  }

  #pump(): void {
    while (
      !this.#paused && !this.#stopped && !this.#reading &&
      this.#batches < batchesMax && this.#handed < this.#target
    ) {
      const from = this.#handed + 1;
      const to = Math.min(this.#target, this.#handed + entriesMax);
      const entries = this.#parts.raft.cached(from, to, this.#parts.bytesMax);
      if (entries.length > 0) this.#hand(entries);
      else this.#read(from, to);
    }
  }

  #read(from: number, to: number): void {
    this.#reading = true;
    this.#parts.log.read(from, to, this.#parts.bytesMax).then((entries) => {
      this.#reading = false;
      if (!this.#paused) this.#hand(entries);
      this.#pump();
      this.#wakeIdle();
    }).catch((error) => this.#handlers.failed(error));
  }

  #hand(read: readonly Entry[]): void {
    const stopAt = this.#stop === undefined ? -1 : read.findIndex(this.#stop.isAt);
    const entries = stopAt < 0 ? read : read.slice(0, stopAt + 1);
    const last = entries[entries.length - 1];
    assert(
      last !== undefined && entries[0]?.index === this.#handed + 1,
      "The log has returned other entries than those to apply",
    );
    const batch: ApplyEntry[] = entries.map((entry) => ({
      entry,
      answer: entry.type === EntryType.command ? this.#handlers.format(entry) : undefined,
    }));
    this.#handed = last.index;
    if (stopAt >= 0) this.#stopped = true;
    this.#batches++;
    const { stages } = this.#parts;
    const since = stages.now();
    this.#parts.stateMachine.apply(batch).then((applied) => {
      this.#batches--;
      this.#applied = last.index;
      stages.applied(since, batch.length, last.index);
      this.#pump();
      batch.forEach(({ entry }, i) => {
        assert(applied[i]?.index === entry.index, `Entry ${entry.index} was applied as another`);
        this.#handlers.applied(entry, applied[i].answer);
      });
      this.#handlers.advanced(last.index);
      if (stopAt >= 0) this.#reachStop(last.index);
      this.#wakeIdle();
    }).catch((error) => this.#handlers.failed(error));
  }

  #reachStop(index: number): void {
    const stop = this.#stop;
    this.#stop = undefined;
    const goOn = () => {
      this.#stopped = false;
      this.#pump();
    };
    if (stop === undefined) goOn();
    else stop.reached(index).then(goOn, goOn);
  }

  #wakeIdle(): void {
    if (this.#batches > 0 || this.#reading) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const wake of waiting) wake();
  }

  /** Hands over nothing more, and resolves when nothing is under way. */
  async pause(): Promise<void> {
    this.#paused = true;
    this.#hold?.cancel();
    this.#hold = undefined;
    if (this.#batches > 0 || this.#reading) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  /** Goes on, from `position` when the state has been replaced by another. */
  resume(position?: number): void {
    if (position !== undefined) {
      assert(position >= this.#applied, "A snapshot has taken back what was applied");
      this.#handed = this.#applied = position;
      this.#target = Math.max(this.#target, position);
    }
    this.#paused = false;
    this.#pump();
  }
}
