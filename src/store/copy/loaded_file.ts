import { messageOf } from "../../base/message_of.ts";
import { int64Max } from "../../base/int64.ts";
import type { Disk } from "../../io/types.ts";
import { Database, type Library, ResultCode, SqliteError } from "../../sqlite/mod.ts";
import { freeRowIdName, identifier } from "../../sqlite/identifier.ts";
import type { LoadVerdict } from "../apply/load_checks.ts";
import { createRaftTables, dropRaftTables } from "../apply/raft_table.ts";
import { withArrivingSums } from "./arriving_sums.ts";
import { damageOf } from "./file_check.ts";
import { takeOutOfWal } from "./file_header.ts";

/** Why a file cannot be loaded: the same on every node. */
export class UnfitFile extends Error {}

/** Up to which entry a file is that is prepared, and stands for none yet. */
export const prepared = { index: 0 };

/** Between two looks whether to give up: some milliseconds of a check. */
const instructionsPerLook = 100_000;

export interface LoadedFileParts {
  readonly library: Library;
  readonly disk: Disk;
  readonly path: string;
  /** Asked now and then; true gives the work up, with SQLite's error. */
  readonly isCancelled?: () => boolean;
}

/**
 * Does all that takes long of making a loaded file a database: checks it, exchanges tables of the
 * store's own in it for empty ones, and has the disk take it in. A crash leaves a file that nobody
 * asks for any more, so that nothing needs a journal. Throws what `unfitReason` has the words for.
 */
export async function prepareLoaded(parts: LoadedFileParts): Promise<void> {
  const { library, disk, path, isCancelled } = parts;
  const file = await disk.open(path, { create: false });
  try {
    await takeOutOfWal(file);
  } finally {
    file.close();
  }
  withArrivingSums(library, path, () => {
    using database = openLoaded(library, path);
    if (isCancelled !== undefined) database.setProgressHandler(instructionsPerLook, isCancelled);
    const damage = damageOf(database);
    if (damage !== undefined) throw new UnfitFile(`the file is damaged: ${damage}`);
    refuseMaxRowIds(database);
    dropRaftTables(database);
    createRaftTables(database);
    return prepared;
  });
  await syncFile(disk, path);
}

/** Does it ahead of the entry that needs it: what a machine's failure leaves open is thrown. */
export async function checkLoaded(parts: LoadedFileParts): Promise<LoadVerdict> {
  try {
    await prepareLoaded(parts);
    return { type: "fit" };
  } catch (error) {
    const why = unfitReason(error);
    if (why === undefined) throw error;
    return { type: "unfit", why };
  }
}

/** A file that is in nobody's use, and whose maker syncs it. */
export function openLoaded(library: Library, path: string): Database {
  const database = new Database(path, { library, create: false });
  database.exec("PRAGMA synchronous = OFF");
  database.exec("PRAGMA journal_mode = MEMORY");
  return database;
}

export async function syncFile(disk: Disk, path: string): Promise<void> {
  const file = await disk.open(path, { create: false });
  try {
    await file.sync();
  } finally {
    file.close();
  }
}

/** What is wrong with the file; undefined when it is this machine that failed. */
export function unfitReason(error: unknown): string | undefined {
  const isUnfit = error instanceof UnfitFile ||
    error instanceof SqliteError && unfitCodes.includes(error.code);
  return isUnfit ? messageOf(error) : undefined;
}

const unfitCodes: readonly number[] = [
  ResultCode.notADatabase,
  ResultCode.corrupt,
  ResultCode.error,
];

/**
 * Behind the largest row id SQLite draws ids at random, which is not the same on every node; so it
 * does in the tables that a virtual table keeps its content in.
 */
function refuseMaxRowIds(database: Database): void {
  const tables = database.prepare(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') AND wr = 0",
  );
  for (const [name] of tables.values<[string]>()) {
    const rowId = rowIdOf(database, name);
    if (database.scalar(`SELECT max(${rowId}) FROM ${identifier(name)}`) === int64Max) {
      throw new UnfitFile(`table ${name} has a row with the largest id, 9223372036854775807`);
    }
  }
}

/** A name of the table's row id: one that no column has taken. */
function rowIdOf(database: Database, table: string): string {
  using names = database.prepare("SELECT name FROM pragma_table_xinfo(?1, 'main')");
  const free = freeRowIdName(names.values<[string]>(table).flat());
  if (free !== undefined) return free;
  throw new UnfitFile(
    `table ${table} has columns named rowid, _rowid_ and oid, so that its row ids cannot be read: ` +
      "rename one",
  );
}
