import type { Logger } from "../io/types.ts";

/** What others of the group and of the machine may do with a file. */
const others = 0o077;

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
export async function isOpenToOthers(path: string): Promise<boolean> {
  const { mode } = await Deno.stat(path);
  return Deno.build.os !== "windows" && mode !== null && (mode & others) !== 0;
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
