/**
 * Behind a database's path: the files that SQLite keeps beside it, and the sums of its pages.
 * https://www.sqlite.org/tempfiles.html
 */
export const companions = ["-wal", "-shm", "-journal", "-sums"] as const;

/** A database and its companions, in the order to remove them: without its WAL it may be none. */
export function filesOfDatabase(path: string): string[] {
  return [path, ...companions.map((suffix) => path + suffix)];
}
