import assert from "node:assert/strict";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { Rehearsals } from "../../src/store/apply/rehearsals.ts";
import { setDigest } from "../../src/store/codec/script_codec.ts";
import { digestBytes } from "../../src/store/digest.ts";
import type { OpenRehearsal, Rehearsal } from "../../src/store/types.ts";
import { eventually } from "../cluster/harness.ts";
import { plain, stepOf, TestStore, text } from "./fixture.ts";

/** By it nothing takes long: calls that do have the main thread do without them for a while. */
class UnhurriedClock extends DenoClock {
  override now(): number {
    return 0;
  }
}

/** A transaction that notices when its first step is run again: it is told a digest that is none. */
class Watched {
  readonly #open: OpenRehearsal;
  readonly #steps: Uint8Array[] = [];

  constructor(store: TestStore) {
    this.#open = store.store.rehearsal(undefined);
  }

  async run(sql: string): Promise<Rehearsal> {
    const step = stepOf(sql);
    const rehearsal = await this.#open.run([...this.#steps, step]);
    if (rehearsal.type === "same") {
      const wrong = new Uint8Array(digestBytes).fill(1);
      setDigest(step, this.#steps.length === 0 ? wrong : rehearsal.digest);
      this.#steps.push(step);
    }
    return rehearsal;
  }

  /** Asks what a statement is, which is no step. */
  async describe(sql: string): Promise<void> {
    const format = { ...plain, unified: true, typed: true, describes: true } as const;
    const step = stepOf(sql, { format });
    assert.equal((await this.#open.run([...this.#steps, step])).type, "same");
  }
}

const places = {
  "on the main thread": "INSERT INTO t (v) VALUES (1)",
  "at the writer": "CREATE TABLE IF NOT EXISTS u (v)",
};

for (const [place, first] of Object.entries(places)) {
  Deno.test(`A transaction's next step costs no more than itself, ${place}, until others write`, async () => {
    await using store = await TestStore.open({ clock: new UnhurriedClock() });
    await store.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
    const transaction = new Watched(store);
    await transaction.run(first);
    for (let n = 0; n < 20; n++) {
      assert.equal((await transaction.run("INSERT INTO t (v) VALUES (2)")).type, "same");
      await transaction.describe("SELECT v FROM t");
    }
    await store.execute(["UPDATE t SET v = 3 WHERE id = 99"]);
    assert.equal((await transaction.run("SELECT 1")).type, "conflict", "it was run again");
    assert.equal(
      await store.query("SELECT count(*) FROM t"),
      '{"columns":["count(*)"],"types":["integer"],"values":[[0]]}',
    );
  });

  Deno.test(`A step that a transaction goes on without has done nothing to it, ${place}`, async () => {
    await using store = await TestStore.open();
    await store.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
    const rehearsal = store.store.rehearsal(undefined);
    const ran = async (steps: Uint8Array[]): Promise<string> => {
      const ran = await rehearsal.run(steps);
      assert(ran.type === "same");
      setDigest(steps.at(-1) ?? new Uint8Array(), ran.digest);
      return text(ran.results);
    };
    const begun = stepOf(first);
    const count = () => stepOf("SELECT count(*) FROM t");
    await ran([begun]);
    const before = await ran([begun, count()]);
    for (let n = 0; n < 2; n++) await ran([begun, stepOf("INSERT INTO t (v) VALUES (2), (3)")]);
    assert.equal(await ran([begun, count()]), before);
    rehearsal.letGo();
  });

  Deno.test(`A transaction that is left open ${place} keeps nobody from anything`, async () => {
    await using store = await TestStore.open();
    await store.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
    const [one, two] = [store.store.rehearsal(undefined), store.store.rehearsal(undefined)];
    const rowsSeen = async (rehearsal: OpenRehearsal): Promise<unknown> => {
      const seen = await rehearsal.run([
        stepOf(first),
        stepOf(["INSERT INTO t (v) VALUES (2)", "SELECT count(*) FROM t"]),
      ]);
      assert(seen.type === "same");
      return JSON.parse(`[${text(seen.results)}]`).at(-1).values;
    };
    const others = {
      "another transaction": async () => void await rowsSeen(two),
      "a write": async () => void await store.execute(["INSERT INTO t (v) VALUES (0)"]),
      "a write for the writer": async () => void await store.execute(["ANALYZE"]),
      "a read": async () => void await store.query("SELECT count(*) FROM t"),
      "the store's status": async () => void await store.store.status(),
      "a checkpoint": async () => void await store.store.checkpoint(),
    };
    for (const [who, does] of Object.entries(others)) {
      const before = JSON.parse(await store.query("SELECT count(*) FROM t")).values[0][0];
      await rowsSeen(one);
      await does();
      const added = who === "a write" ? 1 : 0;
      assert.deepEqual(
        JSON.parse(await store.query("SELECT count(*) FROM t")).values,
        [[before + added]],
        who,
      );
      assert.equal(await store.query("PRAGMA integrity_check"), ok, who);
    }
    await rowsSeen(one);
    one.letGo();
    two.letGo();
    await store.execute(["INSERT INTO t (v) VALUES (0)"]);
    await rowsSeen(one);
    await store.restart();
    assert.match(await store.query("SELECT count(*) FROM t"), /\[\[2\]\]/);
  });
}

const ok = '{"columns":["integrity_check"],"types":["text"],"values":[["ok"]]}';

Deno.test("A transaction of small statements is run, and committed, without another thread", async () => {
  await using store = await TestStore.open();
  await store.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  const isByMainThread = async () => {
    await store.execute(["DELETE FROM t"]);
    const { batchesApplied: before } = await store.store.status();
    const open = store.store.rehearsal(undefined);
    const steps: Uint8Array[] = [];
    for (const sql of ["INSERT INTO t (v) VALUES (1)", "SAVEPOINT a", "UPDATE t SET v = 2"]) {
      const step = stepOf(sql);
      steps.push(step);
      const rehearsal = await open.run(steps);
      assert(rehearsal.type === "same");
      setDigest(step, rehearsal.digest);
    }
    const commit = () => store.entries.command({ type: "script", steps, request: undefined });
    const plainWrite = () => store.entries.execute(["INSERT INTO t (id, v) VALUES (9, 9)"]);
    assert.deepEqual(await store.apply(plainWrite(), commit()), [
      '{"last_insert_id":9,"rows_affected":1}',
      '{"error":"database is locked: what the transaction has seen was changed"}',
    ]);
    assert.deepEqual(await store.apply(store.entries.execute(["DELETE FROM t"]), commit()), [
      '{"last_insert_id":9,"rows_affected":1}',
      "",
    ]);
    assert.match(await store.query("SELECT * FROM t"), /\[\[1,2\]\]/);
    const { batchesApplied: after } = await store.store.status();
    return after.mainThread === before.mainThread + 2 && after.writer === before.writer;
  };
  // On a busy machine anything may take too long for it.
  await eventually("the main thread to do it", async () => await isByMainThread() || undefined);
});

Deno.test("A statement of a transaction that reads holds up no other one's, and its end none", async () => {
  await using store = await TestStore.open({ readers: 2 });
  await store.execute(["CREATE TABLE t (v)"]);
  const [slow, quick] = [await store.store.hold(), await store.store.hold()];
  const endless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
  const ended = slow.run(stepOf(endless), undefined).then(() => "answered", () => "cut off");
  for (let n = 0; n < 3; n++) {
    const rehearsal = await quick.run(stepOf("SELECT count(*) FROM t"), undefined);
    assert(rehearsal.type === "same" && !rehearsal.writes);
    assert.equal((await quick.run(stepOf("DELETE FROM t"), undefined)).type, "writes");
  }
  const another = await store.store.hold();
  assert.equal((await another.run(stepOf("SELECT 1"), undefined)).type, "same");
  await store.store.close();
  assert.equal(await ended, "cut off");
});

Deno.test("What ends while the writer runs it from its beginning is not left open there", async () => {
  const done: string[] = [];
  const same: Rehearsal = {
    type: "same",
    results: new Uint8Array(),
    digest: new Uint8Array(digestBytes),
    writes: true,
    deferredForeignKeys: false,
  };
  let rehearsed: number | undefined;
  const parts = {
    writer: {
      get rehearsed() {
        return rehearsed;
      },
      rehearse: (steps: { id: number; done: number }) => {
        done.push(`rehearse behind ${steps.done}`);
        rehearsed = steps.id;
        // What was before has to be run again.
        if (steps.done > 0) transaction.letGo();
        return Promise.resolve(steps.done > 0 ? undefined : same);
      },
      giveUp: () => {
        done.push("give up");
        rehearsed = undefined;
      },
    },
    quickWriter: { rehearsed: undefined, giveUp: () => {} },
    batches: { writerRests: false, applied: { index: 1, term: 1 } },
    foreignKeys: false,
  };
  const transaction = new Rehearsals(
    parts as unknown as ConstructorParameters<typeof Rehearsals>[0],
  ).begin(undefined);
  await transaction.run([stepOf("SELECT 1")]);
  await transaction.run([stepOf("SELECT 1"), stepOf("SELECT 2")]);
  assert.deepEqual(done, [
    "rehearse behind 0",
    "rehearse behind 1",
    "give up",
    "rehearse behind 0",
    "give up",
  ]);
});

/** Its second statement is called as the store's own. */
const namedAsOurs = ["INSERT INTO t VALUES (1)", "SAVEPOINT raftlite_entry"];

Deno.test("A transaction shows another nothing of itself, whatever its savepoints are called", async () => {
  await using store = await TestStore.open();
  await store.execute(["CREATE TABLE t (v)"]);
  const one = new Watched(store);
  for (const sql of namedAsOurs) assert.equal((await one.run(sql)).type, "same");
  const another = await new Watched(store).run("SELECT v FROM t");
  assert(another.type === "same");
  assert.equal(JSON.parse(text(another.results)).values, undefined);
});

Deno.test("A transaction that is taken back in a batch leaves nothing, whatever its savepoints are called", async () => {
  await using store = await TestStore.open();
  await store.execute(["CREATE TABLE t (v)"]);
  const wrong = stepOf("SELECT 1");
  setDigest(wrong, new Uint8Array(digestBytes).fill(1));
  const first = [...namedAsOurs.map((sql) => stepOf(sql)), wrong];
  const second = [stepOf("INSERT INTO t VALUES (2)")];
  await store.apply(
    ...[first, second].map((steps) =>
      store.entries.command({ type: "script", steps, request: undefined } as const)
    ),
  );
  assert.deepEqual(JSON.parse(await store.query("SELECT v FROM t")).values, [[2]]);
});
