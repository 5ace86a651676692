import { removeIfThere } from "../io/remove_if_there.ts";
import type { Disk } from "../io/types.ts";
import { filesOfDatabase } from "../sqlite/mod.ts";

/** Removes a change log that is kept no longer: what happens now would be missing in it. */
export async function removeChanges(disk: Disk, path: string): Promise<void> {
  for (const file of filesOfDatabase(path)) await removeIfThere(disk, file);
}
