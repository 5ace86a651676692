import { assert } from "../base/assert.ts";
import { checksum } from "../base/checksum.ts";
import { messageOf } from "../base/message_of.ts";
import { PartsWriter } from "../base/bytes.ts";
import { checksumInSlices, type NextTurn } from "../base/slices.ts";
import { nextTurnOf } from "../io/next_turn.ts";
import { type Clock, DiskError, type Logger } from "../io/types.ts";
import { versionOf } from "../raft/cluster_version.ts";
import { decodeConfiguration } from "../raft/configuration.ts";
import { type CompactionPoint, type Entry, EntryType, type HardState } from "../raft/types.ts";
import { ActiveSegment, type Segment, type SegmentPlace } from "./segment.ts";
import {
  batchBodyMax,
  beginBatch,
  entryHeadLength,
  isLong,
  writeCompaction,
  writeEntry,
  writeHardState,
} from "./batch.ts";
import type { EntryIndex } from "./entry_index.ts";
import type { SegmentHeader } from "./segment_header.ts";
import type { LogStore, LogWrite } from "./types.ts";

/** What the log works with. */
export interface LogEnvironment extends SegmentPlace {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly drawSalt: () => number;
}

/** Where the log stands: everything here is durable. */
interface LogPosition {
  active: ActiveSegment;
  readonly index: EntryIndex;
  /** Of the active segment. */
  version: number;
  hardState: HardState;
  compaction: CompactionPoint;
  firstSegment: number;
}

/** The most that one write may take, in bytes. */
const writeBytesMax = batchBodyMax / 2;

/** A buffer that has grown beyond this is not kept, in bytes. */
const bufferBytesMax = 1024 * 1024;

function newBuffer(): PartsWriter {
  return new PartsWriter(64 * 1024);
}

/** The version of a segment that is to hold an entry as well; it never falls. */
function versionWith(version: number, { type, data }: Entry): number {
  if (type !== EntryType.configuration) return version;
  return Math.max(version, versionOf(decodeConfiguration(data)));
}

/** Throws unless `sum`, that of its data, is the checksum that an entry has. */
function verifyInMemory({ index, checksum }: Entry, sum: number): void {
  if (sum !== checksum) throw new Error(`Entry ${index} does not match its checksum in memory`);
}

/** The log in segment files; see the README beside this file. Made by `openRaftLog`. */
export class SegmentedLog implements LogStore {
  readonly #environment: LogEnvironment;
  readonly #position: LogPosition;
  readonly #nextTurn: NextTurn;
  /** Used again for the next batch, unless it has grown much. */
  #buffer = newBuffer();
  #unmarked = false;
  /** Ends with the removal of files under way; never rejects. */
  #removing: Promise<void> = Promise.resolve();

  constructor(environment: LogEnvironment, position: LogPosition) {
    this.#environment = environment;
    this.#nextTurn = nextTurnOf(environment.clock);
    this.#position = position;
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

  get unmarked(): boolean {
    return this.#unmarked;
  }

  async write(write: LogWrite): Promise<void> {
    const { entries, hardState } = write;
    const batch = this.#buffer;
    beginBatch(batch);
    if (hardState !== undefined) writeHardState(batch, hardState);
    const start = batch.size;
    this.#check(entries);
    for (const entry of entries) writeEntry(batch, entry);
    assert(batch.size <= writeBytesMax, `A write of ${batch.size} bytes is too large for the log`);
    try {
      if (batch.inParts) await this.#verifyLong(entries);
      const version = entries.reduce(versionWith, this.#position.version);
      if (version > this.#position.version || this.#position.active.overflows(batch.size)) {
        await this.#roll(version);
      }
      const { active, index } = this.#position;
      let at = active.segment.end + start;
      await active.write(batch, false, this.#nextTurn);
      for (const entry of entries) {
        index.append(entry.term, entry.index, at);
        at += entryHeadLength + entry.data.length;
      }
    } finally {
      this.#unmarked = true;
      // For the next batch, without what this one had.
      batch.reset();
      if (batch.capacity > bufferBytesMax) this.#buffer = newBuffer();
    }
    this.#position.hardState = hardState ?? this.#position.hardState;
  }

  /** Entries must follow one another and the log, and be what their leader made. */
  #check(entries: readonly Entry[]): void {
    const { firstIndex, lastIndex } = this;
    const first = entries[0]?.index ?? firstIndex;
    assert(
      first >= firstIndex && first <= lastIndex + 1,
      `Entry ${first} does not fit a log of ${firstIndex} to ${lastIndex}`,
    );
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i];
      assert(entry?.index === first + i, `Entry ${entry?.index} is out of order`);
      // A long one is verified, in slices, once all is in place.
      if (!isLong(entry)) verifyInMemory(entry, checksum(entry.data));
    }
  }

