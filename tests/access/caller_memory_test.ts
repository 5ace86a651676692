import assert from "node:assert/strict";
import { CallerMemory } from "../../src/access/caller_memory.ts";
import { CallerTeller } from "../../src/access/caller_teller.ts";
import type { KnownCaller } from "../../src/access/known_caller.ts";
import type { Identity } from "../../src/access/types.ts";
import { UsersEpoch } from "../../src/access/users_epoch.ts";

function caller(username: string, epoch = 0, endsAtMs?: number): KnownCaller {
  return { query: { username }, execute: undefined, epoch, endsAtMs };
}

/** What one thread tells and another remembers. */
function memory() {
  const epoch = new UsersEpoch();
  const clock = { nowMs: 1_000, wallTime: () => clock.nowMs };
  return { epoch, clock, memory: new CallerMemory(new UsersEpoch(epoch.memory), clock) };
}

Deno.test("CallerMemory has those that were told of, by all of what they send", () => {
  const { memory: callers } = memory();
  const [ann, anybody] = [caller("ann"), caller("anybody")];
  callers.remember("Basic ann", ann);
  callers.remember(null, anybody);
  assert.equal(callers.get("Basic ann"), ann);
  assert.equal(callers.get(null), anybody);
  for (const other of ["Basic an", "Basic ann ", "basic ann"]) {
    assert.equal(callers.get(other), undefined, other);
  }
});

Deno.test("CallerMemory forgets all when users have changed, and takes nothing of those before", () => {
  const { epoch, memory: callers } = memory();
  callers.remember("a", caller("a"));
  epoch.next();
  assert.equal(callers.get("a"), undefined);
  // It was told before, and comes now.
  callers.remember("a", caller("a", 0));
  assert.equal(callers.get("a"), undefined);
  const again = caller("a", 1);
  callers.remember("a", again);
  assert.equal(callers.get("a"), again);
});

Deno.test("CallerMemory has a token until its end", () => {
  const { clock, memory: callers } = memory();
  callers.remember("a", caller("a", 0, 2_000));
  clock.nowMs = 1_999;
  assert.ok(callers.get("a") !== undefined);
  clock.nowMs = 2_000;
  assert.equal(callers.get("a"), undefined);
});

Deno.test("CallerMemory is bounded, and strangers drive out nobody who comes again", () => {
  const { memory: callers } = memory();
  callers.remember("idle", caller("idle"));
  callers.remember("busy", caller("busy"));
  for (let i = 0; i < 5_000; i++) {
    callers.remember(`stranger ${i}`, caller("x"));
    if (i % 100 === 0) assert.ok(callers.get("busy") !== undefined, String(i));
  }
  assert.equal(callers.get("idle"), undefined);
  assert.equal(callers.get("stranger 0"), undefined);
});

Deno.test("CallerTeller tells who may do what with all tables, of the users that there are now", () => {
  const tables = { read: ["a"], write: ["a"] };
  const all = { read: ["*"], write: ["*", "a"] };
  let identities: Record<string, Identity | undefined> = {
    query: { username: "ann", tables: all, token: "t" },
    execute: { username: "ann", tables },
  };
  const teller = new CallerTeller({
    known: ([permission = ""], authorization) =>
      authorization === "wrong" ? undefined : { identity: identities[permission], endsAtMs: 7 },
  });
  const told = { execute: undefined, endsAtMs: 7 };
  const query = { username: "ann", token: "t" };
  assert.deepEqual(teller.tell("right"), { ...told, query, epoch: 0 });
  assert.equal(teller.tell("wrong"), undefined);
  identities = {};
  teller.usersChanged();
  assert.deepEqual(teller.tell("right"), { ...told, query: undefined, epoch: 1 });
});
