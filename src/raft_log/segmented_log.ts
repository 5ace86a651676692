import { assert } from "../base/assert.ts";
import { checksum } from "../base/checksum.ts";
import { messageOf } from "../base/message_of.ts";
import { PartsWriter } from "../base/parts_writer.ts";
import type { NextTurn } from "../base/slices.ts";
import { nextTurnOf } from "../io/next_turn.ts";
import { type Clock, type Disk, DiskError, type Logger, type Timer } from "../io/types.ts";
import type { CompactionPoint, Entry, HardState } from "../raft/types.ts";
import { ActiveSegment } from "./active_segment.ts";
import { batchBodyMax } from "./batch.ts";
import type { EntryIndex } from "./entry_index.ts";
import { PendingBatch, verifyInMemory, writeLength } from "./pending_batch.ts";
import { isLong } from "./records.ts";
import type { Segment } from "./segment.ts";
import type { SegmentHeader } from "./segment_header.ts";
import { LogFailedError, type LogWrite, type RaftLog } from "./types.ts";

/** What the log works with. */
export interface LogEnvironment {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly directory: string;
  readonly logger: Logger;
  readonly sizes: { readonly segmentBytes: number; readonly allocateBytes: number };
  readonly drawSalt: () => number;
}

/** Where the log stands: everything here is durable. */
interface LogPosition {
  active: ActiveSegment;
  readonly index: EntryIndex;
  hardState: HardState;
  compaction: CompactionPoint;
  firstSegment: number;
}

/** The most that one write may take, in bytes: with a full batch before it, it stays within one batch. */
const writeBytesMax = batchBodyMax / 2;

/**
 * How long after a batch its mark is written, in ms. A batch that follows proves the same, so under
 * load few are; and who waits for a batch is not kept waiting by a write that comes after it.
 */
const markAfterMs = 20;

/** A compaction, reset or mark that waits for its turn among the batches. */
interface Task {
  readonly run: () => Promise<void>;
  readonly done: PromiseWithResolvers<void>;
}

/** The log in segment files; see the README beside this file. Made by `openRaftLog`. */
export class SegmentedLog implements RaftLog {
  #environment: LogEnvironment;
  #position: LogPosition;
  /** What waits, in the order called. Bounded by the callers: the node limits its proposals. */
  #queue: (PendingBatch | Task)[] = [];
  /** The batch being written. */
  #current: PendingBatch | undefined;
  #working = false;
  /** Ends with the work under way. */
  #idle: Promise<void> = Promise.resolve();
  /** The last index once everything that waits is durable, and its term when an append gave it. */
  #queuedLast: number;
  /** A batch is durable and no mark says so yet. */
  #unmarked = false;
  #marking: Timer | undefined;
  #failed: LogFailedError | undefined;
  /** Why writes were refused, until one is taken that follows what the log holds. */
  #refused: DiskError | undefined;
  /** The last write found no room; said once in the log lines. */
  #full = false;
  #spareBuffer: PartsWriter | undefined;
  readonly #nextTurn: NextTurn;

  constructor(environment: LogEnvironment, position: LogPosition) {
    this.#environment = environment;
    this.#nextTurn = nextTurnOf(environment.clock);
    this.#position = position;
    this.#queuedLast = position.index.lastIndex;
  }

  get firstIndex(): number {
    return this.#position.index.firstIndex;
  }

  get lastIndex(): number {
    return this.#position.index.lastIndex;
  }

