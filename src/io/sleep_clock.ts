import { openCLibrary } from "./c_library.ts";

/**
 * The clock that goes on while the machine sleeps, by its number on each system: CLOCK_BOOTTIME in
 * clock_gettime(2) of Linux, CLOCK_MONOTONIC_RAW on macOS, whose CLOCK_MONOTONIC may follow a change
 * of the date. Deno's `performance.now` stands meanwhile on both. On Windows it goes on.
 */
const clocks: Partial<Record<typeof Deno.build.os, number>> = { linux: 7, darwin: 4 };

/** A struct timespec: two integers of 64 bits, the lower half first on each processor there is. */
const timespec = new Uint8Array(16);
const [seconds, secondsAbove, nanoseconds] = [0, 1, 2] as const;

/**
 * Milliseconds that never go back, also those in which the machine slept, from when `performance.now`
 * began; undefined where the system has no such clock for us.
 */
export const sinceBegin: (() => number) | undefined = clockOf(clocks[Deno.build.os]);

function clockOf(clock: number | undefined): (() => number) | undefined {
  if (clock === undefined) return undefined;
  const calls = openCLibrary({
    clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  });
  if (calls?.clock_gettime(clock, timespec) !== 0) return undefined;
  const { clock_gettime } = calls;
  const words = new Uint32Array(timespec.buffer);
  const wholeSeconds = () => (words[secondsAbove] ?? 0) * 2 ** 32 + (words[seconds] ?? 0);
  const begin = wholeSeconds();
  const beginNs = words[nanoseconds] ?? 0;
  const beganMs = performance.now();
  return () => {
    // It has worked before with the same arguments, and has no way to fail.
    clock_gettime(clock, timespec);
    return beganMs + (wholeSeconds() - begin) * 1000 + ((words[nanoseconds] ?? 0) - beginNs) / 1e6;
  };
}
