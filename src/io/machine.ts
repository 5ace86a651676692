import fs from "node:fs";
import { promisify } from "node:util";

/** Deno 2.4 has it for callbacks only. */
const statfs = promisify(fs.statfs);

/** What a disk has room for. */
interface Space {
  /** Bytes that this user may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** Where a file lies. */
export interface FileSystem extends Space {
  /** As the system calls it, like `ext4`; undefined where it does not say. */
  readonly kind: string | undefined;
}

/** What may still be written to the file system of a path, in bytes; undefined where the system does not say. */
export async function freeBytes(path: string): Promise<number | undefined> {
  try {
    return (await spaceOf(path)).freeBytes;
  } catch {
    return undefined;
  }
}

/** The file system of a path that is there; undefined where the system does not say. */
export async function fileSystemOf(path: string): Promise<FileSystem | undefined> {
  try {
    return { ...await spaceOf(path), kind: await kindOf(await Deno.realPath(path)) };
  } catch {
    return undefined;
  }
}

async function spaceOf(path: string): Promise<Space> {
  const { bsize, bavail, blocks } = await statfs(path);
  return { freeBytes: bsize * bavail, totalBytes: bsize * blocks };
}

/** From the mounts of this process, proc_pid_mountinfo(5): the longest that the path lies below. */
async function kindOf(path: string): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  let longest = "";
  let kind: string | undefined;
  for (const line of (await Deno.readTextFile("/proc/self/mountinfo")).split("\n")) {
    const [before = "", behind = ""] = line.split(" - ");
    const point = unescaped(before.split(" ")[4] ?? "");
    const isAbove = path === point || path.startsWith(point.endsWith("/") ? point : `${point}/`);
    // Of two at one place the later hides the earlier.
    if (point !== "" && isAbove && point.length >= longest.length) {
      longest = point;
      kind = behind.split(" ")[0];
    }
  }
  return kind;
}

/** Spaces and the like stand there as a backslash and three octal digits. */
function unescaped(text: string): string {
  return text.replace(/\\(\d{3})/g, (_, digits) => String.fromCharCode(parseInt(digits, 8)));
}

/** How many files and connections this process may have open; undefined where the system does not say. */
export function openFilesMax(): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const limits = Deno.readTextFileSync("/proc/self/limits");
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
    return soft === undefined ? undefined : soft === "unlimited" ? Infinity : Number(soft);
  } catch {
    return undefined;
  }
}

/** Bytes that this process may use by its control group, version 2 or 1; undefined without a bound. */
export function memoryMax(): number | undefined {
  for (const file of ["memory.max", "memory/memory.limit_in_bytes"]) {
    try {
      const bytes = Number(Deno.readTextFileSync(`/sys/fs/cgroup/${file}`));
      if (bytes > 0 && bytes < Deno.systemMemoryInfo().total) return bytes;
    } catch {
      // Not this version, or no Linux.
    }
  }
  return undefined;
}
