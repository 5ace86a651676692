import { strict as assert } from "node:assert";
import { Copier } from "../../src/store/copy/copier.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import type { ThreadHandlers, ThreadName, Threads } from "../../src/store/threads.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library } from "./fixture.ts";

/** Threads that do what they are told when the test says so. */
class Told implements Threads {
  started = 0;
  running = 0;
  #answer: (() => void) | undefined;

  // deno-lint-ignore no-explicit-any -- Of whatever kind, its answers are all alike.
  start<Name extends ThreadName>(_name: Name, handlers: ThreadHandlers<any>) {
    this.started++;
    this.running++;
    return {
      post: (request: object) => {
        if ("cancelled" in request) return;
        this.#answer = () => handlers.receive({ type: "answer", value: this.started });
      },
      terminate: () => void this.running--,
    };
  }

  answer(): void {
    const answer = this.#answer;
    assert.ok(answer !== undefined, "Nothing was asked");
    this.#answer = undefined;
    answer();
  }
}

const request = { type: "verify", path: "nowhere" } as const;

Deno.test("Copier ends its thread when that has had nothing to do for a while, and never at a job", async () => {
  const threads = new Told();
  const clock = new SimulatedClock();
  const life = new LifeCycle();
  const copier = new Copier(library, life, threads, clock);
  life.opened();
  const one = async (afterMs: number) => {
    const done = copier.run<"verify">(request);
    await clock.advance(afterMs);
    threads.answer();
    return await done;
  };
  assert.equal(threads.started, 0);
  await one(60_000);
  await clock.advance(59_000);
  await one(60_000);
  await clock.advance(59_000);
  assert.deepEqual([threads.started, threads.running], [1, 1]);
  await clock.advance(2_000);
  assert.deepEqual([threads.started, threads.running], [1, 0]);
  await one(60_000);
  assert.deepEqual([threads.started, threads.running], [2, 1]);
  const both = [copier.run<"verify">(request), copier.run<"verify">(request)];
  threads.answer();
  await clock.advance(60_000);
  threads.answer();
  await Promise.all(both);
  assert.deepEqual([threads.started, threads.running], [2, 1]);
  copier.end();
  await clock.advance(60_000);
  assert.deepEqual([threads.started, threads.running], [2, 0]);
});
