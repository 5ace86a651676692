import { basename, dirname } from "node:path";
import type { Disk } from "../../io/types.ts";
import { companions } from "../../sqlite/mod.ts";

const sums = "-sums";

export interface FileExchange {
  readonly disk: Disk;
  /** A SQLite file. */
  readonly from: string;
  /** Of the database, whose connections are all closed; it need not be there. */
  readonly path: string;
  /** A name for the file that was there. */
  readonly replaced: string;
}

/**
 * Puts a SQLite file in the place of another. That one keeps the name `replaced`, where the file
 * system can give it one, and is the caller's to remove: who removes a large file waits until all of
 * its pages and blocks are free, and all writes wait for the exchange.
 *
 * A crash at any point leaves the old or the new database whole:
 * 1. The old database was closed after a TRUNCATE checkpoint: all of it is in its main file, synced,
 *    and its WAL is empty. (A WAL with content must never meet a main file that is not its own:
 *    SQLite would play it into that file.)
 * 2. The WAL and its index are removed, and the directory is synced: the old database, in one file.
 * 3. `from` is synced by its maker and has no companions but the sums of its pages, so that it, too, is
 *    one file. The rename exchanges them at once. Its sums follow: they say of which file they are.
 * 4. The directory is synced: from now on the new one is there after a crash, too, and the old one by
 *    the name `replaced` alone, until that is removed: by a start, if not before.
 */
export async function exchangeDatabase(
  { disk, from, path, replaced }: FileExchange,
): Promise<void> {
  const directory = dirname(path);
  // In one look: each call is a turn to another thread and back.
  const names = await disk.list(directory);
  const companionsOf = (file: string) =>
    companions.filter((suffix) => names.includes(basename(file) + suffix));
  const arriving = companionsOf(from);
  const left = arriving.find((suffix) => suffix !== sums);
  if (left !== undefined) {
    throw new Error(`Database ${from} cannot take the place of ${path}: it has a ${left} file`);
  }
  await Promise.all(companionsOf(path).map((suffix) => disk.remove(path + suffix)));
  await disk.syncDirectory(directory);
  // Without another name the rename removes it, which takes longer.
  await disk.link(path, replaced).catch(() => {});
  await disk.rename(from, path);
  if (arriving.includes(sums)) await disk.rename(from + sums, path + sums);
  await disk.syncDirectory(directory);
}
