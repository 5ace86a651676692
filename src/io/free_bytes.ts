import { statfs } from "node:fs/promises";

/** What programs may still write to the file system of a path, in bytes; undefined when it does not say. */
export async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
