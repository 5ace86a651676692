import { pause } from "../io/pause.ts";
import type { Clock } from "../io/types.ts";
import { failedAs } from "./types.ts";

/** How often a request is made that may go well another time. */
const attemptsMax = 3;
/** Before the second attempt, in ms; doubled before each that follows. */
const firstPauseMs = 500;

/** Makes a request up to three times, with growing pauses; what is refused for good is made once. */
export async function withAttempts<T>(
  clock: Clock,
  request: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await request();
    } catch (error) {
      signal?.throwIfAborted();
      if (!failedAs("unavailable", error) || attempt === attemptsMax) throw error;
      await pause(clock, firstPauseMs * 2 ** (attempt - 1), signal);
      signal?.throwIfAborted();
    }
  }
}
