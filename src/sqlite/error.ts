/** An error that SQLite returned. https://www.sqlite.org/rescode.html */
export class SqliteError extends Error {
  override name = "SqliteError";
  /** Primary result code: 19 for every constraint. */
  readonly code: number;
  /** Extended result code: 2067 for a UNIQUE constraint. */
  readonly extendedCode: number;
  /** Name of the extended code: "SQLITE_CONSTRAINT_UNIQUE". */
  readonly codeName: string;

  /** `message` is sqlite3_errmsg's, unchanged. */
  constructor(extendedCode: number, message: string) {
    super(message);
    this.code = extendedCode & 0xff;
    this.extendedCode = extendedCode;
    this.codeName = resultCodeName(extendedCode);
  }
}

/** Primary result codes that the binding itself decides by. */
export const ResultCode = {
  ok: 0,
  error: 1,
  busy: 5,
  locked: 6,
  interrupt: 9,
  corrupt: 11,
  full: 13,
  misuse: 21,
  auth: 23,
  notADatabase: 26,
  /** SQLITE_IOERR_DATA: what is read of a database file is not what was written (`page_sums.ts`). */
  wrongPage: 8202,
  row: 100,
  done: 101,
} as const;

/** By primary code; the names behind it are those of the extended codes 1 << 8, 2 << 8 and on. */
const names: Readonly<Record<number, readonly [name: string, ...extended: string[]]>> = {
  0: ["SQLITE_OK", "LOAD_PERMANENTLY", "SYMLINK"],
  1: [
    "SQLITE_ERROR",
    "MISSING_COLLSEQ",
    "RETRY",
    "SNAPSHOT",
    "RESERVESIZE",
    "KEY",
    "UNABLE",
  ],
  2: ["SQLITE_INTERNAL"],
  3: ["SQLITE_PERM"],
  4: ["SQLITE_ABORT", "", "ROLLBACK"],
  5: ["SQLITE_BUSY", "RECOVERY", "SNAPSHOT", "TIMEOUT"],
  6: ["SQLITE_LOCKED", "SHAREDCACHE", "VTAB"],
  7: ["SQLITE_NOMEM"],
  8: [
    "SQLITE_READONLY",
    "RECOVERY",
    "CANTLOCK",
    "ROLLBACK",
    "DBMOVED",
    "CANTINIT",
    "DIRECTORY",
  ],
  9: ["SQLITE_INTERRUPT"],
  10: [
    "SQLITE_IOERR",
    "READ",
    "SHORT_READ",
    "WRITE",
    "FSYNC",
    "DIR_FSYNC",
    "TRUNCATE",
    "FSTAT",
    "UNLOCK",
    "RDLOCK",
    "DELETE",
    "BLOCKED",
    "NOMEM",
    "ACCESS",
    "CHECKRESERVEDLOCK",
    "LOCK",
    "CLOSE",
    "DIR_CLOSE",
    "SHMOPEN",
    "SHMSIZE",
    "SHMLOCK",
    "SHMMAP",
    "SEEK",
    "DELETE_NOENT",
    "MMAP",
    "GETTEMPPATH",
    "CONVPATH",
    "VNODE",
    "AUTH",
    "BEGIN_ATOMIC",
    "COMMIT_ATOMIC",
    "ROLLBACK_ATOMIC",
    "DATA",
    "CORRUPTFS",
    "IN_PAGE",
  ],
  11: ["SQLITE_CORRUPT", "VTAB", "SEQUENCE", "INDEX"],
  12: ["SQLITE_NOTFOUND"],
  13: ["SQLITE_FULL"],
  14: ["SQLITE_CANTOPEN", "NOTEMPDIR", "ISDIR", "FULLPATH", "CONVPATH", "DIRTYWAL", "SYMLINK"],
  15: ["SQLITE_PROTOCOL"],
  16: ["SQLITE_EMPTY"],
  17: ["SQLITE_SCHEMA"],
  18: ["SQLITE_TOOBIG"],
  19: [
    "SQLITE_CONSTRAINT",
    "CHECK",
    "COMMITHOOK",
    "FOREIGNKEY",
    "FUNCTION",
    "NOTNULL",
    "PRIMARYKEY",
    "TRIGGER",
    "UNIQUE",
    "VTAB",
    "ROWID",
    "PINNED",
    "DATATYPE",
  ],
  20: ["SQLITE_MISMATCH"],
  21: ["SQLITE_MISUSE"],
  22: ["SQLITE_NOLFS"],
  23: ["SQLITE_AUTH", "USER"],
  24: ["SQLITE_FORMAT"],
  25: ["SQLITE_RANGE"],
  26: ["SQLITE_NOTADB"],
  27: ["SQLITE_NOTICE", "RECOVER_WAL", "RECOVER_ROLLBACK", "RBU"],
  28: ["SQLITE_WARNING", "AUTOINDEX"],
  100: ["SQLITE_ROW"],
  101: ["SQLITE_DONE"],
};

/** "SQLITE_BUSY_SNAPSHOT" for 517; an unknown extended code is named after its primary one. */
function resultCodeName(extendedCode: number): string {
  const known = names[extendedCode & 0xff];
  if (known === undefined) return `SQLITE_${extendedCode}`;
  const extension = extendedCode > 0xff ? known[extendedCode >> 8] : undefined;
  return extension ? `${known[0]}_${extension}` : known[0];
}
