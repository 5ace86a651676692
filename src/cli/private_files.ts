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

/** Whether others of this machine may do any of that with a file; false where there are no modes. */
function isOpenToOthers(mode: number | null, what = others): boolean {
  return Deno.build.os !== "windows" && mode !== null && (mode & what) !== 0;
}

/** A user of this machine: a service's own, mostly. */
export interface OwnUser {
  readonly uid: number | null;
  readonly gid: number | null;
}

/**
 * What keeps others of this machine from a secret file that the node is to read still; undefined
 * where nothing is to be done. What root has lent to its group, to be read, is as it should be where
 * the node has another user.
 */
export function closingOf(
  path: string,
  { mode, uid }: Pick<Deno.FileInfo, "mode" | "uid">,
  own: OwnUser = { uid: Deno.uid(), gid: Deno.gid() },
): string | undefined {
  const isRoots = uid === 0 && own.uid !== 0;
  if (!isOpenToOthers(mode, isRoots ? others & ~groupReads : others)) return undefined;
  if (isRoots) return `chgrp ${own.gid} ${path} && chmod 640 ${path}`;
  const takes = uid === own.uid || own.uid === 0 ? "" : `chown ${own.uid} ${path} && `;
  return `${takes}chmod 600 ${path}`;
}

/** Says when others can look into the data directory, which stays as its owner has made it. */
export async function warnOfOpenDirectory(directory: string, logger: Logger): Promise<void> {
  const { mode } = await Deno.stat(directory);
  if (!isOpenToOthers(mode)) return;
  logger.log(
    "WARN",
    "cli",
    `Data directory ${directory} is open to other users of this machine: chmod -R go= ${directory}`,
  );
}
