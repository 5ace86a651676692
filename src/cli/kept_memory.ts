import { openCLibrary } from "../io/c_library.ts";

/** M_TRIM_THRESHOLD, and what it is to begin with. */
const trimThreshold = -1;
const freeAtEndMax = 128 * 1024;

/**
 * Has the C library keep no more than it does at first of what lies free at the end of a thread's
 * memory: it would keep twice the largest block that was ever freed, for each thread, and when a thread
 * has ended, too. malloc_trim (`memory_trim.ts`) does not reach that. To be called before there are
 * others than the main thread.
 */
export function keepLittleMemory(): void {
  openCLibrary({ mallopt: { parameters: ["i32", "i32"], result: "i32" } })
    ?.mallopt(trimThreshold, freeAtEndMax);
}
