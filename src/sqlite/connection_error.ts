import { ResultCode, SqliteError } from "./error.ts";
import type { Library } from "./library.ts";
import { readCString } from "./memory.ts";

/** The error that the last call on `connection` left there; `code` is what that call returned. */
export function connectionError(
  library: Library,
  connection: Deno.PointerValue,
  code: number,
): SqliteError {
  const { symbols } = library;
  // A copy by pages, for one, leaves nothing there.
  const isThere = connection !== null &&
    (symbols.sqlite3_errcode(connection) & 0xff) === (code & 0xff);
  const extendedCode = isThere ? symbols.sqlite3_extended_errcode(connection) : code;
  const text = isThere ? symbols.sqlite3_errmsg(connection) : symbols.sqlite3_errstr(code);
  const message = readCString(text) ?? "Unknown error";
  // SQLite itself never finds that, and has no words for it.
  const detail = extendedCode === ResultCode.wrongPage
    ? ": a page of the database file is not what was written there"
    : "";
  return new SqliteError(extendedCode, message + detail);
}
