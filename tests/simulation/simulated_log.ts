import type { Prng } from "../../src/base/prng.ts";
import { DiskError } from "../../src/io/types.ts";
import {
  type LogContents,
  LogFailedError,
  type LogStore,
  type LogWrite,
} from "../../src/raft_log/types.ts";
import {
  type CompactionPoint,
  type Entry,
  EntryType,
  type HardState,
} from "../../src/raft/types.ts";
import type { EventQueue } from "./event_queue.ts";
import type { SimulatedProcess } from "./virtual_clock.ts";

/** How the disk of one node behaves. */
export interface DiskFaults {
  readonly syncMsMin: number;
  readonly syncMsMax: number;
  /** Probability that a sync takes up to `stallMsMax`. */
  readonly stall: number;
  readonly stallMsMax: number;
  /** Probability that an append finds no room. */
  readonly full: number;
  /** Probability that a sync fails for good. */
  readonly failed: number;
}

/** What a node's log says, as a whole. */
export interface LogImage {
  hardState: HardState;
  compaction: CompactionPoint;
  /** From compaction.index + 1 on, without gaps. */
  entries: Entry[];
}

/** One record of the log's file: all that a crash leaves is a prefix of them. */
type LogRecord =
  | { readonly type: "hard_state"; readonly hardState: HardState }
  | { readonly type: "entry"; readonly entry: Entry }
  | { readonly type: "compact"; readonly point: CompactionPoint }
  | { readonly type: "reset"; readonly point: CompactionPoint };

function lastIndex(image: LogImage): number {
  return image.compaction.index + image.entries.length;
}

function applyRecord(image: LogImage, record: LogRecord): void {
  switch (record.type) {
    case "hard_state":
      image.hardState = record.hardState;
      break;
    case "entry": {
      const keep = record.entry.index - image.compaction.index - 1;
      if (keep < 0 || keep > image.entries.length) {
        throw new Error(
          `Entry ${record.entry.index} appended to a log of ${image.compaction.index + 1} to ${
            lastIndex(image)
          }`,
        );
      }
      image.entries.length = keep;
      image.entries.push(record.entry);
      break;
    }
    case "compact": {
      const drop = record.point.index - image.compaction.index;
      if (drop < 0 || drop > image.entries.length) {
        throw new Error(`Log compacted to ${record.point.index}, which it does not hold`);
      }
      const { term } = image.entries[drop - 1] ?? image.compaction;
      if (term !== record.point.term) {
        // What follows would be of another history. The program's own log asserts the same.
        throw new Error(
          `Log compacted to ${record.point.index} of term ${record.point.term}, not ${term}`,
        );
      }
      image.entries.splice(0, drop);
      image.compaction = record.point;
      break;
    }
    case "reset":
      image.entries = [];
      image.compaction = record.point;
      break;
  }
}

