import { ownerKey, readRecord } from "../../backup/archive/layout.ts";
import type { Disk } from "../../io/types.ts";
import { logDirectory } from "../../member/open_log.ts";
import { openers } from "../../member/openers.ts";
import { StartError } from "../../member/start_error.ts";
import { finishPromotion } from "../../standby/promotion.ts";
import { readStandbyRecord, type StandbyRecord, writeStandbyRecord } from "../../standby/record.ts";
import { openArchive } from "../archive.ts";
import { memberConfiguration } from "../tuning.ts";
import { follow, type FollowParts } from "./follow.ts";

/** What raftlite standby is told beside a node's flags. */
export interface StandbyOptions {
  /** The archive: a directory, or a file as -archive takes it. */
  readonly from: string;
  /** Between two looks at an archive that had nothing new, in ms. */
  readonly pollMs: number;
}

/**
 * Follows an archive as long as this is a standby. Resolves with true once the data directory is a
 * node's, which it may be from the start, and with false when the program is to end before.
 */
export async function pastStandby(
  parts: Omit<FollowParts, "place" | "record" | "pollMs">,
  options: StandbyOptions | undefined,
): Promise<boolean> {
  const { configuration, disk } = parts;
  const { dataDirectory: directory } = configuration;
  let record = await readStandbyRecord(disk, directory);
  if (options === undefined && record !== undefined && record.promoted === undefined) {
    throw new StartError(
      `${directory} is of a standby, which follows the archive of cluster ${record.cluster}: start it with raftlite standby -from, and promote it (raftlite promote) to make a node of it`,
    );
  }
  if (options !== undefined && record?.promoted === undefined) {
    record = await beStandby(parts, options, record);
    if (record === undefined) return false;
  }
  if (record?.promoted !== undefined) {
    const { promoted } = record;
    const { nodeId, advertisedAddress: address, httpAddress } = memberConfiguration(configuration);
    const node = { directory, nodeId, address, httpAddress };
    await finishPromotion({ ...parts, openers }, { ...record, promoted }, node);
  }
  return true;
}

/** The record as it is once it is promoted; undefined when it is to end before. */
async function beStandby(
  parts: Omit<FollowParts, "place" | "record" | "pollMs">,
  { from, pollMs }: StandbyOptions,
  found: StandbyRecord | undefined,
): Promise<StandbyRecord | undefined> {
  const { configuration: { dataDirectory }, clock, disk } = parts;
  if (found === undefined) await checkEmpty(disk, dataDirectory);
  const place = await openArchive(from, clock);
  try {
    let record = found;
    if (record === undefined) {
      const owner = await readRecord(place, ownerKey(place));
      if (owner === undefined) throw new StartError(`${place.name} is no archive`);
      record = { version: 1, cluster: owner.cluster };
      await writeStandbyRecord(disk, dataDirectory, record);
    }
    if (!await follow({ ...parts, place, record, pollMs })) return undefined;
    return await readStandbyRecord(disk, dataDirectory);
  } finally {
    place.store.close();
  }
}

/** Throws a StartError for a directory that is a node's. */
async function checkEmpty(disk: Disk, directory: string): Promise<void> {
  for (const path of [`${directory}/node.json`, logDirectory(directory)]) {
    if (!await disk.exists(path)) continue;
    throw new StartError(
      `${directory} has data of a node, which a standby would replace: give the standby an empty directory`,
    );
  }
}
