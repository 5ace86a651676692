import { dirname } from "node:path";
import type { Disk } from "../io/types.ts";

/** Replaces a small file durably: written aside, synced, renamed, directory synced. */
export async function writeFileAtomically(
  disk: Disk,
  path: string,
  content: string,
): Promise<void> {
  const aside = `${path}.tmp`;
  const file = await disk.open(aside, { create: true });
  try {
    await file.truncate(0);
    await file.write(0, new TextEncoder().encode(content));
    await file.sync();
  } finally {
    file.close();
  }
  await disk.rename(aside, path);
  await disk.syncDirectory(dirname(path));
}
