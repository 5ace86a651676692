import { AutoRestore, type RestoringNode } from "../backup/auto_restore.ts";
import { parseAutoRestore } from "../backup/config.ts";
import { openDestination } from "../backup/destination.ts";
import { messageOf } from "../base/message_of.ts";
import type { OpenMember } from "../member/member.ts";
import { leadingNode, readConfig, type Surroundings, warnOfUnknown } from "./auto_backup.ts";
import type { Configuration } from "./flags.ts";

/** Reads the file of -auto-restore; rejects with an Error in rqlite's words. Undefined without one. */
export async function prepareAutoRestore(
  { backups: { restorePath: path }, dataDirectory }: Configuration,
  surroundings: Surroundings,
): Promise<AutoRestore | undefined> {
  if (path === "") return undefined;
  const { clock, logger } = surroundings;
  try {
    const text = await readConfig(path, "auto-restore");
    const { config, unknownKeys } = parseAutoRestore(text, (name) => Deno.env.get(name));
    warnOfUnknown(path, unknownKeys, logger);
    const source = await openDestination(config.destination, clock);
    return new AutoRestore({ config, source, dataDirectory, clock, logger });
  } catch (error) {
    throw new Error(
      `failed to download auto-restore file: failed to parse auto-restore file: ${
        messageOf(error)
      }`,
    );
  }
}

/** A node as a restore sees it. */
export function restoringNode(member: OpenMember): RestoringNode {
  const { service } = member;
  return {
    leading: leadingNode(member),
    hasLeader: () => service.leader() !== undefined,
    load: (file) => service.load(file),
  };
}
