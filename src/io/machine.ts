import { statfsSync } from "node:fs";

/** Where a file lies. */
export interface FileSystem {
  /** As the system calls it, like `ext4`; undefined where it does not say. */
  readonly kind: string | undefined;
  /** Bytes that this user may still write. */
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** The file system of a path that is there; undefined where the system does not say. */
export function fileSystemOf(path: string): FileSystem | undefined {
  try {
    const { bsize, bavail, blocks } = statfsSync(path);
    const kind = kindOf(Deno.realPathSync(path));
    return { kind, freeBytes: bsize * bavail, totalBytes: bsize * blocks };
  } catch {
    return undefined;
  }
}

/** From the mounts of this process, proc_pid_mountinfo(5): the longest that the path lies below. */
function kindOf(path: string): string | undefined {
  if (Deno.build.os !== "linux") return undefined;
  let longest = "";
  let kind: string | undefined;
  for (const line of Deno.readTextFileSync("/proc/self/mountinfo").split("\n")) {
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
