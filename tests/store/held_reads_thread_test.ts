import assert from "node:assert/strict";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { type Library, locationOf } from "../../src/sqlite/mod.ts";
import {
  type HeldReadsReply,
  type HeldReadsRequest,
  heldReadsThread,
} from "../../src/store/apply/held_reads_thread.ts";
import { scriptOf } from "../../src/store/codec/script_codec.ts";
import type { Rehearsal } from "../../src/store/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library, stepOf, TestStore } from "./fixture.ts";

/** SQLITE_IOERR. */
const broken = 10;

/** The thread's program in the test's own, over an SQLite that fails when told to. */
function subject(path: string) {
  const replies: HeldReadsReply[] = [];
  const state = { stepsUntilFailure: Infinity };
  const { sqlite3_step } = library.symbols;
  const step: typeof sqlite3_step = (statement) =>
    state.stepsUntilFailure-- === 0 ? broken : sqlite3_step(statement);
  const failing: Library = { ...library, symbols: { ...library.symbols, sqlite3_step: step } };
  const receive = heldReadsThread({
    clock: new SimulatedClock(),
    disk: new DenoDisk(),
    openLibrary: () => failing,
    post: (reply) => void replies.push(reply),
    wait: () => {},
  });
  const ending = new SharedArrayBuffer(4);
  receive({ type: "start", library: locationOf(library), path, foreignKeys: false, ending });
  const ask = (request: HeldReadsRequest): unknown => {
    receive({ type: "request", id: 1, request });
    const reply = replies.shift() ?? assert.fail("It says nothing");
    if (reply.type === "failed") throw new Error(reply.message);
    return reply.value;
  };
  const run = (held: number, sql: string) => {
    const script = scriptOf([stepOf(sql, { readOnly: true })]);
    const rehearsal = ask({ type: "run", held, script, rights: undefined }) as Rehearsal;
    assert.ok(rehearsal.type === "same");
    return new TextDecoder().decode(rehearsal.results);
  };
  return { state, ask, run };
}

async function withTable(
  body: (made: ReturnType<typeof subject>, store: TestStore) => Promise<void> | void,
): Promise<void> {
  await using store = await TestStore.open();
  await store.execute(["CREATE TABLE t (v)", "INSERT INTO t VALUES ('first')"]);
  const made = subject(store.path);
  await body(made, store);
  made.ask({ type: "release" });
}

Deno.test("what is held is read as it was, each by itself, until it is let go of", () =>
  withTable(async ({ ask, run }, store) => {
    ask({ type: "hold", held: 1 });
    await store.execute(["UPDATE t SET v = 'second'"]);
    ask({ type: "hold", held: 2 });
    assert.match(run(1, "SELECT v FROM t"), /first/);
    assert.match(run(2, "SELECT v FROM t"), /second/);
    ask({ type: "let_go", held: 1 });
    ask({ type: "let_go", held: 1 });
    assert.throws(() => run(1, "SELECT v FROM t"), /What was read is no longer held/);
    assert.match(run(2, "SELECT v FROM t"), /second/);
  }));

Deno.test("a few connections that hold nothing are kept, and gone on with", () =>
  withTable(({ ask }) => {
    const before = library.connections.size;
    for (let held = 1; held <= 12; held++) ask({ type: "hold", held });
    assert.equal(library.connections.size, before + 12);
    for (let held = 1; held <= 12; held++) ask({ type: "let_go", held });
    assert.equal(library.connections.size, before + 8);
    for (let held = 1; held <= 8; held++) ask({ type: "hold", held });
    assert.equal(library.connections.size, before + 8);
    ask({ type: "release" });
    assert.equal(library.connections.size, before);
  }));

for (const steps of [0, 1]) {
  Deno.test(`a connection that cannot hold what is committed is closed, and holds nothing: its step ${steps + 1} fails`, () =>
    withTable(({ state, ask, run }) => {
      const before = library.connections.size;
      ask({ type: "hold", held: 1 });
      ask({ type: "let_go", held: 1 });
      assert.equal(library.connections.size, before + 1);
      state.stepsUntilFailure = steps;
      assert.throws(() => ask({ type: "hold", held: 2 }));
      assert.equal(library.connections.size, before);
      ask({ type: "hold", held: 3 });
      assert.match(run(3, "SELECT v FROM t"), /first/);
    }));
}
