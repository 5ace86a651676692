import assert from "node:assert/strict";
import { DiskError } from "../../src/io/types.ts";
import { type Database, SqliteError } from "../../src/sqlite/mod.ts";
import {
  isBrokenDisk,
  isDamaged,
  isFailedSync,
  isLocalFailure,
  isOfThisMachine,
  isOutOfRoom,
  isPassing,
  reasonOf,
  StoreFailedError,
  untrusted,
} from "../../src/store/failures.ts";

const failed = (code: number) => new SqliteError(code, "it failed");

/** What an error of SQLite's tells of: this machine, room, the disk or file, and whether it passes by. */
function kindsOf(code: number): string[] {
  const error = failed(code);
  const kinds = {
    local: isLocalFailure(error),
    full: isOutOfRoom(error),
    broken: isBrokenDisk(error),
    passing: isPassing(error),
    damaged: isDamaged(error),
    unsynced: isFailedSync(error),
  };
  return Object.entries(kinds).filter(([, is]) => is).map(([kind]) => kind);
}

Deno.test("what SQLite says of this machine becomes no entry's result, and what it says of the SQL does", () => {
  const expected: Readonly<Record<string, string[]>> = {
    1: [], // SQLITE_ERROR
    3: ["local", "passing"], // SQLITE_PERM
    5: ["local", "passing"], // SQLITE_BUSY
    7: ["local", "passing"], // SQLITE_NOMEM
    8: [], // SQLITE_READONLY
    1032: ["local", "passing"], // SQLITE_READONLY_DBMOVED
    9: [], // SQLITE_INTERRUPT
    10: ["local", "broken"], // SQLITE_IOERR
    1034: ["local", "broken", "unsynced"], // SQLITE_IOERR_FSYNC
    1290: ["local", "broken", "unsynced"], // SQLITE_IOERR_DIR_FSYNC
    3082: ["local", "passing"], // SQLITE_IOERR_NOMEM
    4874: ["local", "full", "passing"], // SQLITE_IOERR_SHMSIZE
    8202: ["local", "broken", "damaged"], // SQLITE_IOERR_DATA
    11: ["local", "broken", "damaged"], // SQLITE_CORRUPT
    267: [], // SQLITE_CORRUPT_VTAB: SQL can bring it about
    523: [], // SQLITE_CORRUPT_SEQUENCE
    13: ["full", "passing"], // SQLITE_FULL
    14: ["local", "passing"], // SQLITE_CANTOPEN
    15: ["local", "passing"], // SQLITE_PROTOCOL
    19: [], // SQLITE_CONSTRAINT
    26: ["local", "broken", "damaged"], // SQLITE_NOTADB
  };
  for (const [code, kinds] of Object.entries(expected)) {
    assert.deepEqual(kindsOf(Number(code)), kinds, `${code}: ${failed(Number(code)).codeName}`);
  }
});

Deno.test("a store that failed is told by what it failed with", () => {
  const full = new StoreFailedError("x", { cause: failed(13) });
  assert.ok(isOutOfRoom(full) && !isDamaged(full));
  assert.ok(isOutOfRoom(new StoreFailedError("x", { cause: new DiskError("full", "/a", "x") })));
  assert.ok(!isOutOfRoom(new DiskError("failed", "/a", "x")));
  assert.ok(isDamaged(new StoreFailedError("x", { cause: failed(26) })));
  assert.ok(isDamaged(new StoreFailedError("x", { damaged: true })));
  for (const other of [new Error("x"), "x", undefined]) {
    assert.ok(!isDamaged(other) && !isBrokenDisk(other) && !isPassing(other));
  }
});

Deno.test("a disk that could not sync is named with SQLite's reason, and what to do", () => {
  const error = untrusted("db.sqlite", failed(1034));
  assert.equal(
    error.message,
    "Database db.sqlite takes no more writes: it could not be synced: it failed " +
      "(SQLITE_IOERR_FSYNC); check the disk, then restart the node",
  );
  assert.ok(!isDamaged(error));
  assert.equal(reasonOf(new Error("by itself")), "by itself");
});

Deno.test("an extension that says it is out of memory is believed on a machine that has none", () => {
  const [noMemory, broken] = [failed(7), failed(10)];
  const isHere = (error: SqliteError, files: readonly string[], hasMemory: boolean) => {
    const library = { extensions: { files } };
    return isOfThisMachine(error, { library, hasMemory: () => hasMemory } as unknown as Database);
  };
  assert.equal(isHere(noMemory, ["vec0.so"], true), false);
  assert.equal(isHere(noMemory, ["vec0.so"], false), true);
  assert.equal(isHere(noMemory, [], true), true);
  assert.equal(isHere(broken, ["vec0.so"], true), true);
});
