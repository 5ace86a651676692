import { dirname } from "node:path";
import { type Disk, DiskError } from "../io/types.ts";

const companions = ["-wal", "-shm", "-journal"] as const;

/** Name of a file that belongs to a piece of work under way; such files are removed at the start. */
export function temporaryPath(path: string, what: string): string {
  return `${path}.tmp-${what}-${crypto.randomUUID().slice(0, 8)}`;
}

/** Removes what work that was cut short has left. */
export async function removeTemporaries(
  disk: Disk,
  directory: string,
  name: string,
): Promise<void> {
  for (const found of await disk.list(directory)) {
    if (found.startsWith(`${name}.tmp-`)) await disk.remove(`${directory}/${found}`);
  }
}

/** Removes a temporary file and whatever SQLite put beside it; none of them needs to be there. */
export async function removeTemporary(disk: Disk, path: string): Promise<void> {
  for (const file of [path, ...companions.map((suffix) => path + suffix)]) {
    try {
      await disk.remove(file);
    } catch (error) {
      if (!(error instanceof DiskError && error.kind === "not_found")) throw error;
    }
  }
}

/**
 * Puts the SQLite file `from` in the place of `path`, whose connections are all closed.
 *
 * A crash at any point leaves the old or the new database whole:
 * 1. The old database was closed after a TRUNCATE checkpoint: all of it is in its main file, synced,
 *    and its WAL is empty. (A WAL with content must never meet a main file that is not its own:
 *    SQLite would play it into that file.)
 * 2. The WAL and its index are removed, and the directory is synced: the old database, in one file.
 * 3. `from` is synced by its maker and has no companions, so that it, too, is one file. The rename
 *    exchanges them at once.
 * 4. The directory is synced: from now on the new one is there after a crash, too.
 */
export async function exchangeDatabase(disk: Disk, from: string, path: string): Promise<void> {
  const directory = dirname(path);
  for (const suffix of companions) {
    if (await disk.exists(path + suffix)) await disk.remove(path + suffix);
    if (await disk.exists(from + suffix)) {
      throw new Error(`Database ${from} cannot take the place of ${path}: it has a ${suffix} file`);
    }
  }
  await disk.syncDirectory(directory);
  await disk.rename(from, path);
  await disk.syncDirectory(directory);
}

/** Syncs a file that another handle has written; nothing when it is not there. */
export async function syncFile(disk: Disk, path: string): Promise<void> {
  if (!(await disk.exists(path))) return;
  const file = await disk.open(path, { create: false });
  try {
    await file.sync();
  } finally {
    file.close();
  }
}
