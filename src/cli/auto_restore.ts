import { resolve } from "node:path";
import { archiveSource, type ArchiveSourceParts } from "../backup/archive/archive_source.ts";
import { archiveAt, archiveDirectory } from "../backup/archive/target.ts";
import { AutoRestore, type RestoringNode } from "../backup/auto_restore.ts";
import { defaultArchiveTimeoutMs, parseAutoRestore } from "../backup/config.ts";
import { openDestination } from "../backup/destination.ts";
import { backupSource } from "../backup/restore_source.ts";
import { messageOf } from "../base/message_of.ts";
import { DenoDisk } from "../io/deno_disk.ts";
import type { OpenMember } from "../member/member.ts";
import type { EngineOptions, ExtensionChoice } from "../member/openers.ts";
import { leadingNode, readConfig, type Surroundings, warnOfUnknown } from "./auto_backup.ts";
import type { Configuration } from "./flags.ts";
import { openScratchStore } from "./scratch_store.ts";

/**
 * Reads what -auto-restore names: a file, or the directory of an archive. Rejects with an Error in
 * rqlite's words. Undefined without it.
 */
export async function prepareAutoRestore(
  { backups: { restorePath: path }, dataDirectory }: Configuration,
  { clock, logger, transfers, extensions }: Surroundings & { readonly extensions: ExtensionChoice },
): Promise<AutoRestore | undefined> {
  if (path === "") return undefined;
  const around = { dataDirectory, clock, logger };
  const making = { ...makingIn(dataDirectory, { logger, extensions }), transfers };
  const isDirectory = await Deno.stat(path).then((found) => found.isDirectory, () => false);
  try {
    if (isDirectory) {
      const place = await archiveDirectory(resolve(path));
      const source = archiveSource({
        place,
        point: { type: "newest" },
        ...making,
      });
      const config = { timeoutMs: defaultArchiveTimeoutMs, continueOnFailure: false };
      return new AutoRestore({ config, source, ...around });
    }
    const text = await readConfig(path, "auto-restore");
    const { config, unknownKeys } = parseAutoRestore(text, (name) => Deno.env.get(name));
    warnOfUnknown(path, unknownKeys, logger);
    const { destination, point } = config;
    const source = point === undefined
      ? backupSource(await openDestination(destination, clock), { logger, transfers })
      : archiveSource({
        place: await archiveAt(destination, clock),
        point,
        ...making,
      });
    return new AutoRestore({ config, source, ...around });
  } catch (error) {
    throw new Error(
      `failed to download auto-restore file: failed to parse auto-restore file: ${
        messageOf(error)
      }`,
    );
  }
}

/** Where the database of a moment is made: what a node leaves that is killed, the next start removes. */
function makingIn(
  dataDirectory: string,
  parts: Pick<EngineOptions, "logger" | "extensions">,
): Pick<ArchiveSourceParts, "disk" | "withDirectory" | "openStore"> {
  const disk = new DenoDisk();
  const directory = `${dataDirectory}/auto-restore`;
  const remove = async () => {
    if (await disk.exists(directory)) await Deno.remove(directory, { recursive: true });
  };
  return {
    disk,
    async withDirectory(use) {
      await remove();
      await disk.makeDirectory(directory);
      try {
        return await use(directory);
      } finally {
        await remove();
      }
    },
    openStore: (home) => openScratchStore({ ...parts, disk, directory: home }),
  };
}

/** A node as a restore sees it. */
export function restoringNode(member: OpenMember): RestoringNode {
  const { service } = member;
  return {
    leading: leadingNode(member),
    hasLeader: () => service.leader() !== undefined,
    load: (file, sizeBytes, check) => service.load(file, undefined, sizeBytes, check),
  };
}