  async #verifyLong(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) {
      if (isLong(entry)) verifyInMemory(entry, await checksumInSlices(entry.data, this.#nextTurn));
    }
  }

  async read(from: number, to: number, bytesMax: number): Promise<Entry[]> {
    const { index } = this.#position;
    const last = Math.min(to, index.lastIndex);
    const entries: Entry[] = [];
    let budget = bytesMax;
    for (let next = from; next <= last && next >= this.firstIndex && budget > 0;) {
      const segment = index.segmentOf(next);
      assert(segment !== undefined, `No segment holds entry ${next}`);
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

  async compact(point: CompactionPoint): Promise<void> {
    const { index, active, compaction } = this.#position;
    if (point.index <= compaction.index) return;
    const term = index.termAt(point.index);
    assert(
      term === point.term,
      `Compaction at ${point.index} of term ${point.term}, not ${term}`,
    );
    const firstSegment = index.firstSegmentAfter(point.index);
    const batch = new PartsWriter(1024);
    beginBatch(batch);
    writeCompaction(batch, point, firstSegment);
    await active.write(batch, true, this.#nextTurn);
    this.#unmarked = true;
    this.#position.compaction = point;
    this.#position.firstSegment = firstSegment;
    index.compact(point.index);
    this.#remove(index.dropSegments(firstSegment));
  }

  async reset(point: CompactionPoint): Promise<void> {
    const { index } = this.#position;
    const sequence = this.#position.active.segment.sequence + 1;
    const header = { ...this.#header(), firstSegment: sequence, previousEnd: 0 };
    const version = Math.max(header.version, versionOf(point.configuration));
    await this.#begin({ ...header, version, lastIndex: point.index, compaction: point });
    this.#position.compaction = point;
    this.#position.firstSegment = sequence;
    const old = index.clear(point.index);
    index.segments.push(this.#position.active.segment);
    this.#remove(old);
  }

  async mark(): Promise<void> {
    if (!this.#unmarked) return;
    this.#unmarked = false;
    await this.#position.active.mark();
  }

  async close(sound: boolean): Promise<void> {
    try {
      if (sound) {
        await this.mark();
        await this.#position.active.sync();
      }
    } catch (error) {
      const reason = messageOf(error);
      this.#environment.logger.log("WARN", "raft_log", `Closed without its last mark: ${reason}`);
    }
    for (const segment of this.#position.index.segments) segment.close();
    await this.#removing;
  }

  /** The header of a segment that would be begun now. */
  #header(): SegmentHeader {
    const { active, index, version, hardState, compaction, firstSegment } = this.#position;
    return {
      version,
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
  async #roll(version: number): Promise<void> {
    const finished = this.#position.active;
    await this.#begin({ ...this.#header(), version });
    this.#position.index.segments.push(this.#position.active.segment);
    await finished.seal(this.#position.active.segment.sequence);
  }

  async #begin(header: SegmentHeader): Promise<void> {
    this.#position.active = await ActiveSegment.create(this.#environment, header);
    this.#position.version = header.version;
    this.#unmarked = false;
  }

  /**
   * Removes files that no longer count, beside the writes that follow: these would wait for all of
   * their blocks to be freed. One that stays is removed at the next start.
   */
  #remove(segments: readonly Segment[]): void {
    for (const segment of segments) segment.close();
    this.#removing = this.#removing.then(() => this.#removeFiles(segments));
  }

  async #removeFiles(segments: readonly Segment[]): Promise<void> {
    const { disk, logger } = this.#environment;
    for (const { path } of segments) {
      try {
        await disk.remove(path);
      } catch (error) {
        const reason = messageOf(error);
        logger.log("WARN", "raft_log", `Cannot remove ${path}, no longer needed: ${reason}`);
      }
    }
  }
}
