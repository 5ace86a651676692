import { releaseBytes } from "../../base/bytes.ts";
import { isLoadChunk } from "../codec/command_header.ts";
import type { BatchEntry } from "./apply_batch.ts";
import type { WriteConnection } from "./write_connection.ts";

/** Of pages that are read once a cache is of no use, in KiB. */
const smallCacheKib = 1024;

/**
 * Gives the memory of a batch back that has nothing but pieces of a loaded file, and the pages that
 * SQLite has kept of them: nobody looks at either again, unless it is to build the file.
 *
 * @param bytes What the entries lie in.
 */
export function releasePieces(
  connection: Pick<WriteConnection, "database" | "own">,
  entries: readonly BatchEntry[],
  bytes: Uint8Array<ArrayBuffer>,
): void {
  if (!entries.every(isLoadChunk)) return;
  connection.own(() => connection.database.exec("PRAGMA shrink_memory"));
  releaseBytes(bytes);
}

/** Runs `body` while the connection keeps few pages. */
export async function withSmallCache<Result>(
  connection: Pick<WriteConnection, "database" | "own">,
  body: () => Promise<Result>,
): Promise<Result> {
  const { database } = connection;
  const before = connection.own(() => {
    const size = database.scalar("PRAGMA cache_size");
    database.exec(`PRAGMA cache_size = -${smallCacheKib}`);
    return size;
  });
  try {
    return await body();
  } finally {
    connection.own(() => database.exec(`PRAGMA cache_size = ${before}`));
  }
}
