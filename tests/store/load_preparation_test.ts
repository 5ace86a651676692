import assert from "node:assert/strict";
import type { CopyReply } from "../../src/store/copy/copy_thread.ts";
import type { Threads } from "../../src/store/threads.ts";
import { WorkerThreads } from "../../src/store/worker_threads.ts";
import { library, sqliteFile, TestStore, until } from "./fixture.ts";

/** Threads of which those that check files of loads can be given up; what they answered is noted. */
class WatchedThreads implements Threads {
  readonly #threads = new WorkerThreads();
  readonly verdicts: unknown[] = [];
  givesUp = false;

  readonly start: Threads["start"] = (name, handlers) => {
    let isCheck = false;
    const thread = this.#threads.start(name, {
      ...handlers,
      receive: (reply) => {
        if (isCheck) this.verdicts.push(reply);
        handlers.receive(reply);
      },
    });
    return {
      terminate: () => thread.terminate(),
      post: (request, transfer) => {
        isCheck = "type" in request && request.type === "prepare_load";
        const failed: CopyReply = { type: "failed", message: "given up", cause: "other" };
        if (isCheck && this.givesUp) {
          handlers.receive(failed as Parameters<typeof handlers.receive>[0]);
        } else thread.post(request, transfer);
      },
    };
  };
}

type Way = "at once" | "checked ahead" | "given up" | "started anew";

/** What the last entry of a load is answered, and what is there then. */
async function load(sql: string, way: Way) {
  const threads = new WatchedThreads();
  threads.givesUp = way === "given up";
  await using s = await TestStore.open({ threads });
  await s.execute(["CREATE TABLE kept (v)"]);
  const [piece, end] = s.entries.load(await sqliteFile(sql));
  assert(piece && end);
  const answers: string[] = [];
  if (way === "at once") answers.push(...await s.apply(piece, end));
  else {
    await s.apply(piece);
    await s.store.loadPrepared();
    assert.equal(threads.verdicts.length, way === "given up" ? 0 : 1, way);
    if (way === "started anew") await s.restart();
    answers.push(...await s.apply(end));
  }
  await s.store.checkpoint();
  const isLoads = ({ name }: Deno.DirEntry) => name.includes("tmp-load");
  await until(() => ![...Deno.readDirSync(s.directory)].some(isLoads));
  const rows = await s.query("SELECT name, rootpage FROM sqlite_schema ORDER BY name");
  return { answer: answers.at(-1), rows, isWhole: await s.query("PRAGMA integrity_check") };
}

const files = {
  fit: "CREATE TABLE loaded (v); INSERT INTO loaded VALUES ('x')",
  unfit: "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (9223372036854775807)",
};

for (const [name, sql] of Object.entries(files)) {
  Deno.test(`a load of a file that is ${name} ends the same, whatever was done ahead of its last entry`, async () => {
    const expected = await load(sql, "at once");
    assert.match(expected.answer ?? "", name === "fit" ? /^$/ : /table t has a row/);
    assert.match(expected.rows, name === "fit" ? /loaded/ : /kept/);
    for (const way of ["checked ahead", "given up", "started anew"] as const) {
      assert.deepEqual(await load(sql, way), expected, way);
    }
  });
}

Deno.test("the file that was checked ahead becomes the database", async () => {
  await using s = await TestStore.open();
  const [piece, end] = s.entries.load(await sqliteFile(files.fit));
  assert(piece && end);
  await s.apply(piece);
  await s.store.loadPrepared();
  const { ino } = await Deno.stat(`${s.path}.tmp-load-1`);
  assert.deepEqual(await s.apply(end), [""]);
  assert.equal((await Deno.stat(s.path)).ino, ino);
});

Deno.test({
  name:
    "a file that the disk has changed since its check becomes no database, and is put together anew",
  ignore: library.symbols.raftlite_sums_begin === null,
  fn: async () => {
    await using s = await TestStore.open();
    const [piece, end] = s.entries.load(await sqliteFile(files.fit));
    assert(piece && end);
    await s.apply(piece);
    await s.store.loadPrepared();
    {
      using file = await Deno.open(`${s.path}.tmp-load-1`, { write: true });
      // Where the header has what PRAGMA user_version tells.
      await file.seek(60, Deno.SeekMode.Start);
      await file.write(new Uint8Array([0, 0, 0, 17]));
    }
    await assert.rejects(s.apply(end), /is not what was written there/);
    await s.restart();
    assert.deepEqual(await s.apply(end), [""]);
    assert.match(await s.query("PRAGMA user_version"), /\[\[0\]\]/);
  },
});

Deno.test("the WAL is empty once a load is prepared: its last entry would have to free it", async () => {
  // A reader of pages would keep the WAL as it is.
  await using s = await TestStore.open({ pageCheckMs: 0 });
  const [piece, end] = s.entries.load(await sqliteFile(files.fit));
  assert(piece && end);
  await s.apply(piece);
  const walBytes = async () => (await Deno.stat(`${s.path}-wal`)).size;
  assert(await walBytes() > 0);
  await s.store.loadPrepared();
  assert.equal(await walBytes(), 0);
  assert.deepEqual(await s.apply(end), [""]);
});
