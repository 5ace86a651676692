import assert from "node:assert/strict";
import { InterruptCell } from "../../src/sqlite/mod.ts";
import { library, openMemory } from "./fixture.ts";

Deno.test("InterruptCell stops a statement in another thread, and nothing after it", async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<unknown>();
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const cell = new InterruptCell();
  const worker = new Worker(new URL("./interrupt_worker.ts", import.meta.url), { type: "module" });
  let timer: ReturnType<typeof setInterval> | undefined;
  try {
    worker.onmessage = ({ data }) => data === "started" ? start() : answer(data);
    worker.postMessage({
      location: { path: library.path, origin: library.origin },
      memory: cell.memory,
      task: 5,
    });
    await started;
    assert.equal(cell.interrupt(library, 4), false);
    timer = setInterval(() => cell.interrupt(library, 5), 2);
    assert.deepEqual(await answered, { outcome: "SQLITE_INTERRUPT", stopped: true });
    assert.equal(cell.interrupt(library, 5), false);
  } finally {
    clearInterval(timer);
    worker.terminate();
  }
});

Deno.test("InterruptCell interrupts only the task that it is asked for, and none after detach", () => {
  using db = openMemory();
  const owner = new InterruptCell();
  const other = new InterruptCell(owner.memory);
  assert.equal(other.interrupt(library, 1), false);
  owner.attach(db);
  owner.begin(1);
  assert.equal(other.interrupt(library, 2), false);
  assert.equal(owner.interrupted, false);
  assert.equal(other.interrupt(library, 1), true);
  assert.equal(owner.interrupted, true);
  assert.equal(owner.end(), true);
  assert.equal(other.interrupt(library, 1), false);
  owner.begin(2);
  assert.equal(owner.interrupted, false);
  assert.equal(owner.end(), false);
  owner.begin(3);
  owner.detach();
  assert.equal(other.interrupt(library, 3), false);
});
