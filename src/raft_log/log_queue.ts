import { assert } from "../base/assert.ts";
import { messageOf } from "../base/message_of.ts";
import { type Clock, DiskError, type Logger, type Timer } from "../io/types.ts";
import type { CompactionPoint, Entry, HardState } from "../raft/types.ts";
import {
  LogFailedError,
  type LogStore,
  type LogWrite,
  type RaftLog,
  type WriteUnderWay,
} from "./types.ts";

/** How long to wait before a write that found the disk full is tried again, in ms. */
const retryMs = 500;

/** Data of the entries in one write of the store, in bytes, unless it is a single one. */
const writeBytesMax = 4 * 1024 * 1024;

/**
 * How long after a write its mark is written, in ms. A write that follows proves the same, so under
 * load few are; and who waits for a write is not kept waiting by a mark that comes after it.
 */
const markAfterMs = 20;

/** What was appended and is to be made durable together. */
class Batch {
  hardState: HardState | undefined;
  readonly entries: Entry[] = [];
  /** Of the entries' data, as far as it is not written. */
  bytes = 0;
  /** How many of the entries are durable; once writing has begun, no more are added. */
  written = 0;
  begun = false;
  readonly done = Promise.withResolvers<void>();

  get firstIndex(): number {
    return this.entries[0]?.index ?? Infinity;
  }

  /** Later entries take the place of those of their index and behind it. */
  add({ hardState, entries }: LogWrite): void {
    this.hardState = hardState ?? this.hardState;
    const first = entries[0]?.index ?? Infinity;
    while ((this.entries.at(-1)?.index ?? 0) >= first) {
      this.bytes -= this.entries.pop()?.data.length ?? 0;
    }
    for (const entry of entries) {
      this.entries.push(entry);
      this.bytes += entry.data.length;
    }
  }

  /** Where the entries end that make one write of the store, and what they take. */
  get share(): { to: number; bytes: number } {
    let bytes = 0;
    let to = this.written;
    for (; to < this.entries.length; to++) {
      const length = this.entries[to]?.data.length ?? 0;
      if (to > this.written && bytes + length > writeBytesMax) break;
      bytes += length;
    }
    return { to, bytes };
  }
}

/** A call that is carried out by itself. */
interface Task {
  /** "reset" waits for room as entries do, which may build on it; of the others nothing depends. */
  readonly kind: "reset" | "compact" | "mark";
  readonly run: () => Promise<void>;
  readonly done: PromiseWithResolvers<void>;
}

export interface LogQueueParts {
  readonly store: LogStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly directory: string;
}

/**
 * Brings what is to be durable to the log's files, in the order called, one write at a time: all
 * that is appended while one runs goes into the next (group commit). A full disk holds what is
 * appended up until there is room, and lets a compaction pass, which makes some. Any other failure
 * ends the log: what a sync has failed for may look written and not be.
 */
export class LogQueue implements RaftLog {
  readonly #parts: LogQueueParts;
  /** Oldest first: that one may be under way. Bounded by the callers: the node limits its proposals. */
  #jobs: (Batch | Task)[] = [];
  /** What the entries under way take, in bytes; undefined while they wait behind a task. */
  #writingBytes: number | undefined;
  /** Since when the oldest batch has had nothing but tasks before it, in ms of the clock. */
  #firstSince = 0;
  /** Ends with the work under way. */
  #working: Promise<void> | undefined;
  /** The last index once everything that waits is durable. */
  #queuedLast: number;
  /** Set while the disk has no room: wakes who waits for some. */
  #wake: (() => void) | undefined;
  #full = false;
  #marking: Timer | undefined;
  #failed: LogFailedError | undefined;
  /** Set once the log is being closed. */
  #closed: LogFailedError | undefined;

  constructor(parts: LogQueueParts) {
    this.#parts = parts;
    this.#queuedLast = parts.store.lastIndex;
  }

  get firstIndex(): number {
    return this.#parts.store.firstIndex;
  }

  get lastIndex(): number {
    return this.#parts.store.lastIndex;
  }

  get sizeBytes(): number {
    return this.#parts.store.sizeBytes;
  }

  recentFrom(bytesMax: number): number {
    return this.#parts.store.recentFrom(bytesMax);
  }

  get full(): boolean {
    return this.#full;
  }

  get busy(): boolean {
    return this.#firstBatch !== undefined;
  }

  get underWay(): WriteUnderWay | undefined {
    const first = this.#firstBatch;
    if (first === undefined || this.#wake !== undefined) return undefined;
    return { since: this.#firstSince, bytes: this.#writingBytes ?? first.bytes };
  }

  get #firstBatch(): Batch | undefined {
    return this.#jobs.find((job) => job instanceof Batch);
  }

  append(write: LogWrite): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const first = write.entries[0];
    if (first !== undefined) {
      try {
        assert(
          first.index >= this.firstIndex && first.index <= this.#queuedLast + 1,
          `Entry ${first.index} does not fit a log of ${this.firstIndex} to ${this.#queuedLast}`,
        );
      } catch (error) {
        return Promise.reject(error);
      }
      this.#queuedLast = first.index + write.entries.length - 1;
    }
    let batch = this.#jobs.at(-1);
    if (!(batch instanceof Batch) || batch.begun) {
      if (write.hardState === undefined && first === undefined && batch === undefined) {
        return Promise.resolve();
      }
      if (!this.busy) this.#firstSince = this.#parts.clock.now();
      batch = new Batch();
      this.#jobs.push(batch);
    }
    batch.add(write);
    this.#work();
    return batch.done.promise;
  }

