import { strict as assert } from "node:assert";
import { Prng } from "../../src/base/prng.ts";
import {
  Backup,
  Database,
  DatabaseImage,
  DbConfig,
  PageSums,
  SqliteError,
} from "../../src/sqlite/mod.ts";
import { withDirectory } from "../directory.ts";
import { leave, library, open } from "./page_sums_fixture.ts";

const pageBytes = 4096;
const all = "SELECT count(*), sum(id), sum(length(v)), max(v) FROM t";

function begin(path: string, applied?: number): PageSums {
  const sums = PageSums.begin(library, path, applied);
  assert.ok(sums, "The library that is built has sums of pages");
  return sums;
}

const fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) " +
  "INSERT INTO t (v) SELECT hex(randomblob(50)) FROM n";

/** A database of some pages that was closed in good order at entry 7, with its sums. */
function make(path: string): void {
  const sums = begin(path);
  using database = open(path);
  database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
  for (let i = 0; i < 3; i++) {
    database.exec(fill);
    database.exec("UPDATE t SET v = hex(randomblob(50)) WHERE id % 7 = 0");
    database.checkpoint("passive");
  }
  database.checkpoint("truncate");
  database.close();
  sums.end(7);
}

async function readPage(path: string, page: number): Promise<Uint8Array<ArrayBuffer>> {
  using file = await Deno.open(path);
  await file.seek((page - 1) * pageBytes, Deno.SeekMode.Start);
  const bytes = new Uint8Array(new ArrayBuffer(pageBytes));
  assert.equal(await file.read(bytes), pageBytes);
  return bytes;
}

async function writePage(path: string, page: number, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true });
  await file.seek((page - 1) * pageBytes, Deno.SeekMode.Start);
  await file.write(bytes);
}

const isWrongPage = (error: unknown) =>
  error instanceof SqliteError && error.codeName === "SQLITE_IOERR_DATA" &&
  /is not what was written there$/.test(error.message);

function readAll(path: string): void {
  using database = new Database(path, { library, readonly: true });
  database.scalar(all);
}

const damages: Readonly<
  Record<string, (path: string, page: number, random: Prng) => Promise<void>>
> = {
  "a bit of its content flipped": async (path, page, random) => {
    const bytes = await readPage(path, page);
    // Of the content of rows, in which SQLite cannot see anything.
    const at = pageBytes - 1 - random.below(200);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
    await writePage(path, page, bytes);
  },
  "zeroed": (path, page) => writePage(path, page, new Uint8Array(pageBytes)),
  "that is another one": async (path, page) =>
    writePage(path, page, await readPage(path, page + 1)),
};

Deno.test("a page of a database file that is not what was written is not read, whoever reads it", () =>
  withDirectory(async (directory) => {
    const random = new Prng(1n);
    for (const [kind, damage] of Object.entries(damages)) {
      const path = `${directory}/${kind}`;
      make(path);
      // A leaf of the table: one of its pages behind the root.
      const page = 20 + random.below(20);
      await damage(path, page, random);
      const sums = begin(path, 7);
      assert.equal(sums.known, true, kind);
      assert.throws(() => readAll(path), isWrongPage, kind);
      assert.equal(sums.mismatches.page, page);
      using image = new DatabaseImage(library, path, 1000);
      const bytes = new Uint8Array(new ArrayBuffer(image.sizeBytes));
      assert.throws(() => image.read(0, bytes), isWrongPage, `${kind}: read as bytes`);
      image.close();
      const target = new Database(`${path}.copy`, { library });
      assert.throws(() =>
        target.exec(`ATTACH '${path}' AS other; CREATE TABLE c AS SELECT * FROM other.t`)
      );
      target.close();
      using source = new Database(path, { library, readonly: true });
      using copy = new Database(`${path}.copy by pages`, { library });
      using backup = new Backup(copy, source);
      assert.throws(() => backup.step(-1), isWrongPage, `${kind}: copied by pages`);
      backup.close();
      source.close();
      sums.end(7);
    }
  }));

