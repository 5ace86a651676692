import { ByteWriter } from "../base/bytes.ts";
import { Database } from "./database.ts";
import { Determinism } from "./determinism.ts";
import { SqliteError } from "./error.ts";
import type { Extensions } from "./extensions.ts";
import type { Library } from "./library.ts";
import { type ColumnValue, readCString } from "./memory.ts";
import { probeGroups, type ProbeTable, probeTables } from "./probes.ts";

/**
 * What a node's SQLite is, and how it answers. Two nodes with equal ones come to the same database
 * by the same log; version and source alone do not say that, as SQLite asks the C library, the
 * compiler and the processor. Plain data.
 */
export interface SqliteProfile {
  /** As sqlite3_libversion(). */
  readonly version: string;
  readonly sourceId: string;
  /** In SQLite's order; without those that change no answer. */
  readonly compileOptions: readonly string[];
  readonly probes: readonly ProbeResult[];
  /** By name: of each what is in its file, in 32 hex digits. */
  readonly extensions: readonly { readonly name: string; readonly digest: string }[];
  /** Functions of theirs that the operator vouches for. */
  readonly safeFunctions: readonly string[];
}

/** How a group of probes was answered, in digests: 16 hex digits each. */
export interface ProbeResult {
  readonly group: string;
  /** Only answers to the same questions can be compared: another raftlite may ask others. */
  readonly questions: string;
  readonly answers: string;
}

const encoder = new TextEncoder();

/** What the probes see as time and chance. */
const clockMs = Date.UTC(2001, 1, 3, 4, 5, 6, 789);
const seed = 17n;

/** What tells of the compiler and the system, or only lets changes be watched; SQLite's answers do not depend on it. */
const harmlessOptions =
  /^(COMPILER|ATOMIC_INTRINSICS|MUTEX_|SYSTEM_MALLOC|WIN32_MALLOC|MALLOC_SOFT_LIMIT|HAVE_ISNAN|THREADSAFE|ENABLE_PREUPDATE_HOOK)/;

/** SQLite has no more of them by far. */
const compileOptionsMax = 1_000;

/** Asks the library what it is and runs all probes: about 10 ms, in memory alone. */
export async function takeProfile(library: Library): Promise<SqliteProfile> {
  using determinism = new Determinism(library);
  using database = determinism.open(":memory:");
  using plain = new Database(":memory:", { library, libraryMathematics: true });
  const tables = probeTables();
  fillTables(database, tables);
  const probes: ProbeResult[] = [];
  for (const [i, { name, statements, onLibrary }] of probeGroups.entries()) {
    determinism.set(clockMs, seed, i);
    const writer = new ByteWriter();
    for (const sql of statements) noteAnswer(writer, onLibrary ? plain : database, sql);
    const questions = await digest(
      new Uint8Array(encoder.encode(JSON.stringify([tables, statements]))),
    );
    probes.push({ group: name, questions, answers: await digest(writer.copy()) });
  }
  return {
    version: library.version,
    sourceId: library.sourceId,
    compileOptions: compileOptions(library),
    probes,
    extensions: [],
    safeFunctions: [],
  };
}

/** What of a node's SQLite its extensions are. */
export function extensionProfile(
  { files, safe }: Extensions,
): Pick<SqliteProfile, "extensions" | "safeFunctions"> {
  return {
    extensions: files.map(({ name, sha256 }) => ({ name, digest: sha256.slice(0, 32) })),
    safeFunctions: safe,
  };
}

function fillTables(database: Database, tables: readonly ProbeTable[]): void {
  for (const { name, type, rows } of tables) {
    database.exec(`CREATE TABLE ${name}(x ${type})`);
    using insert = database.prepare(`INSERT INTO ${name} VALUES (?)`);
    for (const row of rows) insert.run(row);
  }
}

function compileOptions(library: Library): string[] {
  const options: string[] = [];
  for (let i = 0; i < compileOptionsMax; i++) {
    const option = readCString(library.symbols.sqlite3_compileoption_get(i));
    if (option === null) break;
    if (!harmlessOptions.test(option)) options.push(option);
  }
  return options;
}

/** All rows with their types and bits. Errors are words for people, which change: only their code counts. */
function noteAnswer(writer: ByteWriter, database: Database, sql: string): void {
  try {
    using statement = database.prepare(sql);
    while (statement.step()) {
      for (let column = 0; column < statement.columnCount; column++) {
        noteValue(writer, statement.columnType(column), statement.columnValue(column));
      }
    }
  } catch (error) {
    if (!(error instanceof SqliteError)) throw error;
    writer.text(`error ${error.code}`);
  }
}

function noteValue(writer: ByteWriter, type: number, value: ColumnValue): void {
  writer.uint8(type);
  if (typeof value === "string") writer.text(value);
  else if (value instanceof Uint8Array) writer.bytes(value);
  else if (typeof value === "bigint") writer.text(String(value));
  else if (typeof value === "number") writer.float64(value);
}

/** 64 bits of SHA-256 in hex: probes are no secret, and nobody gains by two that are alike. */
async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const sum = new DataView(await crypto.subtle.digest("SHA-256", bytes));
  return sum.getBigUint64(0).toString(16).padStart(16, "0");
}
