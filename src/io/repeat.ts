import type { Clock, Timer } from "./types.ts";

/**
 * Does something again and again, for the first time in `periodMs`: each time so long after the last
 * was over. What is under way when it is cancelled goes on, and is the last; its promise must not reject.
 */
export function repeat(clock: Clock, periodMs: number, task: () => void | Promise<unknown>): Timer {
  let cancelled = false;
  let timer: Timer;
  const next = () => {
    if (!cancelled) timer = clock.after(periodMs, due);
  };
  const due = () => {
    const done = task();
    if (done instanceof Promise) done.then(next);
    else next();
  };
  next();
  return {
    cancel() {
      cancelled = true;
      timer.cancel();
    },
  };
}
