import { dirname } from "node:path";
import type { Disk } from "../../io/types.ts";

/** Where a data directory keeps what was found damaged in it: what was last found, and no more. */
export const asideName = "damaged";

/** With the database, what belongs to it; its index of the WAL is made anew. */
const kept = ["-wal", ""] as const;
const dropped = ["-shm", "-journal"] as const;

/**
 * Moves the database at `path`, whose connections are all closed, out of the way, in the place of
 * what was there before; resolves with where it is now. There need be none.
 */
export async function setDatabaseAside(disk: Disk, path: string): Promise<string> {
  const directory = dirname(path);
  const aside = `${directory}/${asideName}`;
  const target = aside + path.slice(directory.length);
  if (!await disk.exists(path)) return target;
  await disk.makeDirectory(aside);
  for (const suffix of kept) {
    if (await disk.exists(target + suffix)) await disk.remove(target + suffix);
  }
  for (const suffix of kept) {
    if (await disk.exists(path + suffix)) await disk.rename(path + suffix, target + suffix);
  }
  for (const suffix of dropped) {
    if (await disk.exists(path + suffix)) await disk.remove(path + suffix);
  }
  await disk.syncDirectory(aside);
  await disk.syncDirectory(directory);
  return target;
}
