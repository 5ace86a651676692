import assert from "node:assert/strict";
import { isUtf8 as isUtf8Text } from "node:buffer";
import { Database, openLibrary, SqliteError } from "../../src/sqlite/mod.ts";
import { ByteWriter } from "../../src/base/bytes.ts";
import { foreignKeysPragma } from "../../src/store/connection_pragmas.ts";
import { dumpSql } from "../../src/store/copy/dump.ts";
import { describe } from "./database_description.ts";
import { library, TestStore } from "./fixture.ts";
import { randomSchema } from "./random_schema.ts";
import { seeds } from "./seeds.ts";

const opened = openLibrary(library);
const databasesEach = 8;

/** Makes the database; statements that SQLite refuses are none of its. */
function makeDatabase(path: string, statements: readonly string[]): void {
  using database = new Database(path, { library: opened });
  database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  for (const sql of statements) {
    try {
      database.exec(sql);
    } catch (error) {
      if (!(error instanceof SqliteError)) throw error;
    }
  }
}

async function dumpOf(path: string): Promise<string> {
  using database = new Database(path, { library: opened, readonly: true });
  database.exec("BEGIN");
  const out = new ByteWriter();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const flush = () => {
    parts.push(out.copy());
    out.reset();
    return Promise.resolve();
  };
  await dumpSql({ database, tables: [], out, flush });
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
    .decode(await new Blob(parts).arrayBuffer());
}

function contents(path: string, textBytes: boolean): string[] {
  using database = new Database(path, { library: opened });
  return describe(database, { textBytes });
}

function isUtf8(path: string): boolean {
  using database = new Database(path, { library: opened });
  return database.scalar("PRAGMA encoding") === "UTF-8";
}

/**
 * What a node has of it, which stores all text in UTF-8: what a full-text index makes of a blob is
 * another text there.
 */
function raftliteContents(path: string, source: string): string[] {
  if (isUtf8(source)) return contents(path, true);
  return contents(path, false).filter((line) => !line.startsWith("index of "));
}

const differencesMax = 6;
const shownMax = 400;

function assertSame(actual: readonly string[], expected: readonly string[], label: string): void {
  const without = (lines: readonly string[], others: readonly string[]) => {
    const known = new Set(others);
    return lines.filter((line) => !known.has(line)).slice(0, differencesMax)
      .map((line) => line.slice(0, shownMax));
  };
  const differences = [
    ...without(expected, actual).map((line) => `lost: ${line}`),
    ...without(actual, expected).map((line) => `new: ${line}`),
  ];
  assert.deepEqual(differences, [], label);
  assert.equal(actual.length, expected.length, label);
}

/** Another program that reads and writes dumps. */
interface Program {
  readonly name: string;
  readonly command: string;
  /** Loads the SQL text that it is given into the database. */
  load(database: string): string[];
  /** Writes a dump of the database. */
  dump(database: string): string[];
}

const pythonLoad = "import sqlite3, sys\n" +
  "sqlite3.connect(sys.argv[1]).executescript(sys.stdin.buffer.read().decode())";
const pythonDump = "import sqlite3, sys\n" +
  "for line in sqlite3.connect(sys.argv[1]).iterdump():\n" +
  "    sys.stdout.buffer.write(line.encode() + b'\\n')";

const programs: readonly Program[] = [
  {
    name: "the sqlite3 program",
    command: "sqlite3",
    load: (database) => ["-batch", "-bail", database],
    dump: (database) => ["-batch", "-readonly", database, ".dump"],
  },
  {
    name: "Python's sqlite3",
    command: "python3",
    load: (database) => ["-c", pythonLoad, database],
    dump: (database) => ["-c", pythonDump, database],
  },
];

async function programsThere(): Promise<Program[]> {
  const there: Program[] = [];
  for (const program of programs) {
    if (await isThere(program)) there.push(program);
    else console.log(`${program.name} is not there: what it does is left out`);
  }
  return there;
}

async function isThere({ command }: Program): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args: ["--version"], stdout: "null" }).output())
      .success;
  } catch {
    return false;
  }
}

