import assert from "node:assert/strict";
import { DenoDisk } from "../../src/io/deno_disk.ts";
import type { DiskFile } from "../../src/io/types.ts";
import { Database, DbConfig } from "../../src/sqlite/mod.ts";
import { createRaftTables } from "../../src/store/apply/raft_table.ts";
import { positionAt, rewindWal } from "../../src/store/copy/wal_rewind.ts";
import { withDirectory } from "../directory.ts";
import { library } from "./fixture.ts";

/** No power goes here: what is synced only takes time. */
const disk = new class extends DenoDisk {
  override async open(path: string, options: { create: boolean }): Promise<DiskFile> {
    const file = await super.open(path, options);
    file.sync = () => Promise.resolve();
    return file;
  }
}();

/** Of entries, and how far one has come that is applied in several transactions. */
type State = readonly [index: number, statement: number, offset: number];

/** Numbers of each length that SQLite has for them. */
const states: readonly State[] = [
  [1, 0, 0],
  [100, 0, 0],
  [100, 1, 300],
  [300, 0, 0],
  [70_000, 0, 0],
  [70_000, 2, 20_000_000],
  [20_000_000, 0, 0],
  [0x1234_5678_9a, 0, 0],
  [0x1234_5678_9abc_d, 0, 0],
];

/** A database as a power cut has left it, with transactions in its WAL; a row is written in each. */
function cutDatabase(path: string, { pageBytes = 4096, isOurs = true } = {}): void {
  const source = `${path}-source`;
  using database = new Database(source, { library });
  database.config(DbConfig.noCheckpointOnClose, true);
  database.exec(`PRAGMA page_size = ${pageBytes}`);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA wal_autocheckpoint = 0");
  database.exec("PRAGMA synchronous = OFF");
  if (isOurs) createRaftTables(database);
  database.exec("CREATE TABLE t (v)");
  for (const [index, statement, offset] of states) {
    database.exec("BEGIN");
    database.exec("INSERT INTO t VALUES (?)", `${index} ${statement} ${offset}`);
    if (isOurs) {
      database.exec(
        "UPDATE sqlite_raft SET applied_index = ?, resume_statement = ?, resume_offset = ?",
        ...[index, statement, offset],
      );
    }
    database.exec("COMMIT");
  }
  leave(path);
}

/** Has the power cut leave it as it was made, once more. */
function leave(path: string): void {
  for (const end of ["", "-wal"]) Deno.copyFileSync(`${path}-source${end}`, path + end);
}

const rewind = (path: string, [index, statement, offset]: State) =>
  rewindWal({ library, disk, path, position: { index, statement, offset } });

function lastRow(path: string): unknown {
  using database = new Database(path, { library });
  database.config(DbConfig.noCheckpointOnClose, true);
  return database.scalar("SELECT v FROM t ORDER BY rowid DESC LIMIT 1");
}

for (const pageBytes of [512, 65_536]) {
  Deno.test(`a database goes back to any state that is in its WAL: pages of ${pageBytes} bytes`, () =>
    withDirectory(async (directory) => {
      const path = `${directory}/db`;
      cutDatabase(path, { pageBytes });
      for (const state of states) {
        leave(path);
        assert.equal(await rewind(path, state), true);
        const [index, statement, offset] = state;
        assert.deepEqual(positionAt(library, path), { index, statement, offset });
        assert.equal(lastRow(path), state.join(" "));
      }
    }));
}

/** Has a WAL's sums be of numbers that begin with their highest byte, as other machines write them. */
function toBigEndian(wal: Uint8Array): void {
  const view = new DataView(wal.buffer, wal.byteOffset, wal.byteLength);
  const pageBytes = view.getUint32(8);
  let [first, second] = [0, 0];
  const add = (from: number, bytes: number) => {
    for (let at = from; at < from + bytes; at += 8) {
      first = (first + view.getUint32(at) + second) >>> 0;
      second = (second + view.getUint32(at + 4) + first) >>> 0;
    }
  };
  const put = (at: number) => {
    view.setUint32(at, first);
    view.setUint32(at + 4, second);
  };
  view.setUint32(0, 0x377f0683);
  add(0, 24);
  put(24);
  for (let at = 32; at < wal.length; at += 24 + pageBytes) {
    add(at, 8);
    add(at + 24, pageBytes);
    put(at + 16);
  }
}

Deno.test("a WAL that another kind of processor wrote is read as SQLite reads it", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/db`;
    cutDatabase(path);
    const wal = Deno.readFileSync(`${path}-wal`);
    toBigEndian(wal);
    Deno.writeFileSync(`${path}-wal`, wal);
    assert.equal(await rewind(path, [300, 0, 0]), true);
    assert.equal(lastRow(path), "300 0 0");
  }));

const inVain: Readonly<Record<string, (path: string) => void>> = {
  "it has none": (path) => Deno.removeSync(`${path}-wal`),
  "it is cut off within its header": (path) => Deno.truncateSync(`${path}-wal`, 31),
  "its header is damaged": (path) => {
    using file = Deno.openSync(`${path}-wal`, { write: true });
    // Of its sum: those of the frames go on without it.
    file.seekSync(24, Deno.SeekMode.Start);
    file.writeSync(new Uint8Array([0xee, 0xee]));
  },
};

for (const [why, spoil] of Object.entries(inVain)) {
  Deno.test(`a database stays where it is without a WAL that tells of more: ${why}`, () =>
    withDirectory(async (directory) => {
      const path = `${directory}/db`;
      cutDatabase(path);
      // The file itself has all of it, as of a WAL that says nothing there is no more.
      {
        using database = new Database(path, { library });
        database.exec("PRAGMA synchronous = OFF");
        database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
      }
      Deno.copyFileSync(`${path}-source-wal`, `${path}-wal`);
      spoil(path);
      const size = Deno.statSync(path).size;
      assert.equal(await rewind(path, [300, 0, 0]), false);
      assert.equal(Deno.statSync(path).size, size);
    }));
}

Deno.test("a state that no transaction has ended at, and a database that is no node's, go back to nothing", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/db`;
    cutDatabase(path);
    assert.equal(await rewind(path, [101, 0, 0]), false);
    assert.equal(lastRow(path), states.at(-1)?.join(" "));
    const other = `${directory}/other`;
    cutDatabase(other, { isOurs: false });
    assert.equal(positionAt(library, other), undefined);
    assert.equal(await rewind(other, [100, 0, 0]), false);
    assert.equal(lastRow(other), states.at(-1)?.join(" "));
  }));
