/** An error that SQLite returned. https://www.sqlite.org/rescode.html */
export class SqliteError extends Error {
  override name = "SqliteError";
  /** Primary result code: 19 for every constraint. */
  readonly code: number;
  /** Extended result code: 2067 for a UNIQUE constraint. */
  readonly extendedCode: number;
  /** Name of the extended code: "SQLITE_CONSTRAINT_UNIQUE". */
  readonly codeName: string;
  /** Byte offset in the SQL text that the error is about, where SQLite knows it; else -1. */
  readonly errorOffset: number;

  /** `message` is sqlite3_errmsg's, unchanged. */
  constructor(extendedCode: number, message: string, errorOffset = -1) {
    super(message);
    this.code = extendedCode & 0xff;
    this.extendedCode = extendedCode;
    this.codeName = resultCodeName(extendedCode);
    this.errorOffset = errorOffset;
  }
}

/** "SQLITE_BUSY_SNAPSHOT" for 517; an unknown extended code is named after its primary one. */
export function resultCodeName(_extendedCode: number): string {
  throw new Error("Not written yet");
}
