import { FormatError } from "../base/bytes.ts";
import type { Disk, Logger } from "../io/types.ts";
import { type CompactionPoint, type Entry, EntryType, type HardState } from "../raft/types.ts";
import {
  batchEnd,
  batchHeadLength,
  headFollows,
  type RecordVisitor,
  visitRecords,
} from "./batch.ts";
import { EntryIndex } from "./entry_index.ts";
import { type TailAction, tailCase } from "./recovery_table.ts";
import { Segment } from "./segment.ts";
import {
  decodeSegmentHeader,
  OtherFormatError,
  parseSegmentName,
  type SegmentHeader,
  segmentName,
} from "./segment_header.ts";
import { LogDamageError } from "./types.ts";

/** A segment as read: its header, and where its sound batches lie. */
interface LoadedSegment {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly header: SegmentHeader;
  /** Start of every sound batch, marks left out, ascending; then `end`. */
  readonly bounds: number[];
  /** Where the last sound batch ends. */
  readonly end: number;
  /** A mark stands at the end, or no batch at all follows the header. */
  readonly proven: boolean;
}

/** The log's state after some of its records. */
export interface LogState {
  hardState: HardState;
  compaction: CompactionPoint;
  /** Configuration entries, oldest first; those that compaction covers may still be among them. */
  configurations: Entry[];
}

/** What {@linkcode recoverLog} found. */
export interface RecoveredSegments {
  readonly index: EntryIndex;
  readonly state: LogState;
  readonly firstSegment: number;
  readonly action: TailAction;
  /** For "cut" and "rewrite": the header of the segment to begin, whatever its salt. */
  readonly nextHeader: SegmentHeader;
  /** For "rewrite": the body of the batch to write there, whose entries are not in the index yet. */
  readonly carry: Uint8Array | undefined;
}

function damage(path: string, offset: number, what: string): LogDamageError {
  return new LogDamageError(
    path,
    offset,
    `Log file ${path} is damaged at offset ${offset}: ${what}; ` +
      `remove this node from the cluster and let it join again with an empty data directory`,
  );
}

/** What to throw for an error from a decoder: damage is what it says of the bytes. */
function asDamage(error: unknown, path: string, offset: number, where = ""): unknown {
  return error instanceof FormatError ? damage(path, offset, `${where}${error.message}`) : error;
}

async function loadSegment(
  disk: Disk,
  directory: string,
  sequence: number,
): Promise<LoadedSegment> {
  const path = `${directory}/${segmentName(sequence)}`;
  const file = await disk.open(path, { create: false });
  let bytes: Uint8Array;
  try {
    bytes = await file.read(0, await file.size());
  } finally {
    file.close();
  }
  const { header, length } = decodeHeader(path, bytes);
  if (header.sequence !== sequence) {
    throw damage(path, 0, `it holds segment ${header.sequence}, not ${sequence}`);
  }
  const bounds = [length];
  let end = length;
  let proven = true;
  for (;;) {
    const next = batchEnd(bytes, header.salt, end);
    proven = next === end + batchHeadLength || (next === undefined && bounds.length === 1);
    if (next === undefined || proven) break;
    bounds.push(next);
    end = next;
  }
  return { path, bytes, header, bounds, end, proven };
}

function decodeHeader(path: string, bytes: Uint8Array): ReturnType<typeof decodeSegmentHeader> {
  try {
    return decodeSegmentHeader(bytes);
  } catch (error) {
    if (error instanceof OtherFormatError) {
      throw new OtherFormatError(`Cannot read log file ${path}: ${error.message}`);
    }
    throw asDamage(error, path, 0, "segment header: ");
  }
}

/** Hands over the records of the batches whose start is from `from` up to, not including, `to`. */
function visitBatches(
  loaded: LoadedSegment,
  { from, to }: { readonly from: number; readonly to: number },
  visitor: RecordVisitor,
): void {
  const { bounds, bytes, path } = loaded;
  for (let i = 0; i + 1 < bounds.length; i++) {
    const start = bounds[i] ?? 0;
    if (start < from || start >= to) continue;
    try {
      visitRecords(bytes, start + batchHeadLength, bounds[i + 1] ?? 0, visitor);
    } catch (error) {
      throw asDamage(error, path, start);
    }
  }
}

/** Which segments count, as the newest one says, and whether it says that another follows. */
function segmentsNamed(newest: LoadedSegment): { first: number; sealed: boolean } {
  let first = newest.header.firstSegment;
  let sealed = false;
  visitBatches(newest, { from: 0, to: Infinity }, {
    entry: () => {},
    hardState: () => {},
    compaction: (_point, firstSegment) => {
      first = firstSegment;
    },
    sealed: () => {
      sealed = true;
    },
  });
  return { first, sealed };
}

function hasOnlyZeros(bytes: Uint8Array, from: number): boolean {
  for (let i = from; i < bytes.length; i++) if (bytes[i] !== 0) return false;
  return true;
}

