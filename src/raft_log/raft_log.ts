import { dirname } from "node:path";
import type { Clock, Disk, Logger } from "../io/types.ts";
import { firstVersion } from "../raft/cluster_version.ts";
import type { Entry } from "../raft/types.ts";
import { ActiveSegment } from "./segment.ts";
import { batchHeadLength } from "./batch.ts";
import { EntryIndex } from "./entry_index.ts";
import { LogQueue } from "./log_queue.ts";
import { type LogEnvironment, SegmentedLog } from "./segmented_log.ts";
import { type LogState, type RecoveredSegments, recoverLog, replayCarried } from "./recovery.ts";
import {
  encodeSegmentHeader,
  parseSegmentName,
  type SegmentHeader,
  segmentName,
} from "./segment_header.ts";
import { type LogContents, LogDamageError, type RaftLog } from "./types.ts";

export interface RaftLogParts extends RaftLogOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface RaftLogOptions {
  /** A segment is finished when a batch would make it longer than this, in bytes. */
  readonly segmentBytes?: number;
  /** How much of a segment is written ahead with zeros, in bytes. */
  readonly allocateBytes?: number;
  /** How much entry data `contents.log.entries` holds at most, in bytes. */
  readonly recentBytesMax?: number;
  /** Draws the 32 random bits of a new segment's salt; simulations hand in their own. */
  readonly drawSalt?: () => number;
}

const MiB = 1024 * 1024;

/** Draws what tells the batches of this segment from any other bytes. */
function randomSalt(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
}

/**
 * Opens the log in `directory`, or makes an empty one where no log is; whether an empty one is
 * legitimate is for the caller to say. What a crash left half written is cut off with a log line.
 * Throws a LogDamageError when something that had been durable is damaged or missing, a
 * OtherFormatError, or a DiskError.
 */
export async function openRaftLog(
  parts: RaftLogParts,
): Promise<{ log: RaftLog; contents: LogContents }> {
  const { disk, directory, clock, logger } = parts;
  const sizes = {
    segmentBytes: parts.segmentBytes ?? 16 * MiB,
    allocateBytes: parts.allocateBytes ?? MiB / 4,
  };
  const drawSalt = parts.drawSalt ?? randomSalt;
  const environment: LogEnvironment = { disk, clock, directory, logger, sizes, drawSalt };
  if (!(await disk.exists(directory))) await disk.makeDirectory(directory);
  await syncNames(disk, directory);
  const recovered = await recoverLog(disk, directory, logger);
  const { active, index, state } = recovered === undefined
    ? await beginLog(environment)
    : await resume(environment, recovered);
  const firstSegment = recovered?.firstSegment ?? active.segment.sequence;
  await removeLeftovers(environment, firstSegment);

  index.compact(state.compaction.index);
  checkComplete(index);
  state.configurations = state.configurations.filter(({ index: at }) => at >= index.firstIndex);
  const store = new SegmentedLog(
    environment,
    {
      active,
      index,
      version: recovered?.nextHeader.version ?? firstVersion,
      hardState: state.hardState,
      compaction: state.compaction,
      firstSegment,
    },
  );
  const contents = {
    hardState: state.hardState,
    compaction: state.compaction,
    log: {
      lastIndex: index.lastIndex,
      termStarts: [...index.termStarts],
      configurations: state.configurations,
      entries: await readRecent(store, parts.recentBytesMax ?? 8 * MiB),
    },
  };
  return { log: new LogQueue({ store, clock, logger, directory }), contents };
}

/** A process that died between a rename and its sync left names that a power cut would still take. */
async function syncNames(disk: Disk, directory: string): Promise<void> {
  await disk.syncDirectory(dirname(directory));
  await disk.syncDirectory(directory);
}

interface Opened {
  readonly active: ActiveSegment;
  readonly index: EntryIndex;
  readonly state: LogState;
}

async function beginLog(environment: LogEnvironment): Promise<Opened> {
  const header: SegmentHeader = {
    version: firstVersion,
    sequence: 1,
    salt: environment.drawSalt(),
    previousEnd: 0,
    firstSegment: 1,
    lastIndex: 0,
    hardState: { term: 0, votedFor: "", promiseMs: 0 },
    compaction: { index: 0, term: 0, configuration: { members: [] } },
  };
  const active = await ActiveSegment.create(environment, header);
  const index = new EntryIndex(0, 0);
  index.segments.push(active.segment);
  const { hardState, compaction } = header;
  return { active, index, state: { hardState, compaction, configurations: [] } };
}

/** Goes on in the newest segment, or in a new one when the end of that is not certain. */
async function resume(environment: LogEnvironment, recovered: RecoveredSegments): Promise<Opened> {
  const { index, state, action, nextHeader, carry } = recovered;
  const newest = index.segments.at(-1);
  if (action === "continue" && newest !== undefined) {
    const active = new ActiveSegment(newest, await newest.open(), environment.sizes);
    return { active, index, state };
  }
  const header = { ...nextHeader, salt: environment.drawSalt() };
  const active = await ActiveSegment.create(environment, header, carry);
  index.segments.push(active.segment);
  if (carry !== undefined) {
    const offset = encodeSegmentHeader(header).length + batchHeadLength;
    replayCarried(carry, { path: active.segment.path, offset }, recovered);
  }
  return { active, index, state };
}

/** Entries right behind the compaction point must be there. */
function checkComplete(index: EntryIndex): void {
  const { firstIndex, lastIndex } = index;
  const oldest = index.segments[0];
  if (lastIndex < firstIndex || index.segmentOf(firstIndex) !== undefined) return;
  const path = oldest?.path ?? "";
  throw new LogDamageError(path, 0, `Log file ${path} does not hold entry ${firstIndex}`);
}

/** Files that a crash kept from being removed: half-made segments, and those before `firstSegment`. */
async function removeLeftovers(
  { disk, directory, logger }: LogEnvironment,
  firstSegment: number,
): Promise<void> {
  for (const name of await disk.list(directory)) {
    const sequence = parseSegmentName(name.replace(/\.tmp$/, ""));
    if (sequence === undefined) continue;
    if (name === segmentName(sequence) && sequence >= firstSegment) continue;
    logger.log("INFO", "raft_log", `Removed ${directory}/${name}, left over from before a crash`);
    await disk.remove(`${directory}/${name}`);
  }
}

/** The newest entries, whole, up to `bytesMax`; none when the newest alone is larger. */
async function readRecent(log: SegmentedLog, bytesMax: number): Promise<Entry[]> {
  const from = log.recentFrom(bytesMax);
  const entries: Entry[] = [];
  for (let next = from; next <= log.lastIndex; next = from + entries.length) {
    for (const entry of await log.read(next, log.lastIndex, bytesMax)) entries.push(entry);
  }
  return entries;
}
