import { checksum } from "../../src/base/checksum.ts";
import type { Clock, Logger } from "../../src/io/types.ts";
import {
  type CompactionPoint,
  type Entry,
  EntryType,
  type HardState,
} from "../../src/raft/types.ts";
import { openRaftLog, type RaftLogOptions } from "../../src/raft_log/raft_log.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import type { SimulatedDisk } from "../simulation/disk.ts";

export const directory = "/raft";

/** Small enough for a few writes to fill a segment. */
export const smallSizes: RaftLogOptions = { segmentBytes: 3000, allocateBytes: 1024 };

/** Keeps the lines that a log writes. */
export class RecordingLogger implements Logger {
  readonly lines: string[] = [];

  log(level: string, room: string, message: string): void {
    this.lines.push(`${level} [${room}] ${message}`);
  }
}

export function makeEntry(term: number, index: number, text = `entry ${index} of ${term}`): Entry {
  const data = new TextEncoder().encode(text);
  return { term, index, type: EntryType.command, data, checksum: checksum(data) };
}

export function makeEntries(term: number, from: number, count: number): Entry[] {
  return Array.from({ length: count }, (_, i) => makeEntry(term, from + i));
}

export function makePoint(index: number, term: number): CompactionPoint {
  const member = { id: "a", address: "a:1", httpAddress: "a:2", suffrage: "voter" } as const;
  return { index, term, configuration: { members: [member] } };
}

/** Opens the log of the tests. */
export function openLog(
  disk: SimulatedDisk,
  options: RaftLogOptions = smallSizes,
  logger: Logger = new RecordingLogger(),
  clock: Clock = new SimulatedClock(),
) {
  return openRaftLog({ disk: disk.mount(), directory, clock, logger, ...options });
}

/** What a log should hold, as plain data. */
export interface LogImage {
  readonly hardState: HardState;
  readonly compaction: CompactionPoint;
  readonly lastIndex: number;
  readonly entries: readonly Entry[];
}

/** Opens the log, reads everything that it holds, and closes it. */
export async function readImage(disk: SimulatedDisk, clock?: Clock): Promise<LogImage> {
  const { log, contents } = await openLog(disk, undefined, undefined, clock);
  const entries: Entry[] = [];
  for (let next = log.firstIndex; next <= log.lastIndex; next = log.firstIndex + entries.length) {
    entries.push(...await log.read(next, log.lastIndex, 1000));
  }
  await log.close();
  const { hardState, compaction } = contents;
  return { hardState, compaction, lastIndex: contents.log.lastIndex, entries };
}