/** What lies on one node's disk for its log: outlives its processes. */
export class LogStorage {
  readonly #durable: LogImage = {
    hardState: { term: 0, votedFor: "", promiseMs: 0 },
    compaction: { index: 0, term: 0, configuration: { members: [] } },
    entries: [],
  };
  /** Written after the last sync, oldest first; the first `#written` of them are with the system. */
  #unsynced: LogRecord[] = [];
  #written = 0;

  queue(records: readonly LogRecord[]): void {
    for (const record of records) this.#unsynced.push(record);
  }

  get unsyncedCount(): number {
    return this.#unsynced.length;
  }

  /** The first `count` records have left the program. */
  written(count: number): void {
    this.#written = Math.max(this.#written, count);
  }

  /** A sync failed: the system has thrown away what it could not write. */
  unwritten(): void {
    this.#written = 0;
  }

  /** The first `count` records are on the disk. */
  synced(count: number): void {
    for (const record of this.#unsynced.splice(0, count)) applyRecord(this.#durable, record);
    this.#written = Math.max(0, this.#written - count);
  }

  /** The records after the first `count` were never written: there was no room. */
  refuse(count: number): void {
    this.#unsynced.length = Math.min(this.#unsynced.length, count);
    this.#written = Math.min(this.#written, count);
  }

  /** The program dies: what it had handed to the system stays, of the rest any part. */
  crashProcess(random: Prng): void {
    const extra = random.below(this.#unsynced.length - this.#written + 1);
    this.#recover(this.#written + extra);
  }

  /** The power fails: of what was not synced, any part from the front stays. */
  crashPower(random: Prng): number {
    const lost = this.#unsynced.length;
    const kept = random.below(this.#unsynced.length + 1);
    this.#recover(kept);
    return lost - kept;
  }

  /** The next start reads what is left, and syncs it before it relies on it. */
  #recover(kept: number): void {
    this.refuse(kept);
    this.synced(kept);
  }

  get durable(): Readonly<LogImage> {
    return this.#durable;
  }

  contents(cacheEntries: number): LogContents {
    const { hardState, compaction, entries } = this.#durable;
    const termStarts: { term: number; index: number }[] = [];
    for (const { term, index } of entries) {
      if (termStarts[termStarts.length - 1]?.term !== term) termStarts.push({ term, index });
    }
    return {
      hardState,
      compaction,
      log: {
        lastIndex: lastIndex(this.#durable),
        termStarts,
        configurations: entries.filter(({ type }) => type === EntryType.configuration),
        entries: cacheEntries === 0 ? [] : entries.slice(-cacheEntries),
      },
    };
  }
}

interface Waiting {
  /** Durable once so many records since the log was opened are. */
  readonly mark: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A log's store in memory that loses at a crash what a real one may lose. */
export class SimulatedLog implements LogStore {
  readonly unmarked = false;
  readonly #storage: LogStorage;
  readonly #queue: EventQueue;
  readonly #process: SimulatedProcess;
  readonly #random: Prng;
  readonly #faults: () => DiskFaults;
  /** The log as its program sees it: everything accepted, durable or not. */
  readonly #image: LogImage;
  #waiting: Waiting[] = [];
  #queued = 0;
  #syncing = false;
  #failed: LogFailedError | undefined;

  constructor(
    storage: LogStorage,
    queue: EventQueue,
    process: SimulatedProcess,
    random: Prng,
    faults: () => DiskFaults,
  ) {
    this.#storage = storage;
    this.#queue = queue;
    this.#process = process;
    this.#random = random;
    this.#faults = faults;
    const { hardState, compaction, entries } = storage.durable;
    this.#image = { hardState, compaction, entries: entries.slice() };
  }

  get sizeBytes(): number {
    return this.#image.entries.length * 64;
  }

  recentFrom(bytesMax: number): number {
    return Math.max(this.firstIndex, this.lastIndex + 1 - Math.floor(bytesMax / 64));
  }

  get firstIndex(): number {
    return this.#image.compaction.index + 1;
  }

  get lastIndex(): number {
    return lastIndex(this.#image);
  }

  write(write: LogWrite): Promise<void> {
    if (this.#failed === undefined && this.#random.chance(this.#faults().full)) {
      return Promise.reject(new DiskError("full", "log", "No space left on device: log"));
    }
    const records: LogRecord[] = [];
    if (write.hardState !== undefined) {
      records.push({ type: "hard_state", hardState: write.hardState });
    }
    for (const entry of write.entries) records.push({ type: "entry", entry });
    return this.#persist(records);
  }

  compact(point: CompactionPoint): Promise<void> {
    return this.#persist([{ type: "compact", point }]);
  }

  reset(point: CompactionPoint): Promise<void> {
    return this.#persist([{ type: "reset", point }]);
  }

  read(from: number, to: number, bytesMax: number): Promise<Entry[]> {
    return new Promise((resolve, reject) => {
      this.#queue.schedule(this.#random.below(3), () =>
        this.#process.run(() => {
          const entries: Entry[] = [];
          let bytes = 0;
          for (let index = from; index <= to; index++) {
            const entry = this.#image.entries[index - this.firstIndex];
            if (entry === undefined) break;
            bytes += entry.data.length;
            if (entries.length > 0 && bytes > bytesMax) break;
            entries.push(entry);
          }
          if (entries.length > 0) resolve(entries);
          else reject(new Error(`Log holds ${this.firstIndex} to ${this.lastIndex}, not ${from}`));
        }));
    });
  }

  mark(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #persist(records: readonly LogRecord[]): Promise<void> {
    if (!this.#process.alive) return new Promise(() => {});
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    this.#storage.queue(records);
    for (const record of records) applyRecord(this.#image, record);
    this.#queued += records.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ mark: this.#queued, resolve, reject });
      this.#startSync();
    });
  }

  #startSync(): void {
    if (this.#syncing || this.#waiting.length === 0) return;
    this.#syncing = true;
    const { syncMsMin, syncMsMax, stall, stallMsMax, failed } = this.#faults();
    const mark = this.#queued;
    const count = this.#storage.unsyncedCount;
    this.#storage.written(count);
    let delayMs = syncMsMin + this.#random.uint32() / 0x1_0000_0000 * (syncMsMax - syncMsMin);
    if (this.#random.chance(stall)) delayMs += this.#random.below(stallMsMax + 1);
    const fails = this.#random.chance(failed);
    this.#queue.schedule(delayMs, () => {
      if (!this.#process.alive) return;
      if (fails) this.#storage.unwritten();
      else this.#storage.synced(count);
      this.#process.run(() => this.#finishSync(mark, fails));
    });
  }

  #finishSync(mark: number, fails: boolean): void {
    this.#syncing = false;
    const done = this.#waiting.filter((waiting) => waiting.mark <= mark);
    if (fails) {
      this.#failed = new LogFailedError("Sync of the log failed");
      for (const waiting of this.#waiting) waiting.reject(this.#failed);
      this.#waiting = [];
      return;
    }
    this.#waiting = this.#waiting.filter((waiting) => waiting.mark > mark);
    for (const waiting of done) waiting.resolve();
    this.#startSync();
  }
}
