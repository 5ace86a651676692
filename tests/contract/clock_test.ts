import assert from "node:assert/strict";
import { DenoClock } from "../../src/io/deno_clock.ts";
import type { Clock } from "../../src/io/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

/** A clock and how to wait until a promise made with it resolves. */
type MakeClock = () => { clock: Clock; run: <T>(work: Promise<T>) => Promise<T> };

const implementations: Record<string, MakeClock> = {
  DenoClock: () => ({ clock: new DenoClock(), run: (work) => work }),
  SimulatedClock: () => {
    const clock = new SimulatedClock();
    return { clock, run: (work) => clock.run(work) };
  },
};

for (const [name, make] of Object.entries(implementations)) {
  Deno.test(`${name} calls back once, not before the delay, in the order of the delays`, async () => {
    const { clock, run } = make();
    const start = clock.now();
    const called: string[] = [];
    await run(
      new Promise<void>((resolve) => {
        clock.after(30, () => {
          called.push("late");
          resolve();
        });
        clock.after(5, () => called.push("early"));
      }),
    );
    assert.deepEqual(called, ["early", "late"]);
    assert.ok(clock.now() - start >= 29, `${clock.now() - start} ms`);
  });

  Deno.test(`${name} does not call a cancelled timer`, async () => {
    const { clock, run } = make();
    let called = false;
    const timer = clock.after(1, () => {
      called = true;
    });
    timer.cancel();
    timer.cancel();
    await run(new Promise<void>((resolve) => void clock.after(10, resolve)));
    assert.equal(called, false);
  });

  Deno.test(`${name} tells wall time in ms since 1970`, () => {
    const { clock } = make();
    assert.ok(clock.wallTime() > Date.UTC(2025, 0, 1));
    assert.ok(Number.isInteger(clock.wallTime()));
  });
}
