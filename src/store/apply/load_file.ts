import { messageOf } from "../../base/message_of.ts";
import type { Disk } from "../../io/types.ts";
import type { Library } from "../../sqlite/mod.ts";
import { withArrivingSums } from "../copy/arriving_sums.ts";
import { headerBytes, isSqliteFile } from "../copy/file_header.ts";
import {
  openLoaded,
  prepared,
  prepareLoaded,
  syncFile,
  UnfitFile,
  unfitReason,
} from "../copy/loaded_file.ts";
import { StoreFailedError } from "../failures.ts";
import type { AppliedPosition } from "../types.ts";
import { createPragmaTable, noPragmas, writePragmas } from "../request_pragmas.ts";
import { createCursorTable, writeCursor } from "./cursor_table.ts";
import type { GatheredFile } from "./gathered_file.ts";
import { createKeyTables, type KeyRows } from "./key_table.ts";
import type { PieceReader } from "./load_table.ts";
import { emptyState, RaftStateWriter } from "./raft_table.ts";
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

/**
 * Makes the loaded file a database that continues the log behind this entry, once it is put together
 * and checked: which it is already where that was done ahead. Returns why it cannot be loaded, or
 * undefined; throws when this machine fails.
 */
export async function buildLoadedFile(loaded: LoadedFile): Promise<string | undefined> {
  const { disk, gathered } = loaded;
  try {
    await complete(loaded);
    withArrivingSums(loaded.library, gathered.path, () => continueLog(loaded), prepared);
    await syncFile(disk, gathered.path);
    return undefined;
  } catch (error) {
    gathered.remove();
    const why = unfitReason(error);
    if (why !== undefined) return `Load failed, nothing was changed: ${why}`;
    throw new StoreFailedError(`Loaded file could not be written: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function complete({ library, disk, gathered, ...loaded }: LoadedFile): Promise<void> {
  using pieces = loaded.pieces;
  const { size, checksum, verdict } = await gathered.finish(pieces, loaded);
  const { path } = gathered;
  await checkMagic(disk, path);
  if (size !== loaded.size) {
    throw new UnfitFile(`the file has ${loaded.size} bytes, ${size} arrived`);
  }
  if (checksum !== loaded.checksum) throw new UnfitFile("the file was damaged on its way");
  if (verdict.type === "unfit") throw new UnfitFile(verdict.why);
  if (verdict.type === "unknown") await prepareLoaded({ library, disk, path });
}

async function checkMagic(disk: Disk, path: string): Promise<void> {
  const file = await disk.open(path, { create: false });
  try {
    if (!isSqliteFile(await file.read(0, headerBytes))) {
      throw new UnfitFile("the file is not a SQLite database");
    }
  } finally {
    file.close();
  }
}

function continueLog(loaded: LoadedFile): AppliedPosition {
  const { library, gathered, index, term, sessions, foreignKeys, delivered } = loaded;
  using keys = loaded.keys;
  using database = openLoaded(library, gathered.path);
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
  // As the store opens it, for which all writes wait: there it would take a journal and five syncs.
  database.exec("PRAGMA journal_mode = WAL");
  return { index, term };
}