Deno.test("PageSums.keep() has the sums that reads made outlast a kill before a checkpoint", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/db.sqlite`;
    make(path);
    // As a file that came from elsewhere.
    await Deno.remove(`${path}-sums`);
    const killed = begin(path);
    assert.equal(killed.known, false);
    {
      using database = open(path);
      database.config(DbConfig.noCheckpointOnClose, true);
      database.exec("UPDATE t SET v = 'a' WHERE id = 1");
      using image = new DatabaseImage(library, path, 1000);
      image.read(0, new Uint8Array(new ArrayBuffer(image.sizeBytes)));
      PageSums.keep(library, path);
    }
    PageSums.abandon(library, path);
    await damages["a bit of its content flipped"]?.(path, 30, new Prng(1n));
    const sums = begin(path, 7);
    assert.equal(sums.known, true);
    assert.throws(() => readAll(path), isWrongPage);
    assert.equal(sums.mismatches.page, 30);
    sums.end();
  }));

Deno.test("a page of which SQLite reads a part only is compared as a whole", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/db.sqlite`;
    {
      const sums = begin(path);
      using database = open(path);
      database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v, w)");
      // On pages of its own: where one value ends, within the last of them, the other begins.
      database.exec("INSERT INTO t VALUES (1, hex(zeroblob(9000)), hex(zeroblob(1000)))");
      database.checkpoint("truncate");
      database.close();
      sums.end(7);
    }
    const { size } = await Deno.stat(path);
    const last = size / pageBytes;
    assert.ok(last >= 5);
    const bytes = await readPage(path, last);
    // Of what is read, and of what is not.
    for (const at of [100, pageBytes - 100]) {
      assert.equal(bytes[at], "0".charCodeAt(0));
      await writePage(path, last, bytes.with(at, "1".charCodeAt(0)));
      const sums = begin(path, 7);
      using database = new Database(path, { library, readonly: true });
      assert.throws(() => database.scalar("SELECT v FROM t"), isWrongPage, `byte ${at}`);
      assert.equal(sums.mismatches.page, last);
      database.close();
      await writePage(path, last, bytes);
      using again = new Database(path, { library, readonly: true });
      assert.equal(again.scalar("SELECT v FROM t"), "0".repeat(18_000));
      again.close();
      sums.end(7);
    }
  }));

Deno.test("a page of a database file that is an old one, or is damaged while it runs, is not read", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/db.sqlite`;
    make(path);
    const old = await readPage(path, 20);
    const sums = begin(path, 7);
    using database = open(path);
    database.exec("UPDATE t SET v = hex(randomblob(50))");
    database.checkpoint("truncate");
    assert.notDeepEqual(await readPage(path, 20), old);
    readAll(path);
    await writePage(path, 20, old);
    assert.throws(() => readAll(path), isWrongPage);
    assert.deepEqual(sums.mismatches, { reads: 1, page: 20 });
    // What is written anew is right again.
    database.exec("UPDATE t SET v = 'same'");
    database.checkpoint("truncate");
    readAll(path);
    database.close();
    sums.end(8);
  }));

Deno.test("a page of the WAL that is not what was written is not read, moved into the file or copied", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/db.sqlite`;
    make(path);
    const sums = begin(path, 7);
    using database = open(path);
    database.exec("UPDATE t SET v = hex(randomblob(50))");
    readAll(path);
    // A frame that has a leaf of the table: behind its header, the page.
    const random = new Prng(4n);
    const frame = 10 + random.below(20);
    const pageAt = 32 + frame * (24 + pageBytes) + 24;
    const whole = await Deno.readFile(`${path}-wal`);
    const page = new DataView(whole.buffer).getUint32(pageAt - 24);
    const damaged = whole.slice();
    const at = pageAt + pageBytes - 1 - random.below(200);
    damaged[at] = (damaged[at] ?? 0) ^ (1 << random.below(8));
    await Deno.writeFile(`${path}-wal`, damaged);
    assert.throws(() => readAll(path), isWrongPage);
    assert.deepEqual(sums.mismatches, { reads: 1, page });
    {
      using image = new DatabaseImage(library, path, 1000);
      const bytes = new Uint8Array(new ArrayBuffer(image.sizeBytes));
      assert.throws(() => image.read(0, bytes), isWrongPage);
    }
    assert.throws(() => database.checkpoint("passive"), isWrongPage);
    leave(database);
    sums.end(8);
    // A start would take the WAL for ended there, though a part of what is behind is in the file.
    const next = begin(path, 8);
    assert.throws(() => readAll(path), isWrongPage);
    assert.equal(next.mismatches.page, page);
    next.end();
  }));

