import { dirname } from "node:path";
import type { Disk } from "../io/types.ts";

/** What a small file says; undefined where there is none. */
export async function readText(disk: Disk, path: string): Promise<string | undefined> {
  if (!await disk.exists(path)) return undefined;
  const file = await disk.open(path, { create: false });
  try {
    return new TextDecoder().decode(await file.read(0, await file.size()));
  } finally {
    file.close();
  }
}

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
