import type { Disk } from "../io/types.ts";

/** Removes a change log that is kept no longer: what happens now would be missing in it. */
export async function removeChanges(disk: Disk, path: string): Promise<void> {
  for (const name of [path, `${path}-wal`, `${path}-shm`]) {
    if (await disk.exists(name)) await disk.remove(name);
  }
}
