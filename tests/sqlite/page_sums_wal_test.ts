import { strict as assert } from "node:assert";
import { checksum } from "../../src/base/checksum.ts";
import { Prng } from "../../src/base/prng.ts";
import { Database, DbConfig, PageSums, SqliteError } from "../../src/sqlite/mod.ts";
import { withDirectory } from "../directory.ts";
import { anySeed } from "../store/seeds.ts";
import { leave, library, open } from "./page_sums_fixture.ts";

const encoder = new TextEncoder();
const headerBytes = 32;
const frameBytes = 24 + 4096;

/** What a process that was killed has left: what its rows were after each transaction. */
interface Killed {
  readonly path: string;
  readonly digests: ReadonlySet<number>;
  /** Of the last transaction. */
  readonly last: number;
  /** Of the WAL, how many frames are in use, and up to which they were moved into the file. */
  readonly frames: number;
  readonly moved: number;
}

function digestOf(database: Database): number {
  const rows = "SELECT group_concat(id || v) FROM (SELECT * FROM t ORDER BY id)";
  return checksum(encoder.encode(String(database.scalar(rows))));
}

const change = "INSERT OR REPLACE INTO t SELECT abs(random()) % 400, hex(randomblob(90)) FROM n";

/**
 * Writes, moves what a reader lets be moved, or all, writes again or not, and is gone without an end.
 * As of a process that was killed, all that it has written is on the disk.
 */
function work(directory: string, { all, writesBehind }: { all: boolean; writesBehind: boolean }) {
  const path = `${directory}/db.sqlite`;
  PageSums.begin(library, path, undefined);
  const database = open(path);
  const digests = new Set<number>();
  const transact = () => {
    database.exec(`BEGIN; ${change} LIMIT 4; COMMIT`);
    digests.add(digestOf(database));
  };
  database.exec(
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v); CREATE TABLE n (i); " +
      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 400) " +
      "INSERT INTO n SELECT i FROM c; INSERT INTO t SELECT i, hex(randomblob(90)) FROM n",
  );
  database.checkpoint("truncate");
  digests.add(digestOf(database));
  for (let i = 0; i < 3; i++) transact();
  const reader = new Database(path, { library, readonly: true });
  // It keeps the WAL from being begun anew, and what is written now in the WAL.
  reader.exec("BEGIN");
  reader.scalar("SELECT count(*) FROM t");
  if (!all) { for (let i = 0; i < 3; i++) transact(); }
  const { logFrames, checkpointedFrames: moved } = database.checkpoint("passive");
  // As the reading of all pages does it: what lies under the WAL has the sum that is known of it.
  PageSums.keep(library, path);
  assert.equal(moved === logFrames, all);
  let frames = logFrames;
  if (writesBehind) {
    database.setWalHook((_schema, count) => frames = count);
    for (let i = 0; i < 2; i++) transact();
  }
  const last = digestOf(database);
  for (const each of [reader, database]) leave(each);
  PageSums.abandon(library, path);
  return { path, digests, last, frames, moved } satisfies Killed;
}

type Next =
  | { readonly type: "refused" }
  | { readonly type: "read"; readonly digest: number; readonly emptied: boolean };

/** What the next start makes of it. */
function next(path: string): Next {
  const sums = PageSums.begin(library, path, 1);
  assert.ok(sums);
  try {
    using database = open(path);
    database.config(DbConfig.noCheckpointOnClose, true);
    const digest = digestOf(database);
    assert.equal(database.scalar("PRAGMA integrity_check"), "ok");
    return { type: "read", digest, emptied: sums.emptiedWal };
  } catch (error) {
    assert.ok(error instanceof SqliteError && error.codeName === "SQLITE_IOERR_DATA", `${error}`);
    return { type: "refused" };
  } finally {
    PageSums.abandon(library, path);
  }
}

async function damageWal(path: string, at: number): Promise<void> {
  const bytes = await Deno.readFile(`${path}-wal`);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  await Deno.writeFile(`${path}-wal`, bytes);
}

/** Somewhere in the page of a frame, from 1 on. */
const inFrame = (frame: number) => headerBytes + (frame - 1) * frameBytes + 1000;

Deno.test("a WAL that is damaged while nobody has it, of which a part is in the file, is not taken for ended there", () =>
  withDirectory(async (directory) => {
    const { path, digests, moved, frames } = work(directory, { all: false, writesBehind: false });
    await damageWal(path, inFrame(frames));
    const behind = next(path);
    assert.ok(behind.type === "read" && digests.has(behind.digest), "What was moved goes with it");
    await damageWal(path, inFrame(moved - 1));
    assert.deepEqual(next(path), { type: "refused" });
    // It is not right for having been opened.
    assert.deepEqual(next(path), { type: "refused" });
  }));

Deno.test("a WAL that is damaged while nobody has it, and is in the file as a whole, is emptied", () =>
  withDirectory(async (directory) => {
    const { path, last } = work(directory, { all: true, writesBehind: false });
    await damageWal(path, inFrame(2));
    assert.deepEqual(next(path), { type: "read", digest: last, emptied: true });
    assert.equal((await Deno.stat(`${path}-wal`)).size, 0);
  }));

Deno.test("whatever becomes of a byte of the WAL of a killed process: rows that there were, or none", async () => {
  const seed = anySeed();
  const random = new Prng(seed);
  for (let i = 0; i < 40; i++) {
    await withDirectory(async (directory) => {
      const all = random.chance(0.5);
      const killed = work(directory, { all, writesBehind: random.chance(0.5) });
      const { path, digests, last } = killed;
      const what = `seed ${seed}, ${JSON.stringify({ ...killed, all })}`;
      assert.deepEqual(next(path), { type: "read", digest: last, emptied: false }, what);
      const { size } = await Deno.stat(`${path}-wal`);
      const at = random.chance(0.2) ? random.below(headerBytes) : random.below(size);
      await damageWal(path, at);
      const found = next(path);
      if (found.type === "read") assert.ok(digests.has(found.digest), `${what}, byte ${at}`);
      else assert.ok(!all, `${what}, byte ${at}: the file has all of it`);
    });
  }
});
