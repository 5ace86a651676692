import assert from "node:assert/strict";
import v8 from "node:v8";
import vm from "node:vm";
import type { ChangeLog } from "../../src/changes/types.ts";
import { LiveQuery } from "../../src/http/watch/live_query.ts";
import { LiveQueries } from "../../src/http/watch/live_queries.ts";
import { HeldStates, type LiveState } from "../../src/http/watch/live_state.ts";
import { RunSlots } from "../../src/http/watch/run_slots.ts";
import { TableWatch } from "../../src/http/watch/table_watch.ts";
import { watchStream } from "../../src/http/watch/watch_stream.ts";
import type { LiveRead, LiveReadRequest } from "../../src/store/types.ts";
import { plain } from "../store/fixture.ts";

const request: LiveReadRequest = {
  statement: { sql: "SELECT a FROM t" },
  format: plain,
  timeoutMs: 1_000,
};

function readAt(index: number): LiveRead {
  const tables = new Set(["t"]);
  return { index, tookMs: 0, tables, columns: ["a"], types: ["integer"], rows: [`[${index}]`] };
}

/** Reads that are answered when the test says so. */
class Reads {
  readonly distrusted = 0;
  readonly asked: PromiseWithResolvers<LiveRead>[] = [];
  #more = Promise.withResolvers<void>();

  readonly liveRead = (): Promise<LiveRead> => {
    const read = Promise.withResolvers<LiveRead>();
    this.asked.push(read);
    this.#more.resolve();
    this.#more = Promise.withResolvers();
    return read.promise;
  };

  async answer(read: LiveRead): Promise<void> {
    if (this.asked.length === 0) await this.#more.promise;
    this.asked.shift()?.resolve(read);
  }
}

Deno.test("the index up to which rows hold never goes back, however long they are to be read again", async () => {
  const reads = new Reads();
  const tables = { upTo: 0, add: () => {}, delete: () => {}, reach: () => Promise.resolve() };
  const query = new LiveQuery(request, {
    store: reads,
    states: new HeldStates(),
    slots: new RunSlots(),
    owner: "a",
    tables: tables as unknown as TableWatch,
  });
  const look = (upTo: number, changed: [string, number][] = []) => {
    tables.upTo = upTo;
    query.note({ upTo, tables: new Map(changed), everything: 0 });
  };
  const first = query.reach(1, 1_000);
  await reads.answer(readAt(1));
  await first;
  assert.equal(query.validIndex, 1);
  look(5, [["other", 4]]);
  assert.equal(query.validIndex, 5);
  look(7, [["t", 6]]);
  assert.equal(query.validIndex, 5);
  const second = query.reach(7, 1_000);
  await reads.answer(readAt(7));
  assert.deepEqual((await second).rows, ["[7]"]);
  assert.equal(query.validIndex, 7);
  query.end(new Error("the store has ended"));
  tables.upTo = 9;
  assert.equal(query.validIndex, 7, "Nothing was looked at since for one that has ended");
});

Deno.test("rows for which there was no room do not make those before hold for longer", async () => {
  const reads = new Reads();
  const tables = { upTo: 0, add: () => {}, delete: () => {}, reach: () => Promise.resolve() };
  const query = new LiveQuery(request, {
    store: reads,
    states: new HeldStates(100),
    slots: new RunSlots(),
    owner: "a",
    tables: tables as unknown as TableWatch,
  });
  const first = query.reach(1, 1_000);
  await reads.answer(readAt(1));
  await first;
  tables.upTo = 2;
  query.note({ upTo: 2, tables: new Map([["t", 2]]), everything: 0 });
  const second = query.reach(2, 1_000);
  await reads.answer({ ...readAt(2), rows: ["[1]", "[2]", "[3]"] });
  await assert.rejects(second, /hold as many rows as they may/);
  assert.equal(query.validIndex, 1);
});

Deno.test("who waits for what cannot be looked at any more is told so", async () => {
  let index = 1;
  const store = {
    get applied() {
      return { index, term: 1 };
    },
    distrusted: 0,
    liveRead: () => Promise.resolve(readAt(index)),
    waitApplied: () => {
      index = 2;
      return Promise.resolve();
    },
  };
  const read = () => {
    throw new Error("the change log cannot be read");
  };
  const live = new LiveQueries(store, { read } as unknown as ChangeLog);
  const { query, letGo } = live.take(request, "a");
  await assert.rejects(query.reach(2, 1_000), /^Error: the change log cannot be read$/);
  letGo();
});

Deno.test("states that are told and over are held by nobody", async () => {
  let [index, log] = [1, Promise.withResolvers<void>()];
  const live = new LiveQueries({
    get applied() {
      return { index, term: 1 };
    },
    distrusted: 0,
    liveRead: () => Promise.resolve(readAt(index)),
    waitApplied: async (wanted: number, signal?: AbortSignal) => {
      signal?.addEventListener("abort", () => log.resolve());
      while (index < wanted && !signal?.aborted) await log.promise;
    },
  }, undefined);
  const { query, letGo } = live.take(request, "a");
  const pieces = watchStream({
    ...{ query, live, first: await query.reach(1, 1_000), form: "lines" },
    mayGoOn: () => true,
    gone: new AbortController(),
    sentAway: () => undefined,
  });
  await pieces.next();
  const states: WeakRef<LiveState>[] = [];
  for (let n = 0; n < 5; n++) {
    if (query.state !== undefined) states.push(new WeakRef(query.state));
    const told = pieces.next();
    index++;
    log.resolve();
    log = Promise.withResolvers();
    assert.equal((await told).value, `{"index":${index},"changes":[[0,1,[[${index}]]]]}\n`);
  }
  v8.setFlagsFromString("--expose-gc");
  const collect = vm.runInNewContext("gc");
  await new Promise((resolve) => setTimeout(resolve, 0));
  collect();
  const held = states.filter((state) => state.deref() !== undefined).length;
  assert.ok(held <= 2, `${held} of ${states.length} are held`);
  await pieces.return(undefined);
  letGo();
});

Deno.test("what is asked for counts among what a node holds, and is bounded by itself", () => {
  const store = {
    applied: { index: 1, term: 1 },
    distrusted: 0,
    liveRead: () => Promise.resolve(readAt(1)),
    waitApplied: (_index: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve())),
  };
  const live = new LiveQueries(store, undefined);
  const asking = (bytes: number): LiveReadRequest => ({
    ...request,
    statement: { sql: "SELECT ?", positional: ["x".repeat(bytes)] },
  });
  assert.throws(() => live.take(asking(200_000), "a"), /^RequestError: A watched query may have/);
  const held: ReturnType<typeof live.take>[] = [];
  assert.throws(() => {
    for (;;) held.push(live.take(asking(100_000), "a"));
  }, /^StoreBusyError: This node's live queries hold as many bytes as they may/);
  assert.ok(held.length > 100 && held.length < 1_000);
  assert.ok(live.figures.bytes >= 100_000 * held.length);
  for (const { letGo } of held) {
    letGo();
    letGo();
  }
  assert.equal(live.figures.bytes, 0);
});
