import type { Disk, DiskFile } from "../../io/types.ts";

const chunkBytes = 0x10_0000;

/** Syncs the WAL of the database at `path`; there need be none. */
export async function syncWal(disk: Disk, path: string): Promise<void> {
  await withWal(disk, path, (file) => file.sync());
}

/**
 * Writes what the WAL of the database at `path` holds once more, and syncs it, before SQLite goes by
 * it. A process that ended after a failed sync leaves pages in the system's cache that are marked as
 * written and never were: another sync would pass them over, and then what follows from it, a
 * checkpoint and the compaction of the log behind it, would rest on nothing.
 */
export async function writeWalAgain(disk: Disk, path: string): Promise<void> {
  await withWal(disk, path, async (file) => {
    const size = await file.size();
    for (let at = 0; at < size; at += chunkBytes) {
      await file.write(at, await file.read(at, Math.min(chunkBytes, size - at)));
    }
    if (size > 0) await file.sync();
  });
}

async function withWal(
  disk: Disk,
  path: string,
  body: (file: DiskFile) => Promise<void>,
): Promise<void> {
  const wal = `${path}-wal`;
  if (!await disk.exists(wal)) return;
  const file = await disk.open(wal, { create: false });
  try {
    await body(file);
  } finally {
    file.close();
  }
}
