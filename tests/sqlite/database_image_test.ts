import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Prng } from "../../src/base/prng.ts";
import {
  Backup,
  Database,
  DatabaseImage,
  EditTooLargeError,
  type FileImage,
  ImageEdit,
} from "../../src/sqlite/mod.ts";
import { anySeed } from "../store/seeds.ts";
import { library } from "./fixture.ts";

/** Each takes a second or two; `RAFTLITE_ROUNDS` has more of them. */
const rounds = Number(Deno.env.get("RAFTLITE_ROUNDS") ?? 1) * 2;

const pageSizes = [512, 1024, 4096, 65_536];

/** Fields that count changes, say how the file is used, or are another copy's: of the schema, its cookie. */
const fieldsOfItsOwn = [[18, 20], [24, 28], [40, 44], [92, 100]] as const;

function bytesOf(image: FileImage, random: Prng, meanwhile: () => void = () => {}): Uint8Array {
  const bytes = new Uint8Array(new ArrayBuffer(image.sizeBytes));
  for (let at = 0; at < bytes.length;) {
    const pages = 1 + random.below(20);
    const end = Math.min(bytes.length, at + pages * image.pageBytes);
    image.read(at, bytes.subarray(at, end));
    at = end;
    if (random.below(4) === 0) meanwhile();
  }
  return bytes;
}

/** What SQLite's own backup makes of the same transaction. */
function backedUp(source: Database, path: string): Uint8Array {
  {
    using target = new Database(path, { library });
    target.exec("PRAGMA journal_mode = OFF");
    using backup = new Backup(target, source);
    while (!backup.step(100));
  }
  const bytes = Deno.readFileSync(path);
  Deno.removeSync(path);
  return bytes;
}

function withoutOwn(bytes: Uint8Array): Uint8Array {
  const masked = bytes.slice();
  for (const [from, to] of fieldsOfItsOwn) masked.fill(0, from, to);
  return masked;
}

/** Does something to the database, as a program might. */
class Workload {
  readonly #database: Database;
  readonly #random: Prng;
  #tables = 0;

  constructor(database: Database, random: Prng) {
    this.#database = database;
    this.#random = random;
    this.#table();
  }