Deno.test("pages of a WAL that is begun anew, cut off and written over have the sums of what is there", () =>
  withDirectory((directory) => {
    const path = `${directory}/db.sqlite`;
    make(path);
    const sums = begin(path, 7);
    using database = open(path);
    for (let i = 0; i < 6; i++) {
      for (let j = 0; j <= i; j++) {
        database.exec("UPDATE t SET v = hex(randomblob(50)) WHERE id % 9 = 0");
      }
      readAll(path);
      database.checkpoint(i % 2 === 1 ? "passive" : "truncate");
      readAll(path);
      if (i === 3) database.exec("VACUUM");
    }
    assert.equal(sums.mismatches.reads, 0);
    database.close();
    sums.end(8);
    return Promise.resolve();
  }));

Deno.test("sums of pages are not believed where another has written the database, or they are damaged themselves", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/db.sqlite`;
    make(path);
    // By a program that keeps none, as an earlier release does.
    {
      using database = open(path);
      database.exec("UPDATE t SET v = 'other'");
    }
    let sums = begin(path, 8);
    assert.equal(sums.known, false);
    readAll(path);
    assert.deepEqual(sums.mismatches, { reads: 0, page: 0 });
    sums.end(8);
    // What was read is known from now on.
    await damages["zeroed"]?.(path, 20, new Prng(2n));
    sums = begin(path, 8);
    assert.equal(sums.known, true);
    assert.throws(() => readAll(path), isWrongPage);
    sums.end(8);

    const other = `${directory}/other.sqlite`;
    make(other);
    await Deno.copyFile(other, `${directory}/copy.sqlite`);
    await Deno.rename(`${directory}/copy.sqlite`, path);
    sums = begin(path, 8);
    assert.equal(sums.known, Deno.build.os === "windows", "It is another file");
    sums.end();

    // Any byte of the side file: no good page is ever called a wrong one.
    const random = new Prng(3n);
    await Deno.remove(other);
    const { size } = await Deno.stat(`${other}-sums`);
    for (let i = 0; i < 30; i++) {
      make(other);
      const bytes = await Deno.readFile(`${other}-sums`);
      const at = random.below(size);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
      await Deno.writeFile(`${other}-sums`, bytes.subarray(0, i % 4 === 0 ? at : size));
      const sums = begin(other, 7);
      readAll(other);
      assert.equal(sums.mismatches.reads, 0, `byte ${at}`);
      sums.end(7);
      for (const suffix of ["", "-sums"]) await Deno.remove(other + suffix);
    }
  }));

Deno.test("sums of pages are not believed beside a WAL that is not the one they go with", () =>
  withDirectory((directory) => {
    /** By a process with sums that is killed, or one that closed it in good order before. */
    const left: Record<string, (path: string) => void> = {
      "killed": (path) => {
        begin(path);
        const database = open(path);
        database.exec("CREATE TABLE t (id INTEGER PRIMARY KEY, v)");
        database.exec(fill);
        database.checkpoint("truncate");
        database.exec("INSERT INTO t (v) VALUES ('in the WAL')");
        leave(database);
        PageSums.abandon(library, path);
      },
      "closed": make,
    };
    /** By a program without sums, which changes pages of the file. */
    const done: Record<string, (other: Database) => void> = {
      "has emptied it": (other) => other.close(),
      "has begun one": (other) => {
        other.checkpoint("truncate");
        other.exec("UPDATE t SET v = hex(randomblob(50))");
        leave(other);
      },
    };
    for (const [end, leaveBehind] of Object.entries(left)) {
      for (const [what, act] of Object.entries(done)) {
        // Of one that leaves no trace, whoever changes the file has to take the sums away.
        if (end === "closed" && what === "has emptied it") continue;
        const path = `${directory}/${end} ${what}`;
        leaveBehind(path);
        const other = open(path);
        other.exec("UPDATE t SET v = hex(randomblob(50))");
        act(other);
        // As far as such a program writes down no entry, it is where it was.
        const sums = begin(path, 7);
        readAll(path);
        assert.deepEqual(sums.mismatches, { reads: 0, page: 0 }, path);
        assert.equal(sums.known, false, path);
        sums.end(7);
      }
    }
    return Promise.resolve();
  }));
