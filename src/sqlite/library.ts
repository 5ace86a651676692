import { messageOf } from "../base/message_of.ts";
import { type SharedFunction, shareFunction } from "./callbacks.ts";
import { type Extensions, noExtensions } from "./extensions.ts";
import { mathematicalFunctions } from "./mathematics.ts";
import { readCString } from "./memory.ts";
import { dbConfigSymbol, symbols } from "./symbols.ts";

/** Why a library is used: see `findLibrary`. */
export type LibraryOrigin = "environment" | "embedded" | "built" | "system";

/** Which SQLite library to open; plain data, so that Workers can be told. */
export interface LibraryLocation {
  /** A path, or for the system's a name that the system looks up. */
  readonly path: string;
  readonly origin: LibraryOrigin;
  /** What is loaded into each connection; none by default. */
  readonly extensions?: Extensions | undefined;
}

/** Which library that is, for another thread to open it. */
export function locationOf({ path, origin, extensions }: LibraryLocation): LibraryLocation {
  return { path, origin, extensions };
}

/** A connection as its library knows it. */
export interface Connection {
  close(): void;
  /** Turns an on/off option of sqlite3_db_config on or off. */
  config(option: number, on: boolean): boolean;
}

/** An opened SQLite library. Each thread opens its own; the process holds one copy of it. */
export interface Library extends LibraryLocation {
  /** As `sqlite3_libversion`: "3.53.2". */
  readonly version: string;
  /** As `sqlite3_libversion_number`: 3053002. */
  readonly versionNumber: number;
  readonly sourceId: string;
  readonly extensions: Extensions;
  /** What is open by it in this thread: to be closed by whoever ends all that uses it. */
  readonly connections: Set<Connection>;
  /** The clocks of some of them: to be closed behind them, likewise. */
  readonly clocks: Set<{ close(): void }>;
  readonly symbols: Deno.DynamicLibrary<typeof symbols>["symbols"];
  /** What connections have in place of the library's own functions. */
  readonly mathematics: readonly SharedFunction[];
  /** sqlite3_db_config for an on/off option: `state` 1, 0, or -1 to ask. Returns the result code. */
  configure(
    connection: Deno.PointerValue,
    option: number,
    state: number,
    result: Int32Array<ArrayBuffer>,
  ): number;
}

/** RIGHT and FULL JOIN, `->`, RETURNING, STRICT: what clients of today take for granted. */
const oldestVersion = 3_039_000;

/** Opens the library in this thread; throws when it can't be used, saying why. */
export function openLibrary(location: LibraryLocation): Library {
  const { path, origin } = location;
  let opened: Deno.DynamicLibrary<typeof symbols>;
  try {
    opened = Deno.dlopen(path, symbols);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new Error(`SQLite library ${path} can't be opened: ${reason}`, { cause });
  }
  const c = opened.symbols;
  const version = readCString(c.sqlite3_libversion()) ?? "";
  const versionNumber = c.sqlite3_libversion_number();
  const refusal = versionNumber < oldestVersion
    ? `is version ${version}: 3.39 or newer is needed`
    : c.sqlite3_threadsafe() === 0
    ? "was built with SQLITE_THREADSAFE=0: a threadsafe one is needed"
    : undefined;
  if (refusal !== undefined) {
    opened.close();
    throw new Error(`SQLite library ${path} ${refusal}`);
  }
  return {
    path,
    origin,
    version,
    versionNumber,
    sourceId: readCString(c.sqlite3_sourceid()) ?? "",
    extensions: location.extensions ?? noExtensions,
    connections: new Set(),
    clocks: new Set(),
    symbols: c,
    mathematics: mathematicalFunctions(c).map((parts) => shareFunction(c, parts)),
    configure: openConfigure(path),
  };
}

function openConfigure(path: string): Library["configure"] {
  if (Deno.build.os === "darwin" && Deno.build.arch === "aarch64") {
    const { sqlite3_db_config } = Deno.dlopen(path, dbConfigSymbol.stack).symbols;
    return (connection, option, state, result) =>
      sqlite3_db_config(connection, option, 0n, 0n, 0n, 0n, 0n, 0n, BigInt(state), result);
  }
  const { sqlite3_db_config } = Deno.dlopen(path, dbConfigSymbol.registers).symbols;
  return (connection, option, state, result) =>
    sqlite3_db_config(connection, option, BigInt(state), result);
}
