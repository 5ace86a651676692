import type { Disk } from "./types.ts";

/** Removes a file that need not be there; resolves with whether it was. Durable once its directory is synced. */
export async function removeIfThere(disk: Disk, path: string): Promise<boolean> {
  const isThere = await disk.exists(path);
  if (isThere) await disk.remove(path);
  return isThere;
}
