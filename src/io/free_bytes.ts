import fs from "node:fs";
import { promisify } from "node:util";

/** Deno 2.4 has it for callbacks only. */
const statfs = promisify(fs.statfs);

/** What programs may still write to the file system of a path, in bytes; undefined when it does not say. */
export async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
