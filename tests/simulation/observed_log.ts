import type { LogContents, LogWrite, RaftLog, WriteUnderWay } from "../../src/raft_log/types.ts";
import { decodeConfiguration } from "../../src/raft/configuration.ts";
import {
  type CompactionPoint,
  type Configuration,
  type Entry,
  EntryType,
} from "../../src/raft/types.ts";

export interface LogObserver {
  /** An entry was handed over, behind one of `previousTerm`. */
  appended(entry: Entry, previousTerm: number): void;
  compacted(point: CompactionPoint): void;
  /** The log has begun anew behind a snapshot. */
  reset(): void;
}

/** Any node's log, with a list of the terms in it that checkers can read at any time. */
export class ObservedLog implements RaftLog {
  readonly #log: RaftLog;
  readonly #observer: LogObserver;
  #compaction: CompactionPoint;
  /** Of the entries from compaction.index + 1 on. */
  #terms: number[];
  #configurations: { readonly index: number; readonly configuration: Configuration }[];

  constructor(log: RaftLog, { compaction, log: found }: LogContents, observer: LogObserver) {
    this.#log = log;
    this.#compaction = compaction;
    this.#terms = [];
    for (const [at, { term, index }] of found.termStarts.entries()) {
      const end = found.termStarts[at + 1]?.index ?? found.lastIndex + 1;
      for (let i = index; i < end; i++) this.#terms.push(term);
    }
    this.#configurations = found.configurations
      .map(({ index, data }) => ({ index, configuration: decodeConfiguration(data) }));
    this.#observer = observer;
  }

  termAt(index: number): number | undefined {
    const at = index - this.#compaction.index;
    return at === 0 ? this.#compaction.term : this.#terms[at - 1];
  }

  /** Whether the log has, or has compacted, the entry of that index and term. */
  covers(index: number, term: number): boolean {
    return index < this.#compaction.index || this.termAt(index) === term;
  }

  /** The members by the last entry that names them. */
  get configuration(): Configuration {
    return this.#configurations.at(-1)?.configuration ?? this.#compaction.configuration;
  }

  append(write: LogWrite): Promise<void> {
    for (const entry of write.entries) {
      const keep = entry.index - this.#compaction.index - 1;
      const previousTerm = this.termAt(entry.index - 1);
      if (keep < 0 || previousTerm === undefined) {
        throw new Error(`Entry ${entry.index} appended behind a gap or into what is compacted`);
      }
      this.#terms.length = keep;
      this.#terms.push(entry.term);
      this.#configurations = this.#configurations.filter(({ index }) => index < entry.index);
      if (entry.type === EntryType.configuration) {
        const { index, data } = entry;
        this.#configurations.push({ index, configuration: decodeConfiguration(data) });
      }
      this.#observer.appended(entry, previousTerm);
    }
    return this.#log.append(write);
  }

  compact(point: CompactionPoint): Promise<void> {
    this.#observer.compacted(point);
    this.#terms.splice(0, point.index - this.#compaction.index);
    this.#configurations = this.#configurations.filter(({ index }) => index > point.index);
    this.#compaction = point;
    return this.#log.compact(point);
  }

  async reset(point: CompactionPoint): Promise<void> {
    this.#observer.compacted(point);
    this.#terms = [];
    this.#configurations = [];
    this.#compaction = point;
    await this.#log.reset(point);
    this.#observer.reset();
  }

  read(from: number, to: number, bytesMax: number): Promise<Entry[]> {
    return this.#log.read(from, to, bytesMax);
  }

  get sizeBytes(): number {
    return this.#log.sizeBytes;
  }

  recentFrom(bytesMax: number): number {
    return this.#log.recentFrom(bytesMax);
  }

  get firstIndex(): number {
    return this.#log.firstIndex;
  }

  get lastIndex(): number {
    return this.#log.lastIndex;
  }

  get busy(): boolean {
    return this.#log.busy;
  }

  get underWay(): WriteUnderWay | undefined {
    return this.#log.underWay;
  }

  get full(): boolean {
    return this.#log.full;
  }

  idle(): Promise<void> {
    return this.#log.idle();
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
