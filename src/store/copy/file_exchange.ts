import { dirname } from "node:path";
import { removeIfThere } from "../../io/remove_if_there.ts";
import type { Disk } from "../../io/types.ts";
import { companions } from "../../sqlite/mod.ts";

const sums = "-sums";

/**
 * Puts the SQLite file `from` in the place of `path`, whose connections are all closed.
 *
 * A crash at any point leaves the old or the new database whole:
 * 1. The old database was closed after a TRUNCATE checkpoint: all of it is in its main file, synced,
 *    and its WAL is empty. (A WAL with content must never meet a main file that is not its own:
 *    SQLite would play it into that file.)
 * 2. The WAL and its index are removed, and the directory is synced: the old database, in one file.
 * 3. `from` is synced by its maker and has no companions but the sums of its pages, so that it, too, is
 *    one file. The rename exchanges them at once. Its sums follow: they say of which file they are.
 * 4. The directory is synced: from now on the new one is there after a crash, too.
 */
export async function exchangeDatabase(disk: Disk, from: string, path: string): Promise<void> {
  const directory = dirname(path);
  for (const suffix of companions) {
    await removeIfThere(disk, path + suffix);
    if (suffix !== sums && await disk.exists(from + suffix)) {
      throw new Error(`Database ${from} cannot take the place of ${path}: it has a ${suffix} file`);
    }
  }
  await disk.syncDirectory(directory);
  await disk.rename(from, path);
  if (await disk.exists(from + sums)) await disk.rename(from + sums, path + sums);
  await disk.syncDirectory(directory);
}