/** Replays records into state and index. */
function replayer(state: LogState, index: EntryIndex): RecordVisitor {
  return {
    entry: (entry, offset) => {
      if (entry.index < 1 || entry.index > index.lastIndex + 1) {
        throw new FormatError(`Entry ${entry.index} follows entry ${index.lastIndex}`);
      }
      index.append(entry.term, entry.index, offset);
      while ((state.configurations.at(-1)?.index ?? 0) >= entry.index) state.configurations.pop();
      if (entry.type === EntryType.configuration) {
        state.configurations.push({ ...entry, data: entry.data.slice() });
      }
    },
    hardState: (hardState) => {
      state.hardState = hardState;
    },
    compaction: (point) => {
      state.compaction = point;
    },
    sealed: () => {},
  };
}

/**
 * Reads the segments in `directory`, decides by the table in recovery_table.ts what their ends
 * mean, and replays them. Changes nothing on the disk. Undefined when there is no log.
 * Throws a LogDamageError, which names file and offset, or an OtherFormatError.
 */
export async function recoverLog(
  disk: Disk,
  directory: string,
  logger: Logger,
): Promise<RecoveredSegments | undefined> {
  const names = await disk.list(directory);
  const sequences = names.map(parseSegmentName).filter((sequence) => sequence !== undefined);
  const newestSequence = sequences.at(-1);
  if (newestSequence === undefined) return undefined;
  const newest = await loadSegment(disk, directory, newestSequence);
  const { first, sealed } = segmentsNamed(newest);
  const missing = firstMissing(sequences, first, newestSequence);
  if (missing !== undefined) {
    throw damage(`${directory}/${segmentName(missing)}`, 0, "the file is missing");
  }

  let current = first === newestSequence ? newest : await loadSegment(disk, directory, first);
  const { header } = current;
  const state: LogState = {
    hardState: header.hardState,
    compaction: header.compaction,
    configurations: [],
  };
  const index = new EntryIndex(header.lastIndex, 0);
  const replay = replayer(state, index);
  for (let sequence = first; sequence < newestSequence; sequence++) {
    const next = sequence + 1 === newestSequence
      ? newest
      : await loadSegment(disk, directory, sequence + 1);
    replayFinished({ disk, finished: current, next: next.header, index, replay });
    current = next;
  }

  const { end } = newest;
  const row = tailCase({
    newest: true,
    complete: false,
    sealed,
    headFollows: headFollows(newest.bytes, newest.header.salt, end + 1),
    blank: hasOnlyZeros(newest.bytes, newest.proven ? end + batchHeadLength : end),
    proven: newest.proven,
  });
  if (row.action === "damage") throw damage(newest.path, end, `${row.name}: ${row.because}`);
  if (row.name.startsWith("torn")) {
    logger.log(
      "WARN",
      "raft_log",
      `Cut the end off ${newest.path} at offset ${end}: ${row.name}, ${row.because}`,
    );
  }
  const kept = row.action === "rewrite" ? newest.bounds.at(-2) ?? end : end;
  index.segments.push(segmentFrom(disk, newest, kept));
  visitBatches(newest, { from: 0, to: kept }, replay);
  const nextHeader = {
    version: newest.header.version,
    sequence: newestSequence + 1,
    salt: 0,
    previousEnd: kept,
    firstSegment: first,
    lastIndex: index.lastIndex,
    hardState: state.hardState,
    compaction: state.compaction,
  };
  const carry = kept < end ? newest.bytes.subarray(kept + batchHeadLength, end) : undefined;
  return { index, state, firstSegment: first, action: row.action, nextHeader, carry };
}

/** Replays a carried batch from its body, which stands at `offset` of the newest segment, `path`. */
export function replayCarried(
  body: Uint8Array,
  { path, offset }: { readonly path: string; readonly offset: number },
  { state, index }: Pick<RecoveredSegments, "state" | "index">,
): void {
  const { entry, ...others } = replayer(state, index);
  try {
    visitRecords(body, 0, body.length, {
      ...others,
      entry: (found, at) => entry(found, offset + at),
    });
  } catch (error) {
    throw asDamage(error, path, offset);
  }
}

function firstMissing(present: number[], first: number, last: number): number | undefined {
  for (let sequence = first; sequence <= last; sequence++) {
    if (!present.includes(sequence)) return sequence;
  }
  return undefined;
}

function segmentFrom(disk: Disk, loaded: LoadedSegment, end: number): Segment {
  const { path, header, bytes } = loaded;
  return new Segment(disk, path, { ...header, end, sizeBytes: bytes.length });
}

/** Replays a segment behind which another one was begun, up to the end that that one names. */
function replayFinished(
  { disk, finished, next, index, replay }: {
    readonly disk: Disk;
    readonly finished: LoadedSegment;
    readonly next: SegmentHeader;
    readonly index: EntryIndex;
    readonly replay: RecordVisitor;
  },
): void {
  const { bounds, end, path } = finished;
  const complete = bounds.includes(next.previousEnd);
  const row = tailCase({
    newest: false,
    complete,
    sealed: false,
    headFollows: false,
    blank: false,
    proven: false,
  });
  if (row.action === "damage") {
    throw damage(path, end, `${row.name}: ${row.because}`);
  }
  index.segments.push(segmentFrom(disk, finished, next.previousEnd));
  visitBatches(finished, { from: 0, to: next.previousEnd }, replay);
  if (index.lastIndex !== next.lastIndex) {
    throw damage(
      path,
      next.previousEnd,
      `it ends with entry ${index.lastIndex}, the next file begins after ${next.lastIndex}`,
    );
  }
}
