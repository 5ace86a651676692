import assert from "node:assert/strict";
import { TestStore } from "./fixture.ts";

/** LIKE is none for the main thread. */
const readersWork = "SELECT 1 LIKE 2";

const moduleOf = new WeakMap<Worker, string>();

/** Keeps the Workers that `body` starts. */
async function withWorkers(
  body: (workers: Worker[]) => Promise<void>,
): Promise<void> {
  const Original = globalThis.Worker;
  const workers: Worker[] = [];
  globalThis.Worker = class extends Original {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      workers.push(this);
      moduleOf.set(this, String(url));
    }
  };
  try {
    await body(workers);
  } finally {
    globalThis.Worker = Original;
  }
}

function die(worker: Worker | undefined): void {
  worker?.dispatchEvent(new ErrorEvent("error", { message: "out of memory" }));
}

Deno.test("Store.failed rejects when the writer dies, and so does everything under way", async () => {
  await withWorkers(async (workers) => {
    await using s = await TestStore.open();
    await s.query(readersWork);
    const applied = s.execute(["CREATE TABLE t (v)"]);
    const queried = s.query(readersWork);
    die(workers[0]);
    await assert.rejects(s.store.failed, /The writer died: out of memory/);
    await assert.rejects(applied, /The writer died/);
    await assert.rejects(queried, /The writer died/);
    await assert.rejects(s.store.checkpoint(), /The writer died/);
  });
});

Deno.test("Store.failed rejects when a reader dies", async () => {
  await withWorkers(async (workers) => {
    await using s = await TestStore.open();
    const queried = s.query(readersWork);
    die(workers[1]);
    await assert.rejects(s.store.failed, /A reader died: out of memory/);
    await assert.rejects(queried, /A reader died/);
  });
});

/** Threads beside the writer and the readers: the module of each, and what starts it. */
const beside: Readonly<
  Record<string, { readonly module: string; begin(store: TestStore): Promise<unknown> }>
> = {
  copier: { module: "copy_worker", begin: ({ store }) => store.checkpoint() },
  images: {
    module: "image_worker",
    begin: ({ store }) => store.backup({ format: "binary", vacuum: false, tables: [] }),
  },
  scrub: {
    module: "scrub_worker",
    begin: async ({ store }) => {
      store.prepareCopy();
      await store.holdCopy();
    },
  },
  held_reads: { module: "held_reads_worker", begin: ({ store }) => store.hold() },
};

for (const [name, { module, begin }] of Object.entries(beside)) {
  Deno.test(`Store.failed rejects when another thread dies, whose connection nobody can close: ${name}`, async () => {
    await withWorkers(async (workers) => {
      await using s = await TestStore.open();
      await s.execute(["CREATE TABLE t (v)"]);
      await begin(s);
      const worker = workers.findLast((each) => moduleOf.get(each)?.includes(module));
      assert.ok(worker !== undefined, "It has a thread of its own");
      die(worker);
      await assert.rejects(
        s.store.failed,
        new RegExp(`^StoreFailedError: A thread died \\(${name}\\)`),
      );
      await assert.rejects(s.query(readersWork), /only a start frees/);
    });
  });
}

Deno.test("Store.failed rejects when the file is damaged under a running store", async () => {
  await using s = await TestStore.open();
  await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  await s.execute([
    "INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT randomblob(1000) FROM n",
  ]);
  await s.restart();
  {
    using file = await Deno.open(s.path, { write: true });
    await file.seek(8 * 4096, Deno.SeekMode.Start);
    await file.write(new Uint8Array(400 * 4096).fill(0xee));
  }
  await assert.rejects(
    s.execute(["UPDATE t SET v = hex(v)"]),
    /cannot be written: .* a page of the database file is not what was written there \(SQLITE_IOERR_DATA/,
  );
  await assert.rejects(s.store.failed, /not what was written there/);
});

for (const writesBefore of [false, true]) {
  const when = writesBefore ? "later" : "first of all";
  Deno.test(`a damaged page that a write meets ${when} is one for the stores that are opened behind it, too`, async () => {
    await using s = await TestStore.open();
    await s.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
    await s.execute([
      "INSERT INTO t (v) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT 'row ' || i || ' ' || hex(zeroblob(500)) FROM n",
    ]);
    await s.restart();
    const bytes = new TextDecoder("latin1").decode(await Deno.readFile(s.path));
    {
      using file = await Deno.open(s.path, { write: true });
      await file.seek(bytes.indexOf("row 150 "), Deno.SeekMode.Start);
      await file.write(new TextEncoder().encode("X"));
    }
    if (writesBefore) await s.execute(["CREATE TABLE other (v)"]);
    const update = s.entries.execute(["UPDATE t SET v = v || 'x' WHERE id = 150"]);
    for (let starts = 0; starts < 3; starts++) {
      await assert.rejects(s.apply(update), /not what was written there/, `start ${starts}`);
      await assert.rejects(
        s.store.failed,
        /others can make up for it.*, remove .*\/db\.sqlite-sums/,
      );
      await s.restart();
    }
    const query = "SELECT v LIKE 'Xow 150%' FROM t WHERE id = 150";
    assert.match(await s.query(query), /not what was written there/);
    // The way out that is named: what the disk has is taken for what it is.
    await s.store.close();
    await Deno.remove(`${s.path}-sums`);
    await s.restart();
    assert.match(await s.query(query), /\[\[1\]\]/);
  });
}

Deno.test("Store.close may be called twice, and everything after it is refused", async () => {
  const s = await TestStore.open();
  const first = s.store.close();
  await Promise.all([first, s.store.close()]);
  await assert.rejects(s.query("SELECT 1"), /closed/);
  await assert.rejects(s.execute(["SELECT 1"]), /closed/);
  const names = [...Deno.readDirSync(s.directory)].map(({ name }) => name);
  assert.deepEqual(names.sort(), ["db.sqlite", "db.sqlite-sums"]);
  await Deno.remove(s.directory, { recursive: true });
});
