import { messageOf } from "../base/message_of.ts";
import type { Database } from "./database.ts";
import { DbConfig } from "./db_config.ts";
import { ResultCode } from "./error.ts";
import { encodeCString, out, outPointer, readCString } from "./memory.ts";

/** A file that adds functions, collations and virtual tables to SQLite. */
export interface ExtensionFile {
  /** Without directories; SQLite makes the name of the entry point of it. */
  readonly name: string;
  readonly path: string;
  /** Hexadecimal, of what is in it. */
  readonly sha256: string;
}

/** A function that extensions add, or have put in the place of one of SQLite's. */
export interface ExtensionFunction {
  /** In lower case. */
  readonly name: string;
  /** -1 for any. */
  readonly argumentCount: number;
  /** The same results for the same arguments: by its own word, or the operator's. */
  readonly deterministic: boolean;
  /** It reads and changes nothing but its arguments, likewise. */
  readonly innocuous: boolean;
}

/** What is loaded into every connection, in this order; plain data, so that Workers can be told. */
export interface Extensions {
  readonly files: readonly ExtensionFile[];
  /** Functions that the operator vouches for, in lower case and in order. */
  readonly safe: readonly string[];
  readonly functions: readonly ExtensionFunction[];
}

/** Of the extensions of a library that has none. */
export const noExtensions: Extensions = { files: [], safe: [], functions: [] };

/** An extension that cannot be used; the message names it. */
class ExtensionError extends Error {
  override name = "ExtensionError";
}

/**
 * Loads them into a connection. SQL cannot: the function load_extension() stays off. What one would
 * write into the database by being loaded (sqlean's define.so makes a table) is refused: no entry of
 * the log has it, and it would come at another time on every node.
 * https://www.sqlite.org/c3ref/c_dbconfig_defensive.html#sqlitedbconfigenableloadextension
 */
export function loadExtensions(database: Database, files: readonly ExtensionFile[]): void {
  if (files.length === 0) return;
  database.config(DbConfig.enableLoadExtension, true);
  database.exec("PRAGMA query_only = ON");
  try {
    for (const file of files) loadExtension(database, file);
  } finally {
    database.config(DbConfig.enableLoadExtension, false);
    database.exec("PRAGMA query_only = OFF");
  }
}

function loadExtension(database: Database, { name, path }: ExtensionFile): void {
  const { symbols: c, path: libraryPath } = database.library;
  if (c.sqlite3_load_extension === null) {
    throw new ExtensionError(
      `SQLite extension ${name} cannot be loaded: SQLite library ${libraryPath} was built without that`,
    );
  }
  out[0] = 0n;
  const code = c.sqlite3_load_extension(database.pointer, encodeCString(path), null, out);
  if (code === ResultCode.ok) return;
  const message = outPointer(0);
  const reason = readCString(message) ?? readCString(c.sqlite3_errstr(code)) ?? `error ${code}`;
  c.sqlite3_free(message);
  throw new ExtensionError(`SQLite extension ${name} cannot be loaded: ${reason}`);
}

/** Loads one to see that it can be; says it where that is only so while it may write. */
function tryExtension(file: ExtensionFile, open: () => Database): void {
  try {
    using database = open();
    loadExtensions(database, [file]);
  } catch (error) {
    using database = open();
    database.config(DbConfig.enableLoadExtension, true);
    try {
      loadExtension(database, file);
    } catch {
      throw error;
    }
    throw new ExtensionError(
      `SQLite extension ${file.name} cannot be used: it writes into the database when it is loaded, ` +
        "which is in no entry of the log, and comes at another time on every node",
    );
  }
}

/** https://www.sqlite.org/c3ref/c_deterministic.html */
const deterministicFlag = 0x800;
const innocuousFlag = 0x20_0000;

type FunctionRow = [name: string, builtin: number, type: string, arguments: number, flags: number];

/**
 * Loads the files once to see that they can be, and what they add. `open` opens a connection to a
 * database in memory that has nothing but what SQLite brings.
 */
export function examineExtensions(
  files: readonly ExtensionFile[],
  safe: readonly string[],
  open: () => Database,
): Extensions {
  if (files.length === 0) return noExtensions;
  for (const file of files) {
    holdLibrary(file);
    tryExtension(file, open);
  }
  using plain = open();
  using extended = open();
  loadExtensions(extended, files);
  const known = new Set(functionRows(plain).map((row) => row.join(" ")));
  const vouchedFor = new Set(safe);
  const functions = functionRows(extended)
    .filter((row) => !known.has(row.join(" ")))
    .map(([name, , , argumentCount, flags]) => ({
      name: name.toLowerCase(),
      argumentCount,
      deterministic: (flags & deterministicFlag) !== 0 || vouchedFor.has(name.toLowerCase()),
      innocuous: (flags & innocuousFlag) !== 0 || vouchedFor.has(name.toLowerCase()),
    }));
  const names = new Set(functions.map(({ name }) => name));
  const unknown = safe.filter((name) => !names.has(name));
  if (unknown.length > 0) {
    throw new ExtensionError(
      `No extension has a function ${unknown.join(", ")}, which is listed as safe`,
    );
  }
  return { files, safe, functions };
}

/**
 * Opens it for as long as the process runs: SQLite would unload it with the last connection, and
 * reports only its second try at a file that cannot be linked, under another name.
 */
function holdLibrary({ name, path }: ExtensionFile): void {
  try {
    Deno.dlopen(path, {});
  } catch (error) {
    throw new ExtensionError(
      `SQLite extension ${name} cannot be loaded: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function functionRows(database: Database): FunctionRow[] {
  using statement = database.prepare(
    "SELECT name, builtin, type, narg, flags FROM pragma_function_list",
  );
  return [...statement.values<FunctionRow>()];
}

/** Has functions that may differ between nodes fail on a connection, wherever they are called. */
export function refuseUncertainFunctions(database: Database): void {
  for (const { name, argumentCount, deterministic } of database.library.extensions.functions) {
    if (deterministic) continue;
    const body = () => {
      throw new Error(uncertainRefused(name));
    };
    database.createRawFunction({ name, argumentCount, body });
  }
}

function uncertainRefused(name: string): string {
  return `${name}() is refused in writes: its extension does not say that it always gives the same, ` +
    "so nodes could come to differ; -extensions-safe lists functions that do, on all nodes alike";
}