  #table(): void {
    this.#tables++;
    this.#database.exec(`CREATE TABLE t${this.#tables} (id INTEGER PRIMARY KEY, v)`);
    this.#database.exec(`CREATE INDEX i${this.#tables} ON t${this.#tables} (v)`);
  }

  step = (): void => {
    const random = this.#random;
    const table = `t${1 + random.below(this.#tables)}`;
    const rows = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${
      1 + random.below(200)
    })`;
    const third = random.below(3);
    const sqls: readonly string[] = [
      `INSERT INTO ${table} (v) ${rows} SELECT randomblob(${random.below(3000)}) FROM n`,
      `INSERT INTO ${table} (v) ${rows} SELECT randomblob(${random.below(300)}) FROM n`,
      `INSERT INTO ${table} (v) VALUES (1)`,
      `UPDATE ${table} SET v = randomblob(${random.below(500)}) WHERE id % 3 = ${third}`,
      `DELETE FROM ${table} WHERE id % 3 = ${third}`,
      `DELETE FROM ${table}`,
      "PRAGMA incremental_vacuum(20)",
      "PRAGMA incremental_vacuum",
      "VACUUM",
      "PRAGMA wal_checkpoint(PASSIVE)",
      "PRAGMA wal_checkpoint(TRUNCATE)",
    ];
    const at = random.below(sqls.length + 1);
    // In the way of a VACUUM or a checkpoint is what reads: then it is not done.
    if (at === sqls.length) this.#table();
    else this.#database.exec(sqls[at] ?? "");
  };
}

Deno.test("DatabaseImage is what SQLite's backup copies, whatever is written and moved meanwhile", () => {
  const seed = anySeed();
  const random = new Prng(seed);
  const directory = Deno.makeTempDirSync({ prefix: "raftlite-image-" });
  for (let round = 0; round < rounds; round++) {
    const path = `${directory}/${round}.sqlite`;
    using database = new Database(path, { library });
    database.exec(`PRAGMA page_size = ${pageSizes[random.below(pageSizes.length)]}`);
    database.exec(`PRAGMA auto_vacuum = ${random.below(3)}`);
    database.exec("PRAGMA journal_mode = WAL");
    database.setAutoCheckpoint(random.below(2) * 100);
    const workload = new Workload(database, random);
    for (let images = 0; images < 5; images++) {
      for (let steps = random.below(8); steps > 0; steps--) workload.step();
      using image = new DatabaseImage(library, path, 0);
      const expected = backedUp(image.connection, `${path}-copy`);
      const bytes = bytesOf(image, random, workload.step);
      const where = `seed ${seed}, round ${round}, image ${images}`;
      assert.ok(Buffer.compare(withoutOwn(bytes), withoutOwn(expected)) === 0, where);
      // And it is sound by itself.
      Deno.writeFileSync(`${path}-copy`, bytes);
      using copy = new Database(`${path}-copy`, { library });
      assert.equal(copy.scalar("PRAGMA integrity_check"), "ok", where);
      assert.equal(copy.scalar("PRAGMA journal_mode"), "delete", where);
      Deno.removeSync(`${path}-copy`);
    }
  }
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("ImageEdit is the image with what SQLite changed in it, in memory", () => {
  const seed = anySeed();
  const random = new Prng(seed);
  const directory = Deno.makeTempDirSync({ prefix: "raftlite-edit-" });
  for (let round = 0; round < rounds; round++) {
    const path = `${directory}/${round}.sqlite`;
    const where = `seed ${seed}, round ${round}`;
    using database = new Database(path, { library });
    database.exec(`PRAGMA page_size = ${pageSizes[random.below(pageSizes.length)]}`);
    database.exec(`PRAGMA auto_vacuum = ${random.below(3)}`);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("CREATE TABLE secret (v)");
    const workload = new Workload(database, random);
    for (let steps = random.below(10); steps > 0; steps--) workload.step();
    const fill = database.prepare("INSERT INTO secret VALUES (printf('%.*c', ?, 'S'))");
    for (let rows = random.below(300); rows > 0; rows--) fill.run(random.below(5000));
    database.exec("INSERT INTO secret VALUES ('SSSSSSSSSSSS')");
    fill.finalize();
    const rows = database.scalar("SELECT count(*) FROM t1");
    using image = new DatabaseImage(library, path, 0);
    const edit = new ImageEdit(image, 2 ** 30);
    edit.change(library, `${path}-edit`, (edited) => {
      workload.step();
      edited.exec("DROP TABLE secret");
      edited.exec("CREATE TABLE more (v)");
      edited.exec("INSERT INTO more SELECT hex(id) FROM t1");
    });
    edit.setJournal("wal");
    const bytes = Buffer.from(bytesOf(edit, random, workload.step));
    assert.ok(!bytes.includes("SSSSSSSSSSSS"), where);
    Deno.writeFileSync(`${path}-copy`, bytes);
    using copy = new Database(`${path}-copy`, { library });
    assert.equal(copy.scalar("PRAGMA integrity_check"), "ok", where);
    assert.equal(copy.scalar("PRAGMA journal_mode"), "wal", where);
    assert.equal(copy.scalar("SELECT count(*) FROM more"), rows, where);
    const secret = "SELECT count(*) FROM sqlite_schema WHERE name = 'secret'";
    assert.equal(copy.scalar(secret), 0, where);
    assert.equal(database.scalar(secret), 1, where);
  }
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("ImageEdit.change says when there is no room for a change, and passes the image's errors on", () => {
  const directory = Deno.makeTempDirSync({ prefix: "raftlite-edit-" });
  const path = `${directory}/a.sqlite`;
  {
    using database = new Database(path, { library });
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("CREATE TABLE t (v)");
    using image = new DatabaseImage(library, path, 0);
    const write = (edited: Database) => {
      edited.exec("INSERT INTO t VALUES (hex(randomblob(1000000)))");
    };
    const small = new ImageEdit(image, 100_000);
    assert.throws(() => small.change(library, `${path}-edit`, write), EditTooLargeError);
    new ImageEdit(image, 4_000_000).change(library, `${path}-edit`, write);
    const { pageBytes, sizeBytes } = image;
    const read = () => {
      throw new Error("The disk does not answer");
    };
    const broken = new ImageEdit({ pageBytes, sizeBytes, read }, 100_000);
    assert.throws(() => broken.change(library, `${path}-edit`, write), /The disk does not answer/);
  }
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("ImageEdit.change bounds pages of zeros, too, and counts none that was cut off", () => {
  const directory = Deno.makeTempDirSync({ prefix: "raftlite-edit-" });
  const path = `${directory}/a.sqlite`;
  {
    using database = new Database(path, { library });
    database.exec("PRAGMA page_size = 512");
    database.exec("PRAGMA auto_vacuum = 2");
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("CREATE TABLE t (v)");
    database.exec("INSERT INTO t VALUES (randomblob(2000000))");
    using image = new DatabaseImage(library, path, 0);
    const drop = (edited: Database) => edited.exec("DELETE FROM t");
    const small = new ImageEdit(image, 100_000);
    assert.throws(() => small.change(library, `${path}-edit`, drop), EditTooLargeError);
    const insert = "INSERT INTO t VALUES (randomblob(200000))";
    const edit = new ImageEdit(image, 600_000);
    for (let times = 0; times < 5; times++) {
      edit.change(library, `${path}-edit`, (edited) => edited.exec(insert));
      edit.change(library, `${path}-edit`, (edited) => {
        edited.exec("DELETE FROM t WHERE rowid = 2");
        edited.exec("PRAGMA incremental_vacuum");
      });
    }
    assert.equal(edit.sizeBytes, image.sizeBytes);
  }
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("DatabaseImage begins without reading the schema, whose tables may be many", () => {
  const directory = Deno.makeTempDirSync({ prefix: "raftlite-image-" });
  const path = `${directory}/a.sqlite`;
  const { scalar } = Database.prototype;
  const asked: string[] = [];
  try {
    using database = new Database(path, { library });
    database.exec("PRAGMA journal_mode = WAL");
    database.exec("CREATE TABLE t (v)");
    Database.prototype.scalar = function (sql, ...parameters) {
      asked.push(sql);
      return scalar.call(this, sql, ...parameters);
    };
    using image = new DatabaseImage(library, path, 0);
    Database.prototype.scalar = scalar;
    // What came behind its begin is not in it.
    database.exec("INSERT INTO t VALUES (1)");
    assert.equal(image.connection.scalar("SELECT count(*) FROM t"), 0);
  } finally {
    Database.prototype.scalar = scalar;
    Deno.removeSync(directory, { recursive: true });
  }
  assert.ok(asked.length > 0);
  assert.deepEqual(asked.filter((sql) => !sql.startsWith("PRAGMA ")), []);
});

Deno.test("DatabaseImage holds zeros where SQLite takes its locks, which may be in neither file", () => {
  const directory = Deno.makeTempDirSync({ prefix: "raftlite-image-" });
  const path = `${directory}/a.sqlite`;
  const pageBytes = 65_536;
  const lockPage = 0x4000_0000;
  {
    using database = new Database(path, { library });
    database.exec(`PRAGMA page_size = ${pageBytes}`);
    database.exec("CREATE TABLE t (v)");
  }
  {
    // As if all up to there were pages of its own: a hole, which takes no room.
    using file = Deno.openSync(path, { read: true, write: true });
    const head = new Uint8Array(100);
    file.readSync(head);
    new DataView(head.buffer).setUint32(28, lockPage / pageBytes);
    file.seekSync(0, Deno.SeekMode.Start);
    file.writeSync(head);
    file.truncateSync(lockPage);
  }
  {
    using database = new Database(path, { library });
    database.exec("PRAGMA journal_mode = WAL");
    database.setAutoCheckpoint(0);
    database.exec("INSERT INTO t VALUES (randomblob(100000))");
    for (const moved of [false, true]) {
      if (moved) database.checkpoint("truncate");
      using image = new DatabaseImage(library, path, 0);
      assert.ok(image.sizeBytes > lockPage + pageBytes);
      const pages = new Uint8Array(new ArrayBuffer(3 * pageBytes));
      image.read(lockPage - pageBytes, pages);
      assert.ok(pages.subarray(0, 2 * pageBytes).every((byte) => byte === 0));
      assert.ok(pages.subarray(2 * pageBytes).some((byte) => byte !== 0));
    }
  }
  Deno.removeSync(directory, { recursive: true });
});