  get sizeBytes(): number {
    return this.#position.index.segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  append(write: LogWrite): Promise<void> {
    try {
      return this.#append(write);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #append(write: LogWrite): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed;
    const first = write.entries[0];
    if (first === undefined && write.hardState === undefined) return Promise.resolve();
    const bytes = writeLength(write);
    if (bytes > writeBytesMax) {
      throw new RangeError(`A write of ${bytes} bytes is too large for the log: ${writeBytesMax}`);
    }
    if (first !== undefined) {
      if (first.index > this.#queuedLast + 1 && this.#refused !== undefined) throw this.#refused;
      this.#check(write.entries, first.index);
      this.#refused = undefined;
      this.#queuedLast = first.index + write.entries.length - 1;
    }
    let batch = this.#queue.at(-1);
    if (!(batch instanceof PendingBatch) || batch.full) {
      batch = new PendingBatch(this.#spareBuffer ?? new PartsWriter(64 * 1024));
      this.#spareBuffer = undefined;
      this.#queue.push(batch);
    }
    batch.add(write);
    this.#work();
    return batch.done;
  }

  /** Entries must follow one another and what is queued, and be what their leader made. */
  #check(entries: readonly Entry[], firstIndex: number): void {
    assert(
      firstIndex >= this.firstIndex && firstIndex <= this.#queuedLast + 1,
      `Entry ${firstIndex} does not fit a log of ${this.firstIndex} to ${this.#queuedLast}`,
    );
    for (const [i, entry] of entries.entries()) {
      assert(entry.index === firstIndex + i, `Entry ${entry.index} is out of order`);
      // A long one is verified, in slices, when its turn comes.
      if (isLong(entry)) continue;
      try {
        verifyInMemory(entry, checksum(entry.data));
      } catch (error) {
        throw this.#fail(error);
      }
    }
  }

  async read(from: number, to: number, bytesMax: number): Promise<Entry[]> {
    await this.#settled(to);
    const { index } = this.#position;
    const last = Math.min(to, index.lastIndex);
    const entries: Entry[] = [];
    let budget = bytesMax;
    for (let next = from; next <= last && next >= this.firstIndex && budget > 0;) {
      const segment = index.segmentOf(next);
      if (segment === undefined) break;
      const found = await this.#readFrom(segment, next, last, budget);
      if (found.length === 0) break;
      for (const entry of found) {
        budget -= entry.data.length;
        if (budget < 0 && entries.length > 0) return entries;
        entries.push(entry);
      }
      next += found.length;
    }
    return entries;
  }

  /** Entries of one segment; none when a compaction has taken it away meanwhile. */
  async #readFrom(segment: Segment, from: number, to: number, bytesMax: number): Promise<Entry[]> {
    try {
      return await segment.read(from, to, bytesMax, this.#nextTurn);
    } catch (error) {
      if (error instanceof DiskError && this.#position.index.segmentOf(from) !== segment) return [];
      throw error;
    }
  }

  /** Waits until no write of entries up to `index` is under way. */
  async #settled(index: number): Promise<void> {
    const waiting = this.#queue.findLast((job) =>
      job instanceof PendingBatch && job.firstIndex <= index
    );
    const batch = waiting instanceof PendingBatch
      ? waiting
      : this.#current !== undefined && this.#current.firstIndex <= index
      ? this.#current
      : undefined;
    await batch?.done.catch(() => {});
  }

  /** The first of the newest entries that together take at most `bytesMax` bytes on disk. */
  recentFrom(bytesMax: number): number {
    const { segments, firstIndex, lastIndex } = this.#position.index;
    let from = lastIndex + 1;
    let budget = bytesMax;
    for (const segment of segments.toReversed()) {
      if (budget <= 0) break;
      const found = segment.recentFrom(budget);
      if (found.from !== undefined) from = found.from;
      budget = found.budget;
    }
    return Math.max(from, firstIndex);
  }

  compact(point: CompactionPoint): Promise<void> {
    return this.#enqueue(async () => {
      const { index, active, compaction } = this.#position;
      if (point.index <= compaction.index) return;
      const term = index.termAt(point.index);
      assert(
        term === point.term,
        `Compaction at ${point.index} of term ${point.term}, not ${term}`,
      );
      const firstSegment = index.firstSegmentAfter(point.index);
      const batch = new PendingBatch(new PartsWriter(1024));
      batch.addCompaction(point, firstSegment);
      await active.write(batch.writer, true, this.#nextTurn);
      this.#unmarked = true;
      this.#position.compaction = point;
      this.#position.firstSegment = firstSegment;
      index.compact(point.index);
      await this.#remove(index.dropSegments(firstSegment));
    });
  }

  reset(point: CompactionPoint): Promise<void> {
    this.#queuedLast = point.index;
    return this.#enqueue(async () => {
      const { index } = this.#position;
      const sequence = this.#position.active.segment.sequence + 1;
      const header = { ...this.#header(), firstSegment: sequence, previousEnd: 0 };
      await this.#begin({ ...header, lastIndex: point.index, compaction: point });
      this.#position.compaction = point;
      this.#position.firstSegment = sequence;
      const old = index.clear(point.index);
      index.segments.push(this.#position.active.segment);
      await this.#remove(old);
    });
  }

