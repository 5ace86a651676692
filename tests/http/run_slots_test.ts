import assert from "node:assert/strict";
import { RunSlots } from "../../src/http/watch/run_slots.ts";

/** Runs that end when the test says so. */
class Runs {
  readonly slots = new RunSlots();
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();

  add(owner: string, name: string, lastMs: number | undefined): void {
    void this.slots.use({ owner, lastMs }, () => {
      this.begun.push(name);
      return new Promise((resolve) => this.#ends.set(name, resolve));
    });
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    await settled();
  }
}

/** Resolves when promises have done all that they can. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

Deno.test("long runs, and those of queries that were never run, hold up no short ones", async () => {
  const runs = new Runs();
  for (let i = 0; i < 5; i++) runs.add("a", `long ${i}`, i % 2 === 0 ? 5_000 : undefined);
  runs.add("b", "short", 3);
  runs.add("b", "short too", 3);
  await settled();
  assert.deepEqual(runs.begun, ["long 0", "short"]);
  await runs.end("short");
  assert.deepEqual(runs.begun.slice(2), ["short too"]);
  await runs.end("short too");
  assert.equal(runs.begun.length, 3, "The other place is for short ones");
  await runs.end("long 0");
  assert.deepEqual(runs.begun.slice(3), ["long 1"]);
  assert.equal(runs.slots.runs, 4);
});

Deno.test("who has many queries is served as often as who has one", async () => {
  const runs = new Runs();
  for (let i = 0; i < 10; i++) runs.add("many", `many ${i}`, 1);
  runs.add("one", "one", 1);
  runs.add("other", "other", 1);
  await settled();
  assert.deepEqual(runs.begun, ["many 0", "many 1"]);
  for (const name of ["many 0", "many 1", "many 2"]) await runs.end(name);
  assert.deepEqual(runs.begun.slice(2).sort(), ["many 2", "one", "other"]);
  await runs.end("one");
  await runs.end("other");
  assert.deepEqual(runs.begun.slice(5), ["many 3", "many 4"]);
});

Deno.test("a run that fails gives its place up", async () => {
  const slots = new RunSlots();
  for (let i = 0; i < 5; i++) {
    const failed = slots.use({ owner: "a", lastMs: 1 }, () => Promise.reject(new Error("no")));
    await assert.rejects(failed, /^Error: no$/);
  }
});
