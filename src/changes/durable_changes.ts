import type { Disk } from "../io/types.ts";
import { Database, type Library } from "../sqlite/mod.ts";

/**
 * Makes durable what was committed to a change log's file, and moves its WAL into it as far as readers
 * allow. It is called before the database itself is checkpointed: whatever is in the database's file
 * for good must be in the change log for good, or a power cut would lose the changes.
 */
export async function makeChangesDurable(
  library: Library,
  disk: Disk,
  path: string,
): Promise<void> {
  {
    using database = new Database(path, { library, create: false, busyTimeoutMs: 5_000 });
    database.setAutoCheckpoint(0);
    database.readHeader();
    database.checkpoint("passive");
  }
  // That syncs nothing where a reader keeps it from copying.
  const wal = `${path}-wal`;
  if (!await disk.exists(wal)) return;
  const file = await disk.open(wal, { create: false });
  try {
    await file.sync();
  } finally {
    file.close();
  }
}
