import { createCursorTable, writeCursor } from "./cursor_table.ts";
import { int64Max } from "../../base/int64.ts";
import { messageOf } from "../../base/message_of.ts";
import { StoreFailedError } from "../failures.ts";
import type { Disk } from "../../io/types.ts";
import { Database, type Library, SqliteError } from "../../sqlite/mod.ts";
import { damageOf } from "../copy/file_check.ts";
import { freeRowIdName, identifier } from "../../sqlite/identifier.ts";
import { createKeyTables, type KeyRows } from "./key_table.ts";
import type { GatheredFile } from "./gathered_file.ts";
import type { PieceReader } from "./load_table.ts";
import { createPragmaTable, noPragmas, writePragmas } from "../request_pragmas.ts";
import { createRaftTables, dropRaftTables, emptyState, RaftStateWriter } from "./raft_table.ts";
import type { Sessions } from "./sessions.ts";

/** What a load_commit says of the file, and what the new database is to begin with. */
export interface LoadedFile {
  readonly library: Library;
  readonly disk: Disk;
  /** Disposed of when they are read. */
  readonly pieces: PieceReader;
  /** Where the file is put together. */
  readonly gathered: GatheredFile;
  readonly size: number;
  readonly checksum: number;
  readonly index: number;
  readonly term: number;
  readonly sessions: Sessions;
  /** Disposed of when they are written. */
  readonly keys: KeyRows;
  /** What the cluster is set to, whatever it has loaded. */
  readonly foreignKeys: boolean | undefined;
  /** Up to which index changes are delivered. */
  readonly delivered: number | undefined;
}

const magic = new TextEncoder().encode("SQLite format 3\0");
/** Offset of the two bytes of the header that say whether the file is in WAL mode (2) or not (1). */
const versionOffset = 18;

const notADatabase = 26;
const corrupt = 11;

/** Why a file cannot be loaded: the same on every node. */
class UnfitFile extends Error {}

/**
 * Puts the loaded file together, checks it, and makes it a database that continues the log behind
 * this entry. Returns why it cannot be loaded, or undefined; throws when this machine fails.
 */
export async function buildLoadedFile(loaded: LoadedFile): Promise<string | undefined> {
  const { path } = loaded.gathered;
  try {
    await writePieces(loaded);
    prepareDatabase(loaded);
    const file = await loaded.disk.open(path, { create: false });
    try {
      await file.sync();
    } finally {
      file.close();
    }
    return undefined;
  } catch (error) {
    if (!isUnfit(error)) {
      throw new StoreFailedError(`Loaded file could not be written: ${messageOf(error)}`, {
        cause: error,
      });
    }
    await loaded.disk.remove(path);
    return `Load failed, nothing was changed: ${messageOf(error)}`;
  }
}

function isUnfit(error: unknown): boolean {
  return error instanceof UnfitFile ||
    (error instanceof SqliteError && (error.code === notADatabase || error.code === corrupt ||
      error.code === 1));
}

async function writePieces({ disk, gathered, ...loaded }: LoadedFile): Promise<void> {
  using pieces = loaded.pieces;
  const { size, checksum } = await gathered.finish(pieces, loaded);
  const file = await disk.open(gathered.path, { create: false });
  try {
    checkHeader(await file.read(0, magic.length));
    if (size !== loaded.size) {
      throw new UnfitFile(`the file has ${loaded.size} bytes, ${size} arrived`);
    }
    if (checksum !== loaded.checksum) throw new UnfitFile("the file was damaged on its way");
    await file.write(versionOffset, new Uint8Array([1, 1]));
  } finally {
    file.close();
  }
}

function checkHeader(head: Uint8Array): void {
  if (magic.some((byte, at) => head[at] !== byte)) {
    throw new UnfitFile("the file is not a SQLite database");
  }
}

function prepareDatabase(loaded: LoadedFile): void {
  const { library, gathered, index, term, sessions, foreignKeys, delivered } = loaded;
  using keys = loaded.keys;
  using database = new Database(gathered.path, { library, create: false });
  const damage = damageOf(database);
  if (damage !== undefined) throw new UnfitFile(`the file is damaged: ${damage}`);
  refuseMaxRowIds(database);
  dropRaftTables(database);
  createRaftTables(database);
  if (foreignKeys !== undefined) createPragmaTable(database);
  if (!keys.isEmpty) createKeyTables(database);
  if (delivered !== undefined) createCursorTable(database);
  const writer = new RaftStateWriter(database);
  database.transaction(() => {
    writer.write({ ...emptyState, index, term });
    writer.writeAllSessions(sessions);
    keys.copyTo(database);
    if (delivered !== undefined) writeCursor(database, delivered);
    if (foreignKeys !== undefined) writePragmas(database, { ...noPragmas, foreignKeys });
  });
}

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