interface Said {
  readonly output: Uint8Array<ArrayBuffer>;
  readonly errors: string;
}

async function run(program: Program, args: readonly string[], input = ""): Promise<Said> {
  const child = new Deno.Command(program.command, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // A program that has failed no longer reads.
  const written = writer.write(new TextEncoder().encode(input)).then(() => writer.close())
    .catch(() => {});
  const { stdout, stderr } = await child.output();
  await written;
  return { output: stdout, errors: new TextDecoder().decode(stderr) };
}

async function forEachDatabase(
  check: (
    label: string,
    directory: string,
    there: readonly Program[],
    seed: bigint,
  ) => Promise<void>,
): Promise<void> {
  const there = await programsThere();
  for (const seed of seeds(databasesEach)) {
    const directory = await Deno.makeTempDir({ prefix: "raftlite-dump-" });
    try {
      makeDatabase(`${directory}/source`, randomSchema(seed));
      await check(`seed ${seed}`, directory, there, seed);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  }
}

Deno.test("a dump of any database loads everywhere, into one that is equal to it", async () => {
  await forEachDatabase(async (label, directory, there, seed) => {
    const source = `${directory}/source`;
    const dump = await dumpOf(source);
    await using s = await TestStore.open({ foreignKeys: seed % 2n === 0n });
    const answer = await s.load(dump);
    assert.doesNotMatch(answer, /^\{"error"/, `${label}: ${answer}`);
    assertSame(
      raftliteContents(s.path, source),
      raftliteContents(source, source),
      `${label}, raftlite`,
    );
    for (const program of there) {
      const target = `${directory}/${program.command}`;
      const { errors } = await run(program, program.load(target), dump);
      assert.equal(errors, "", `${label}, ${program.name}`);
      assertSame(contents(target, true), contents(source, true), `${label}, ${program.name}`);
    }
  });
});

/**
 * What other programs' dumps lose by themselves is not raftlite's to give back: a load makes of
 * them what SQLite makes of them. Of these databases, sqlite3 3.40 and Python 3.11 with it lose
 *
 * |                                                           | .dump  | iterdump |
 * | --------------------------------------------------------- | ------ | -------- |
 * | row ids that are no INTEGER PRIMARY KEY                   | lost   | lost     |
 * | user_version, application_id, encoding                    | lost   | lost     |
 * | text behind a NUL, the sign of -0.0                       | lost   | lost     |
 * | the last bit of reals such as 44.357958                   | kept   | lost     |
 * | Infinity                                                  | kept   | no SQL   |
 * | text that is no UTF-8                                     | no SQL | fails    |
 * | a comment at the end of stored SQL, tables of 500 columns | kept   | no SQL   |
 * | virtual tables, without what a load knows of them         | kept   | no SQL   |
 *
 * and where that is no SQL for SQLite itself, it is left out here.
 */
Deno.test("what other programs dump loads as it does into SQLite itself", async () => {
  await forEachDatabase(async (label, directory, there, seed) => {
    for (const program of there) {
      const { output } = await run(program, program.dump(`${directory}/source`));
      const dump = textOf(output);
      if (dump === undefined) continue;
      const plain = `${directory}/${program.command}`;
      const foreignKeys = seed % 2n === 0n;
      // A load knows what iterdump writes about virtual tables, which SQLite itself refuses.
      if (!executed(plain, dump, foreignKeys)) continue;
      await using s = await TestStore.open({ foreignKeys });
      const answer = await s.load(dump);
      assert.doesNotMatch(answer, /^\{"error"/, `${label}, ${program.name}: ${answer}`);
      assertSame(contents(s.path, true), contents(plain, true), `${label}, ${program.name}`);
    }
  });
});

function textOf(bytes: Uint8Array<ArrayBuffer>): string | undefined {
  return isUtf8Text(bytes)
    ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes)
    : undefined;
}

/** Whether SQLite itself takes the text. */
function executed(path: string, sql: string, foreignKeys: boolean): boolean {
  using database = new Database(path, { library: opened });
  database.exec(foreignKeysPragma(foreignKeys));
  try {
    database.exec(sql);
    return database.autocommit;
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    return false;
  }
}
