import { strict as assert } from "node:assert";
import { TurnWatch } from "../../src/io/turn_watch.ts";
import type { Clock } from "../../src/io/types.ts";

/** A clock that moves when told to; what is due is called then, as late as it may be. */
class ManualClock implements Clock {
  #now = 12_345;
  /** Timers that were due so far. */
  called = 0;
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void) {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  /** A turn of that many ms, in which nothing else happens. */
  block(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter(({ at }) => at <= this.#now);
    this.#timers = this.#timers.filter(({ at }) => at > this.#now);
    this.called += due.length;
    for (const { callback } of due) callback();
  }

  idle(ms: number): void {
    for (let i = 0; i < ms; i++) this.block(1);
  }

  get pending(): number {
    return this.#timers.length;
  }
}

Deno.test("TurnWatch finds the longest turn, and forgets it after a minute in one of its figures", () => {
  const clock = new ManualClock();
  const watch = new TurnWatch(clock, () => 0);
  watch.start();
  clock.idle(500);
  assert.equal(watch.longestMs, 0);
  watch.stir();
  clock.block(600);
  clock.idle(100);
  assert(watch.longestMs >= 590 && watch.longestMs <= 600, `${watch.longestMs}`);
  assert.equal(watch.longestLatelyMs, watch.longestMs);
  clock.block(80);
  clock.idle(54_000);
  assert(watch.longestLatelyMs >= 590, "it is within the minute");
  clock.idle(7_000);
  assert.equal(watch.longestLatelyMs, 0);
  assert(watch.longestMs >= 590);
  watch.stop();
  assert.equal(clock.pending, 0);
});

Deno.test("TurnWatch counts the turn in which it is asked", () => {
  const clock = new ManualClock();
  const watch = new TurnWatch(clock, () => 0);
  watch.start();
  let asked = 0;
  // Behind the watch's own timer, which is late as well.
  clock.after(5, () => asked = watch.longestMs);
  clock.block(300);
  assert(asked >= 290, `${asked}`);
  assert(watch.longestLatelyMs >= 290);
});

Deno.test("TurnWatch wakes up every 5 s at rest, and measures closely from the first work on", () => {
  const clock = new ManualClock();
  let workDone = 0;
  const watch = new TurnWatch(clock, () => workDone);
  watch.start();
  clock.idle(10_000);
  const before = clock.called;
  clock.idle(50_000);
  assert.equal(clock.called - before, 10);
  // A request comes, and keeps the thread.
  watch.stir();
  clock.block(600);
  assert(watch.longestMs >= 590, `${watch.longestMs}`);
  clock.idle(2_000);
  // Work that nobody announces is seen at the next look.
  const working = clock.called;
  for (let i = 0; i < 750; i++) {
    workDone++;
    clock.idle(20);
  }
  assert(clock.called - working >= 500, `${clock.called - working} looks in 15 s of work`);
  watch.stop();
  assert.equal(clock.pending, 0);
});

Deno.test("TurnWatch at rest counts what held it up, but for what was left of its pause", () => {
  const clock = new ManualClock();
  const watch = new TurnWatch(clock, () => 0);
  watch.start();
  clock.idle(3_500);
  clock.block(7_000);
  assert(watch.longestMs >= 2_000 && watch.longestMs <= 7_000, `${watch.longestMs}`);
});
