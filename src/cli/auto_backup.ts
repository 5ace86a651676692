import { AutoBackup } from "../backup/auto_backup.ts";
import { type AutoBackupConfig, parseAutoBackup } from "../backup/config.ts";
import { type OpenDestination, openDestination } from "../backup/destination.ts";
import type { LeadingNode } from "../backup/types.ts";
import { messageOf } from "../base/message_of.ts";
import { type MadeBackup, ServiceError } from "../cluster/types.ts";
import type { Transfers } from "../io/transfers.ts";
import type { Clock, Logger } from "../io/types.ts";
import type { OpenMember } from "../member/member.ts";

/** How long a majority may take to confirm who leads, in ms. */
const confirmMs = 10_000;

export interface Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly transfers: Transfers;
}

/** Backups that were asked for, not yet of a node. */
export interface PreparedBackup {
  readonly config: AutoBackupConfig;
  readonly destination: OpenDestination;
}

/** Reads the file of -auto-backup; rejects with an Error in rqlite's words. Undefined without one. */
export async function prepareAutoBackup(
  path: string,
  { clock, logger }: Pick<Surroundings, "clock" | "logger">,
): Promise<PreparedBackup | undefined> {
  if (path === "") return undefined;
  const text = await readConfig(path, "auto-backup").catch((error) => {
    throw new Error(`failed to start auto-backups: ${messageOf(error)}`);
  });
  try {
    const { config, unknownKeys } = parseAutoBackup(text, (name) => Deno.env.get(name));
    warnOfUnknown(path, unknownKeys, logger);
    return { config, destination: await openDestination(config.destination, clock) };
  } catch (error) {
    throw new Error(
      `failed to start auto-backups: failed to parse auto-backup file: ${messageOf(error)}`,
    );
  }
}

/** Makes them a node's; to be started. */
export function autoBackupOf(
  prepared: PreparedBackup,
  member: OpenMember,
  surroundings: Surroundings,
): AutoBackup {
  const { store } = member;
  return new AutoBackup({ ...prepared, ...surroundings, store, node: leadingNode(member) });
}

/** Makes a backup that somebody asked the leader for. Throws a ServiceError. */
export async function madeBackup(backup: AutoBackup): Promise<MadeBackup | undefined> {
  const asked = await backup.makeNow();
  switch (asked.type) {
    case "made":
      return asked.backup;
    case "unchanged":
      return undefined;
    case "elsewhere":
      throw new ServiceError("no_leader", "leader not found");
    case "failed":
      throw new ServiceError("failed", asked.message);
  }
}

/** A node as the leader's jobs see it. */
export function leadingNode({ node, service }: OpenMember): LeadingNode {
  return {
    get leads() {
      return node.isLeader && node.damage === undefined;
    },
    get clusterId() {
      return service.status().clusterId;
    },
    get appliedIndex() {
      return node.appliedIndex;
    },
    confirm: () => service.sync(confirmMs),
    changedSince: (index) => node.changedSince(index),
  };
}

/** The text of a configuration file; rejects with an Error that names it. */
export async function readConfig(path: string, what: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new Error(`failed to read ${what} file: ${messageOf(error)}`);
  }
}

/** A slip of the pen in a name would else be seen when the backup is needed. */
export function warnOfUnknown(path: string, keys: readonly string[], logger: Logger): void {
  if (keys.length === 0) return;
  logger.log("WARN", "backup", `${path}: unknown keys are passed over: ${keys.join(", ")}`);
}
