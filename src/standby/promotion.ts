import { dirname } from "node:path";
import { messageOf } from "../base/message_of.ts";
import type { Clock, Disk, Logger, Random } from "../io/types.ts";
import { newClusterId, newIncarnation } from "../member/cluster_identity.ts";
import { writeIdentity } from "../member/identity.ts";
import { clearDirectory, logDirectory } from "../member/open_log.ts";
import type { Openers } from "../member/openers.ts";
import { newestVersion } from "../raft/cluster_version.ts";
import { serverId } from "../raft/types.ts";
import type { AppliedPosition } from "../store/types.ts";
import { PromotionError } from "./types.ts";
import { type PromotedTo, type StandbyRecord, writeStandbyRecord } from "./record.ts";

/** Whether it was promoted is known once it is started again. */
export class UndecidedError extends PromotionError {
  override name = "UndecidedError";
  constructor(directory: string, cause: unknown) {
    super(
      `Whether this standby is promoted is not known, as ${directory} cannot be written: ` +
        `${messageOf(cause)}. It follows no further; start it again, and promote it if it is none`,
      { cause },
    );
  }
}

/** The node that a promoted standby is. */
export interface PromotedNode {
  readonly directory: string;
  readonly nodeId: string;
  /** Of its Raft and its HTTP listener, as others reach them. */
  readonly address: string;
  readonly httpAddress: string;
}

/**
 * Decides, durably, that what a standby has is a cluster of its own. What it has must be durable.
 * Rejects with an UndecidedError where the disk fails so that only the next start can tell, and
 * nothing more may be applied; with any other error it is a standby as before.
 */
export async function decidePromotion(
  { disk, random }: { readonly disk: Disk; readonly random: Random },
  directory: string,
  record: StandbyRecord,
  { index, term }: AppliedPosition,
): Promise<StandbyRecord & { readonly promoted: PromotedTo }> {
  const promoted: PromotedTo = {
    clusterId: newClusterId(random),
    incarnation: newIncarnation(random),
    index,
    term,
  };
  const decided = { ...record, promoted };
  try {
    await writeStandbyRecord(disk, directory, decided);
    return decided;
  } catch (error) {
    // It may be there all the same, with an entry that a standby which goes on leaves behind.
    await writeStandbyRecord(disk, directory, record).catch(() => {
      throw new UndecidedError(directory, error);
    });
    throw error;
  }
}

interface FinishParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openers: Pick<Openers, "logs">;
}

/**
 * Makes a node's directory of a standby's that was promoted: a log that begins behind what is applied,
 * with this node as the one member. Nothing where that was done; README.md has the steps.
 */
export async function finishPromotion(
  parts: FinishParts,
  record: StandbyRecord & { readonly promoted: PromotedTo },
  node: PromotedNode,
): Promise<void> {
  const { promoted } = record;
  if (promoted.finished) return;
  const { disk, logger } = parts;
  const { directory, nodeId } = node;
  const { clusterId, incarnation, index } = promoted;
  const path = logDirectory(directory);
  if (!await disk.exists(path)) {
    const aside = `${path}.promoting`;
    await makeLog(parts, aside, promoted, node);
    await writeIdentity(disk, directory, { version: 2, nodeId, incarnation, clusterId });
    await disk.rename(aside, path);
    await disk.syncDirectory(dirname(path));
  }
  const finished = { ...promoted, finished: true as const };
  await writeStandbyRecord(disk, directory, { ...record, promoted: finished });
  logger.log(
    "WARN",
    "standby",
    `Promoted: this is the one node of the new cluster ${clusterId}, which begins behind index ${index}`,
  );
}

/** A log that begins behind that entry, of a cluster of that node alone. */
async function makeLog(
  { disk, clock, logger, openers }: FinishParts,
  directory: string,
  { incarnation, index, term }: PromotedTo,
  { nodeId, address, httpAddress }: PromotedNode,
): Promise<void> {
  await clearDirectory(disk, directory);
  const { log } = await openers.logs.open({ disk, directory, clock, logger });
  try {
    const self = serverId(nodeId, incarnation);
    const members = [{ id: self, address, httpAddress, suffrage: "voter" as const }];
    await log.reset({ index, term, configuration: { members, version: newestVersion } });
    await log.append({ hardState: { term, votedFor: "", promiseMs: 0 }, entries: [] });
  } finally {
    await log.close();
  }
}
