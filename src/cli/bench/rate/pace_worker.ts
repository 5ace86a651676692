/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />

/** What a Worker is to count. */
export interface PaceTask {
  /** When the first request is due, in ms of the epoch. */
  readonly startAt: number;
  readonly perSecond: number;
  readonly count: number;
}

/** The Worker tells of requests that are due together at most that often, in ms. */
const tellEveryMs = 0.25;

declare const self: DedicatedWorkerGlobalScope;

self.onmessage = ({ data: { startAt, perSecond, count } }: MessageEvent<PaceTask>) => {
  const nothing = new Int32Array(new SharedArrayBuffer(4));
  const now = () => performance.timeOrigin + performance.now() - startAt;
  for (let due = 0; due < count;) {
    const waitMs = due * 1000 / perSecond - now();
    if (waitMs > 0) Atomics.wait(nothing, 0, 0, Math.max(waitMs, tellEveryMs));
    const passed = Math.floor(now() * perSecond / 1000) + 1;
    if (passed <= due) continue;
    due = Math.min(passed, count);
    self.postMessage(due);
  }
};

// It runs.
self.postMessage(0);
