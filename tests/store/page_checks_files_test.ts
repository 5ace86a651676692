import { strict as assert } from "node:assert";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import { Database, DbConfig, PageSums, SqliteError } from "../../src/sqlite/mod.ts";
import { createRaftTables } from "../../src/store/apply/raft_table.ts";
import type { Copier } from "../../src/store/copy/copier.ts";
import { LifeCycle } from "../../src/store/life_cycle.ts";
import { PageChecks } from "../../src/store/page_checks.ts";
import { withDirectory } from "../directory.ts";
import { SimulatedClock } from "../simulation/clock.ts";
import { library } from "./fixture.ts";

const pageBytes = 4096;

/** The checks of a database, what they say, and how often they have asked for pages to be read. */
function subject(path: string, intervalMs = 0, read: () => void = () => {}) {
  const lines: string[] = [];
  const told: string[] = [];
  const state = { asked: 0 };
  const run = () => {
    state.asked++;
    return Promise.try(read).then(() => ({ next: undefined, sizeBytes: pageBytes }));
  };
  const clock = new SimulatedClock();
  const life = new LifeCycle();
  const checks = new PageChecks({
    ...{ library, path, disk: new DenoDisk(), copier: { run } as Pick<Copier, "run"> },
    ...{ life, clock, intervalMs },
    logger: { log: (level, _, text) => void lines.push(`${level} ${text}`) },
  });
  return { checks, clock, life, lines, told, state, tell: (why: string) => void told.push(why) };
}

function open(path: string): Database {
  const database = new Database(path, { library });
  database.exec("PRAGMA journal_mode = WAL");
  return database;
}

/** A database as a store leaves it in good order; where the page of its rows begins. */
async function made(path: string): Promise<number> {
  const { checks } = subject(path);
  await checks.begin();
  const database = open(path);
  createRaftTables(database);
  database.exec("CREATE TABLE t (v); INSERT INTO t VALUES ('right')");
  const page = Number(database.scalar("SELECT rootpage FROM sqlite_schema WHERE name = 't'"));
  database.close();
  checks.seal();
  return (page - 1) * pageBytes;
}

async function overwrite(path: string, at: number, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek(at, Deno.SeekMode.Start);
  await file.write(bytes);
}

function readAll(path: string): void {
  using database = open(path);
  database.scalar("SELECT v FROM t");
}

const withSums = { ignore: library.symbols.raftlite_sums_begin === null };
const test = (name: string, body: (path: string) => Promise<void>) =>
  Deno.test({
    ...{ name, ...withSums },
    fn: () => withDirectory((directory) => body(`${directory}/db.sqlite`)),
  });

test("a database without sums, as they cannot be kept, is used without, and an operator is told", async (path) => {
  await Deno.mkdir(`${path}-sums`);
  const { checks, clock, lines, tell, told } = subject(path, 60_000);
  await checks.begin();
  assert.match(lines.join("\n"), /^WARN No sums of the database's pages: /);
  checks.onDamage(tell);
  open(path).close();
  await clock.advance(120_000);
  assert.deepEqual([checks.wrongReads, told, clock.pending], [0, [], 0]);
  for (const how of ["end", "leave", "seal"] as const) checks[how]();
});

test("sums are gone on with at the same entry, and made anew for a file that says nothing of itself", async (path) => {
  await made(path);
  const known = subject(path);
  await known.checks.begin();
  known.checks.seal();
  assert.deepEqual(known.lines, []);
  await Deno.writeFile(path, new Uint8Array(pageBytes).fill(0xee));
  for (const how of ["seal", "leave"] as const) {
    const { checks, lines } = subject(path);
    await checks.begin();
    assert.match(lines.join("\n"), /^INFO .*-sums is made anew/, how);
    checks[how]();
  }
});

test("whoever is to be told of a page that was not written so is told once, soon, with nothing read for it", async (path) => {
  const at = await made(path);
  await overwrite(path, at + pageBytes - 5, new TextEncoder().encode("wrong"));
  const { checks, clock, life, state, tell, told } = subject(path);
  await checks.begin();
  life.opened();
  checks.onDamage(tell);
  assert.throws(() => readAll(path), SqliteError);
  await clock.advance(4_000);
  assert.deepEqual(told, [], "a node at rest does not wake for it before");
  await clock.advance(1_000);
  assert.match(told.join("\n"), /^page \d+ of .* is not what was written there/);
  assert.throws(() => readAll(path), SqliteError);
  await clock.advance(60_000);
  assert.deepEqual([told.length, checks.wrongReads, state.asked], [1, 2, 0]);
  checks.end();
  assert.equal(checks.wrongReads, 2, "of the files before, too");
});

test("behind a page that is wrong no others are read, until the next interval", async (path) => {
  const at = await made(path);
  await overwrite(path, at + pageBytes - 5, new TextEncoder().encode("wrong"));
  const { checks, clock, life, state, tell, told } = subject(path, 60_000, () => readAll(path));
  await checks.begin();
  life.opened();
  checks.onDamage(tell);
  await clock.advance(100_000);
  assert.deepEqual([state.asked, told.length], [1, 1]);
  await clock.advance(60_000);
  assert.equal(state.asked, 2);
  checks.end();
});

test("a damaged WAL of which the file has all is emptied, and an operator is told", async (path) => {
  await made(path);
  const killed = subject(path);
  await killed.checks.begin();
  const database = open(path);
  database.exec("INSERT INTO t VALUES ('more')");
  database.checkpoint("passive");
  PageSums.keep(library, path);
  database.config(DbConfig.noCheckpointOnClose, true);
  database.close();
  PageSums.abandon(library, path);
  await overwrite(`${path}-wal`, 32 + 24 + 100, new Uint8Array(50).fill(0xee));
  const { checks, lines } = subject(path);
  await checks.begin();
  assert.match(lines.join("\n"), /^WARN .*-wal was damaged, and is emptied/);
  const after = open(path);
  assert.equal(after.scalar("SELECT count(*) FROM t"), 2);
  after.close();
  checks.seal();
});