  compact(point: CompactionPoint): Promise<void> {
    return this.#enqueue("compact", () => this.#parts.store.compact(point));
  }

  reset(point: CompactionPoint): Promise<void> {
    this.#queuedLast = point.index;
    return this.#enqueue("reset", () => this.#parts.store.reset(point));
  }

  #enqueue(kind: Task["kind"], run: Task["run"]): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const task = { kind, run, done: Promise.withResolvers<void>() };
    this.#jobs.push(task);
    this.#work();
    this.#wake?.();
    return task.done.promise;
  }

  async read(from: number, to: number, bytesMax: number): Promise<Entry[]> {
    const before = this.#jobs.findLast((job) => job instanceof Batch && job.firstIndex <= to);
    await before?.done.promise.catch(() => {});
    return await this.#parts.store.read(from, to, bytesMax);
  }

  async idle(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  async close(): Promise<void> {
    const { store, directory } = this.#parts;
    const closed = new LogFailedError(`Log in ${directory} is closed`);
    this.#closed = closed;
    if (this.#full) this.#end(closed);
    await this.idle();
    this.#marking?.cancel();
    const sound = this.#failed === undefined || this.#failed === closed;
    this.#failed ??= closed;
    await store.close(sound);
  }

  #work(): void {
    this.#working ??= this.#drain();
  }

  async #drain(): Promise<void> {
    for (let job = this.#jobs[0]; job !== undefined; job = this.#jobs[0]) {
      try {
        if (job instanceof Batch) await this.#write(job);
        else await job.run();
      } catch (error) {
        if (!(error instanceof DiskError) || error.kind !== "full") this.#fail(error);
        else if (job instanceof Batch || job.kind === "reset") await this.#room(error);
        else this.#finish(job, error);
        continue;
      }
      // Ended meanwhile, and told so.
      if (this.#jobs[0] !== job) continue;
      this.#noteFull(undefined);
      if (job instanceof Batch && job.written < job.entries.length) continue;
      this.#finish(job);
      // Those who are told by this may append at once: all of that goes into one write.
      await undefined;
    }
    this.#working = undefined;
    this.#markLater();
  }

  /** Writes as much of a batch as is done at once: the store makes no pause within it. */
  async #write(batch: Batch): Promise<void> {
    const { to, bytes } = batch.share;
    const { written, entries } = batch;
    const hardState = written === 0 ? batch.hardState : undefined;
    batch.begun = true;
    this.#firstSince = written === 0 ? this.#firstSince : this.#parts.clock.now();
    this.#writingBytes = bytes;
    try {
      if (hardState !== undefined || to > written) {
        const share = written === 0 && to === entries.length ? entries : entries.slice(written, to);
        await this.#parts.store.write({ hardState, entries: share });
      }
    } finally {
      this.#writingBytes = undefined;
    }
    batch.written = to;
    batch.bytes -= bytes;
  }

  /** The job is over before its caller goes on, who may queue the next one. */
  #finish(job: Batch | Task, error?: Error): void {
    this.#jobs.splice(this.#jobs.indexOf(job), 1);
    if (job instanceof Batch) this.#firstSince = this.#parts.clock.now();
    if (error === undefined) job.done.resolve();
    else job.done.reject(error);
  }

  /** Waits before the oldest job is tried again. What makes room, or says what is durable, passes. */
  async #room(error: DiskError): Promise<void> {
    // What waits for room has been promised to nobody.
    if (this.#closed !== undefined) return this.#end(this.#closed);
    const { clock } = this.#parts;
    this.#noteFull(error);
    this.#markLater();
    let over = false;
    const timer = clock.after(retryMs, () => {
      over = true;
      this.#wake?.();
    });
    while (!over && this.#failed === undefined) {
      const passing = this.#jobs.find((job) => !(job instanceof Batch));
      if (passing instanceof Batch || passing === undefined || passing.kind === "reset") {
        await new Promise<void>((resolve) => this.#wake = resolve);
        this.#wake = undefined;
        continue;
      }
      try {
        await passing.run();
        this.#finish(passing);
      } catch (cause) {
        if (cause instanceof DiskError && cause.kind === "full") this.#finish(passing, cause);
        else this.#fail(cause);
      }
    }
    timer.cancel();
    this.#firstSince = clock.now();
  }

  #noteFull(error: DiskError | undefined): void {
    const full = error !== undefined;
    if (this.#full === full) return;
    this.#full = full;
    const { logger } = this.#parts;
    if (!full) logger.log("INFO", "raft_log", "The disk has room again: writes go on");
    else {
      const what = `${error.message}: no room for the log, writes wait until there is some`;
      logger.log("ERROR", "raft_log", what);
    }
  }

  #markLater(): void {
    const { store, clock } = this.#parts;
    if (!store.unmarked || this.#failed !== undefined) return;
    this.#marking ??= clock.after(markAfterMs, () => {
      this.#marking = undefined;
      this.#enqueue("mark", () => store.mark()).catch(() => {});
    });
  }

  /** From now on every write is refused. */
  #fail(cause: unknown): void {
    if (this.#failed !== undefined) return;
    const { directory, logger } = this.#parts;
    const reason = messageOf(cause);
    const failed = new LogFailedError(
      `Log in ${directory} takes no more writes: ${reason}; check the disk, then restart the node`,
      { cause },
    );
    logger.log("ERROR", "raft_log", failed.message);
    this.#end(failed);
  }

  #end(error: LogFailedError): void {
    this.#failed = error;
    for (const job of this.#jobs.splice(0)) {
      // Who does not wait for it is told by the next call.
      job.done.promise.catch(() => {});
      job.done.reject(error);
    }
    this.#wake?.();
  }
}
