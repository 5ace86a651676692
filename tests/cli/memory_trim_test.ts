import assert from "node:assert/strict";
import { MemoryTrim, ownMemory } from "../../src/cli/memory_trim.ts";
import { SimulatedClock } from "../simulation/clock.ts";

const silent = { log: () => {} };
const mebibyte = 1024 * 1024;

function processOf(start: number) {
  const state = { bytes: start, usedMs: 0, trims: 0, drops: 0 };
  const memory = {
    ownBytes: () => state.bytes,
    usedMs: () => state.usedMs,
    dropProgram: () => {
      state.drops++;
      return Promise.resolve();
    },
    trim: () => {
      state.trims++;
      state.bytes -= 20 * mebibyte;
      return Promise.resolve();
    },
  };
  return { state, memory };
}

Deno.test("MemoryTrim gives memory back behind the start and when some has come since, once the node is at rest", async () => {
  const clock = new SimulatedClock();
  const { state, memory } = processOf(100 * mebibyte);
  using _ = new MemoryTrim(memory, { clock, logger: silent });
  const work = async () => {
    for (let i = 0; i < 10; i++) {
      state.usedMs += 5_000;
      await clock.advance(10_000);
    }
  };
  await work();
  assert.equal(state.trims, 0, "it works");
  assert.equal(state.drops, 1, "what the start alone has wanted of the program's file goes once");
  await clock.advance(60_000);
  assert.equal(state.trims, 1, "behind the start");
  await clock.advance(100_000);
  assert.equal(state.trims, 2, "behind the end of threads");
  await clock.advance(200_000);
  assert.equal(state.trims, 2, "nothing has come since");
  state.bytes += 50 * mebibyte;
  await work();
  assert.equal(state.trims, 2, "it works");
  await clock.advance(60_000);
  assert.equal(state.trims, 3);
  await clock.advance(100_000);
  assert.equal(state.trims, 4);
  state.bytes += 16 * mebibyte;
  await clock.advance(30_000);
  assert.equal(state.trims, 5);
  assert.equal(state.drops, 1);
});

Deno.test("MemoryTrim outlives a cache that cannot be given back, says so, and tries again", async () => {
  const clock = new SimulatedClock();
  const { state, memory } = processOf(100 * mebibyte);
  const lines: string[] = [];
  const broken = {
    ...memory,
    trim: () => {
      state.trims++;
      return Promise.reject(new Error("disk I/O error"));
    },
  };
  using _ = new MemoryTrim(broken, {
    clock,
    logger: { log: (level, _room, message) => lines.push(`${level} ${message}`) },
  });
  state.bytes += 50 * mebibyte;
  await clock.advance(30_000);
  assert.deepEqual(lines, ["WARN Memory at rest is not given back: disk I/O error"]);
  assert.equal(state.trims, 1);
  state.bytes += 50 * mebibyte;
  await clock.advance(30_000);
  assert.equal(state.trims, 2);
});

Deno.test("MemoryTrim outlives a look that finds out nothing", async () => {
  const clock = new SimulatedClock();
  const { state, memory } = processOf(100 * mebibyte);
  const lines: string[] = [];
  let isBlind = true;
  const ownBytes = () => {
    if (isBlind) throw new Error("Too many open files");
    return state.bytes;
  };
  using _ = new MemoryTrim({ ...memory, ownBytes }, {
    clock,
    logger: { log: (level, _room, message) => lines.push(`${level} ${message}`) },
  });
  await clock.advance(30_000);
  assert.deepEqual(lines, ["WARN Memory at rest is not given back: Too many open files"]);
  isBlind = false;
  await clock.advance(30_000);
  assert.equal(state.trims, 1);
});

Deno.test("MemoryTrim looks no more once it is disposed of", async () => {
  const clock = new SimulatedClock();
  const { state, memory } = processOf(100 * mebibyte);
  const trim = new MemoryTrim(memory, { clock, logger: silent });
  trim[Symbol.dispose]();
  state.bytes += 50 * mebibyte;
  await clock.advance(60_000);
  assert.equal(state.trims, 0);
});

Deno.test("ownMemory trims this process, where that can be", async () => {
  let shrunk = 0;
  const memory = ownMemory({ shrink: () => shrunk++ });
  if (memory === undefined) return;
  assert.ok(memory.ownBytes() > 0 && memory.usedMs() > 0);
  await memory.dropProgram();
  assert.equal(shrunk, 0);
  await memory.trim();
  assert.equal(shrunk, 1);
});
