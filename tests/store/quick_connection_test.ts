import assert from "node:assert/strict";
import type { Clock } from "../../src/io/types.ts";
import { AuthorizerResult } from "../../src/sqlite/mod.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import { QuickReader } from "../../src/store/read/quick_reader.ts";
import { narrowed, quickAuthorizer, QuickSwitch } from "../../src/store/quick_connection.ts";
import { QuickWriter } from "../../src/store/apply/quick_writer.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library, plain, quickParts, silent, TestStore } from "./fixture.ts";

function subject() {
  const clock = new SimulatedClock();
  const lines: string[] = [];
  const logger = {
    log: (level: string, _: string, message: string) => void lines.push(`${level} ${message}`),
  };
  const quickSwitch = new QuickSwitch(clock, logger);
  const call = async (ms: number) => {
    const startedAt = clock.now();
    await clock.advance(ms);
    quickSwitch.took(startedAt, clock.now());
  };
  return { clock, lines, quickSwitch, call, isOn: () => quickSwitch.isOn(clock.now()) };
}

Deno.test("QuickSwitch is off for a second after the first call that took long, and says so", async () => {
  const { clock, lines, quickSwitch, call, isOn } = subject();
  await call(249);
  assert.equal(isOn(), true);
  await call(250);
  assert.equal(isOn(), false);
  await clock.advance(999);
  assert.equal(isOn(), false);
  await clock.advance(1);
  assert.equal(isOn(), true);
  assert.deepEqual(quickSwitch.status, { on: true, timesOff: 1 });
  assert.deepEqual(lines.map((line) => line.slice(0, 24)), [
    "WARN The database held t",
    "INFO Short reads and wri",
  ]);
});

Deno.test("QuickSwitch is off for twice as long each time, up to a minute, until it stays on for one", async () => {
  const { clock, call, isOn } = subject();
  for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
    await call(250);
    await clock.advance(seconds * 1000 - 1);
    assert.equal(isOn(), false, `${seconds} s`);
    await clock.advance(1);
    assert.equal(isOn(), true, `${seconds} s`);
  }
  await clock.advance(60_000);
  await call(250);
  await clock.advance(1000);
  assert.equal(isOn(), true);
});

Deno.test("QuickReader and QuickWriter leave all to the Workers once a call of either took long", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (v)"]);
  await s.store.close();
  const life = new LifeCycle();
  let now = 0;
  /** How long a call takes by this clock. */
  let step = 0;
  const clock: Clock = {
    now: () => now += step,
    wallTime: () => 0,
    after: () => ({ cancel() {} }),
  };
  const parts = {
    ...quickParts(s.path, false, life),
    clock,
    quickSwitch: new QuickSwitch(clock, silent),
  };
  const reader = new QuickReader(parts);
  const writer = new QuickWriter(parts, 0);
  life.opened();
  const request = {
    statements: [{ sql: "SELECT 1" }],
    transaction: false,
    format: plain,
    timeoutMs: 0,
  };
  const reads = () => reader.read(request) !== undefined;
  const inspects = () => reader.inspect(request.statements) !== undefined;
  const { entries } = s;
  const writes = () => {
    const index = entries.index;
    const base = { index, schemaChanges: 0 };
    const applied = writer.apply([entries.execute(["INSERT INTO t VALUES (1)"])], base);
    if (applied === undefined) entries.index = index;
    return applied !== undefined;
  };
  for (const takesLong of [reads, writes, inspects]) {
    assert.deepEqual([reads(), inspects(), writes()], [true, true, true]);
    step = 250;
    takesLong();
    step = 0;
    assert.deepEqual([reads(), inspects(), writes()], [false, false, false]);
    now += 60_000;
    assert.deepEqual([reads(), inspects(), writes()], [true, true, true]);
    now += 60_000;
  }
  await life.close(() => Promise.resolve());
});

Deno.test("functions that extensions have put in the place of SQLite's are none for the main thread", () => {
  const ask = (functions: readonly string[], name: string) => {
    const extensions = { functions: functions.map((name) => ({ name })) };
    const narrow = narrowed(quickAuthorizer, { extensions } as unknown as typeof library);
    return narrow(31, null, name, null, null);
  };
  const { ok, deny } = AuthorizerResult;
  assert.deepEqual([ask([], "upper"), ask([], "count")], [ok, deny]);
  assert.deepEqual([ask(["upper"], "UPPER"), ask(["upper"], "lower")], [deny, ok]);
});
