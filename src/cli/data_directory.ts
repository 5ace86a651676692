import { type DirectoryLock, lockDirectory } from "../io/directory_lock.ts";
import type { Disk } from "../io/types.ts";
import { StartError } from "../member/start_error.ts";

/**
 * Makes the data directory, if it is not there, and takes it for this process. Throws a StartError,
 * a DiskError or a DirectoryLockedError, each with the way out.
 */
export async function takeDataDirectory(disk: Disk, directory: string): Promise<DirectoryLock> {
  // What cannot be looked at, making the directory meets too, and gives the reason.
  const entry = await Deno.lstat(directory).catch(() => undefined);
  const target = await Deno.stat(directory).catch(() => undefined);
  if (entry?.isSymlink && target === undefined) {
    throw new StartError(
      `Data directory ${directory} is a link to nothing: make the directory that it points to, or remove the link`,
    );
  }
  if (target !== undefined && !target.isDirectory) {
    throw new StartError(
      `Data directory ${directory} is a file: name a directory, or move the file away`,
    );
  }
  if (await isRqlites(directory)) {
    throw new StartError(
      `Data directory ${directory} is rqlite's (it has raft.db): name another, and send a backup of rqlite's, by its /db/backup, to POST /db/load (docs/operations.md, "Moving from rqlite")`,
    );
  }
  await disk.makeDirectory(directory);
  return await lockDirectory(directory);
}

/** Whether the data in a directory is rqlite's, whose log lies in a file of that name. */
export async function isRqlites(directory: string): Promise<boolean> {
  return await isThere(`${directory}/raft.db`) && !await hasNode(directory);
}

/** Whether a node has begun there. */
export async function hasNode(directory: string): Promise<boolean> {
  return await isThere(`${directory}/node.json`);
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}