  async close(): Promise<void> {
    while (this.#working) await this.#idle;
    this.#marking?.cancel();
    const sound = this.#failed === undefined;
    this.#failed ??= new LogFailedError(`Log in ${this.#environment.directory} is closed`);
    const { active } = this.#position;
    try {
      if (sound && this.#unmarked) await active.mark();
      if (sound) await active.sync();
    } catch (error) {
      const reason = messageOf(error);
      this.#environment.logger.log("WARN", "raft_log", `Closed without its last mark: ${reason}`);
    }
    for (const segment of this.#position.index.segments) segment.close();
  }

  #enqueue(run: () => Promise<void>): Promise<void> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const task = { run, done: Promise.withResolvers<void>() };
    this.#queue.push(task);
    this.#work();
    return task.done.promise;
  }

  #work(): void {
    if (this.#working) return;
    this.#working = true;
    this.#idle = this.#drain();
  }

  /** Carries out what waits, one after the other. */
  async #drain(): Promise<void> {
    while (this.#failed === undefined) {
      const job = this.#queue.shift();
      if (job instanceof PendingBatch) await this.#write(job);
      else if (job !== undefined) await this.#runTask(job);
      else break;
    }
    this.#working = false;
    if (this.#unmarked && this.#failed === undefined) this.#markLater();
  }

  /** Group commit: everything that was appended while the last batch was written goes into one. */
  async #write(batch: PendingBatch): Promise<void> {
    this.#current = batch;
    try {
      if (batch.writer.inParts) await batch.verifyLong(this.#nextTurn);
      const { active } = this.#position;
      if (active.overflows(batch.writer.size)) await this.#roll();
      const offset = this.#position.active.segment.end;
      await this.#position.active.write(batch.writer, false, this.#nextTurn);
      batch.forEachEntry(offset, (entry, at) => {
        this.#position.index.append(entry.term, entry.index, at);
      });
      this.#position.hardState = batch.hardState ?? this.#position.hardState;
      this.#unmarked = true;
      this.#current = undefined;
      this.#noteFull(false, "Writes go on: there is room again");
      // For the next batch, without what this one had.
      batch.writer.reset();
      if (batch.writer.capacity <= 1024 * 1024) this.#spareBuffer = batch.writer;
      batch.resolve();
    } catch (error) {
      this.#current = undefined;
      batch.reject(this.#failedOrRefused(error));
    }
  }

  async #runTask(task: Task): Promise<void> {
    try {
      await task.run();
      task.done.resolve();
    } catch (error) {
      task.done.reject(this.#failedOrRefused(error));
    }
  }

  #markLater(): void {
    this.#marking ??= this.#environment.clock.after(markAfterMs, () => {
      this.#marking = undefined;
      this.#enqueue(() => this.#mark()).catch(() => {});
    });
  }

  async #mark(): Promise<void> {
    if (!this.#unmarked) return;
    this.#unmarked = false;
    try {
      await this.#position.active.mark();
    } catch (error) {
      throw this.#fail(error);
    }
  }

  #failedOrRefused(error: unknown): Error {
    const full = error instanceof DiskError && error.kind === "full";
    return full ? this.#refuse(error) : this.#fail(error);
  }

  /** The disk is full: what waits behind the write that found that out may build on it, and goes too. */
  #refuse(error: DiskError): DiskError {
    this.#noteFull(true, `Writes are refused until there is room: ${error.message}`);
    const waiting = this.#queue;
    this.#queue = waiting.filter((job) => !(job instanceof PendingBatch));
    this.#queuedLast = this.lastIndex;
    this.#refused = error;
    this.#unmarked = true;
    for (const job of waiting) if (job instanceof PendingBatch) job.reject(error);
    return error;
  }

  #noteFull(full: boolean, message: string): void {
    if (this.#full === full) return;
    this.#full = full;
    this.#environment.logger.log(full ? "ERROR" : "INFO", "raft_log", message);
  }

  /** Ends the log: from now on every write is refused. Returns the error that says so. */
  #fail(cause: unknown): LogFailedError {
    if (this.#failed !== undefined) return this.#failed;
    const { directory, logger } = this.#environment;
    const reason = messageOf(cause);
    const failed = new LogFailedError(
      `Log in ${directory} takes no more writes: ${reason}; check the disk, then restart the node`,
      { cause },
    );
    this.#failed = failed;
    logger.log("ERROR", "raft_log", failed.message);
    for (const job of this.#queue.splice(0)) {
      if (job instanceof PendingBatch) job.reject(failed);
      else job.done.reject(failed);
    }
    return failed;
  }

  /** The header of a segment that would be begun now. */
  #header(): SegmentHeader {
    const { active, index, hardState, compaction, firstSegment } = this.#position;
    return {
      sequence: active.segment.sequence + 1,
      salt: this.#environment.drawSalt(),
      previousEnd: active.segment.end,
      firstSegment,
      lastIndex: index.lastIndex,
      hardState,
      compaction,
    };
  }

  /** Finishes the segment and begins the next. */
  async #roll(): Promise<void> {
    const finished = this.#position.active;
    await this.#begin(this.#header());
    this.#position.index.segments.push(this.#position.active.segment);
    await finished.seal(this.#position.active.segment.sequence);
  }

  async #begin(header: SegmentHeader): Promise<void> {
    const { disk, directory, sizes } = this.#environment;
    this.#position.active = await ActiveSegment.create(disk, directory, header, undefined, sizes);
    this.#unmarked = false;
  }

  /** Removes files that no longer count; one that stays is removed at the next start. */
  async #remove(segments: readonly Segment[]): Promise<void> {
    const { disk, directory, logger } = this.#environment;
    for (const segment of segments) {
      segment.close();
      try {
        await disk.remove(segment.path);
      } catch (error) {
        const reason = messageOf(error);
        logger.log(
          "WARN",
          "raft_log",
          `Cannot remove ${segment.path}, no longer needed: ${reason}`,
        );
      }
    }
    if (segments.length > 0) await disk.syncDirectory(directory);
  }
}
