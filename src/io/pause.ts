import type { Clock } from "./types.ts";

/** Waits so long, in ms, or until `signal` is aborted. */
export async function pause(clock: Clock, durationMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.after(durationMs, resolve);
  const end = () => resolve();
  signal?.addEventListener("abort", end);
  await promise;
  timer.cancel();
  signal?.removeEventListener("abort", end);
}
