import { dirname } from "node:path";
import { removeChanges } from "../../changes/remove_changes.ts";
import { removeIfThere } from "../../io/remove_if_there.ts";
import type { Disk } from "../../io/types.ts";
import { companions } from "../../sqlite/mod.ts";

/** Where a data directory keeps what was found damaged in it: what was last found, and no more. */
export const asideName = "damaged";

/** With the database, what belongs to it; the rest is made anew. */
const kept = ["-wal", ""] as const;
const dropped = companions.filter((suffix) => suffix !== "-wal");

/** Where the database at `path` is when it is set aside. */
export function asideOf(path: string): string {
  const directory = dirname(path);
  return `${directory}/${asideName}${path.slice(directory.length)}`;
}

/**
 * Moves the database at `path`, whose connections are all closed, out of the way, in the place of
 * what was there before; resolves with where it is now. There need be none. Its change log, where
 * one is named, goes on from no other database, and may be what is damaged: it is removed.
 */
export async function setDatabaseAside(
  disk: Disk,
  path: string,
  changesPath?: string,
): Promise<string> {
  const directory = dirname(path);
  const target = asideOf(path);
  const aside = dirname(target);
  if (changesPath !== undefined) await removeChanges(disk, changesPath);
  if (!await disk.exists(path)) return target;
  await disk.makeDirectory(aside);
  // Without a file there, a WAL is of this one: a crash came between the two renames below.
  if (await disk.exists(target)) {
    for (const suffix of kept) await removeIfThere(disk, target + suffix);
  }
  for (const suffix of kept) {
    if (await disk.exists(path + suffix)) await disk.rename(path + suffix, target + suffix);
  }
  for (const suffix of dropped) await removeIfThere(disk, path + suffix);
  await disk.syncDirectory(aside);
  await disk.syncDirectory(directory);
  return target;
}
