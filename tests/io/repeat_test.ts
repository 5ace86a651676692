import assert from "node:assert/strict";
import { repeat } from "../../src/io/repeat.ts";
import type { Clock } from "../../src/io/types.ts";

/** A clock whose timers are due when the test says so. */
class HandClock implements Clock {
  readonly waiting: { readonly delayMs: number; readonly callback: () => void }[] = [];

  now(): number {
    return 0;
  }

  wallTime(): number {
    return 0;
  }

  after(delayMs: number, callback: () => void) {
    const timer = { delayMs, callback };
    this.waiting.push(timer);
    return {
      cancel: () => {
        const at = this.waiting.indexOf(timer);
        if (at >= 0) this.waiting.splice(at, 1);
      },
    };
  }

  due(): void {
    this.waiting.shift()?.callback();
  }
}

Deno.test("repeat() does it each period, until it is cancelled", () => {
  const clock = new HandClock();
  let times = 0;
  const timer = repeat(clock, 500, () => void times++);
  assert.equal(times, 0);
  for (let i = 0; i < 3; i++) clock.due();
  assert.equal(times, 3);
  assert.deepEqual(clock.waiting.map(({ delayMs }) => delayMs), [500]);
  timer.cancel();
  assert.deepEqual(clock.waiting, []);
});

Deno.test("repeat() waits for what takes its time, and begins nothing after it was cancelled", async () => {
  const clock = new HandClock();
  const first = Promise.withResolvers<void>();
  const timer = repeat(clock, 500, () => first.promise);
  clock.due();
  assert.deepEqual(clock.waiting, []);
  timer.cancel();
  first.resolve();
  await first.promise;
  await undefined;
  assert.deepEqual(clock.waiting, []);
});
