import type { Logger } from "../io/types.ts";

/** What others of the group and of the machine may do with a file. */
const others = 0o077;
const groupReads = 0o040;

/**
 * Has all files that this process makes from now on be for its own user only (0600, directories
 * 0700), whatever it was told: SQLite and Workers too. Windows has access lists instead, which files
 * take from their directory.
 */
export function keepFilesPrivate(): void {
  if (Deno.build.os === "windows") return;
  Deno.umask(others);
}

/** Whether others of this machine may do anything with a file; false where there are no modes. */
async function isOpenToOthers(path: string): Promise<boolean> {
  const { mode } = await Deno.stat(path);
  return Deno.build.os !== "windows" && mode !== null && (mode & others) !== 0;
}

/**
 * Whether others of this machine may do anything with a secret file. What root has lent to its group,
 * to be read, is as it should be where the node has another user: a service's own.
 */
export function isOpenSecret(
  { mode, uid }: Pick<Deno.FileInfo, "mode" | "uid">,
  ownUid: number | null = Deno.uid(),
): boolean {
  if (Deno.build.os === "windows" || mode === null) return false;
  const isLent = uid === 0 && ownUid !== 0;
  return (mode & (isLent ? others & ~groupReads : others)) !== 0;
}

/** Says when others can look into the data directory, which stays as its owner has made it. */
export async function warnOfOpenDirectory(directory: string, logger: Logger): Promise<void> {
  if (!await isOpenToOthers(directory)) return;
  logger.log(
    "WARN",
    "cli",
    `Data directory ${directory} is open to other users of this machine: chmod -R go= ${directory}`,
  );
}
