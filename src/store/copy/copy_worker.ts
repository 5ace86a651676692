/// <reference lib="deno.worker" />
import { ByteWriter } from "../../base/bytes.ts";
import { DenoDisk } from "../../io/deno_disk.ts";
import {
  Backup,
  type CheckpointResult,
  Database,
  type Library,
  type LibraryLocation,
  openLibrary,
} from "../../sqlite/mod.ts";
import { dumpSql } from "./dump.ts";
import { isBrokenDisk, isOutOfRoom, reasonOf } from "../failures.ts";
import { damageOf } from "./file_check.ts";
import { dropRaftTables, hasRaftTables, readRaftState } from "../apply/raft_table.ts";
import type { AppliedPosition, BackupOptions } from "../types.ts";

/** Work on the database beside writer and readers; one at a time, each with a connection of its own. */
export type CopyRequest =
  /** Moves WAL into the database file and syncs both, without stopping the writer. */
  | { readonly type: "checkpoint"; readonly path: string }
  /** Copies everything, with what the store keeps for itself. */
  | { readonly type: "snapshot"; readonly path: string; readonly target: string }
  /** Copies the user's data. */
  | {
    readonly type: "backup";
    readonly path: string;
    readonly target: string;
    readonly options: BackupOptions;
  }
  /** Checks a received copy, and makes it ready to take the database's place. */
  | { readonly type: "verify"; readonly path: string };

export interface CopyStart {
  readonly library: LibraryLocation;
  /** One 32-bit word, 1 when the work at hand is to be given up. */
  readonly cancelled: SharedArrayBuffer;
}

export interface CopyResults {
  checkpoint: CheckpointResult;
  snapshot: AppliedPosition;
  backup: undefined;
  verify: AppliedPosition;
}

export type CopyReply =
  | { readonly type: "answer"; readonly value: unknown }
  | {
    readonly type: "failed";
    readonly message: string;
    /** No room on the disk; a disk, or a file, that can no longer be relied on; anything else. */
    readonly cause: "full" | "disk" | "other";
  };

/** Pages copied between two looks whether to give up. */
const pagesPerStep = 1024;
const busyTimeoutMs = 5000;

let library: Library;
let cancelled = new Int32Array(new SharedArrayBuffer(4));

function checkCancelled(): void {
  if (Atomics.load(cancelled, 0) === 1) {
    throw new Error("Copy given up: nobody wants it any more, or the database is being replaced");
  }
}

function handle(request: CopyRequest): unknown {
  switch (request.type) {
    case "checkpoint": {
      using database = new Database(request.path, { library, create: false, busyTimeoutMs });
      database.setAutoCheckpoint(0);
      // Only a connection that has read the file knows that there is a WAL.
      database.scalar("SELECT count(*) FROM sqlite_schema");
      return database.checkpoint("passive");
    }
    case "snapshot": {
      copyPages(request.path, request.target);
      using copy = new Database(request.target, { library, create: false });
      return positionIn(copy);
    }
    case "backup":
      return request.options.format === "sql"
        ? dump(request.path, request.target, request.options.tables)
        : backUp(request.path, request.target, request.options);
    case "verify":
      return verify(request.path);
  }
}

/** Copies inside one read transaction: the writer goes on, and the copy is of one moment. */
function copyPages(path: string, target: string): void {
  using source = openForReading(path);
  using destination = new Database(target, { library });
  destination.exec("PRAGMA journal_mode = OFF");
  destination.exec("PRAGMA synchronous = OFF");
  using backup = new Backup(destination, source);
  while (!backup.step(pagesPerStep)) checkCancelled();
}

function openForReading(path: string): Database {
  const source = new Database(path, { library, readonly: true, busyTimeoutMs });
  source.exec("BEGIN");
  source.scalar("SELECT count(*) FROM sqlite_schema");
  return source;
}

function positionIn(database: Database): AppliedPosition {
  const { index, term } = readRaftState(database);
  return { index, term };
}

function backUp(path: string, target: string, { format, vacuum }: BackupOptions): void {
  copyPages(path, target);
  using copy = new Database(target, { library, create: false });
  copy.exec("PRAGMA journal_mode = DELETE");
  copy.exec("PRAGMA synchronous = OFF");
  dropRaftTables(copy);
  checkCancelled();
  if (vacuum) copy.exec("VACUUM");
  else if (format === "binary") copy.exec("PRAGMA journal_mode = WAL");
}

async function dump(path: string, target: string, tables: readonly string[]): Promise<void> {
  using source = openForReading(path);
  const file = await new DenoDisk().open(target, { create: true });
  try {
    const out = new ByteWriter(0x4_0000);
    let size = 0;
    await dumpSql(source, tables, out, async () => {
      checkCancelled();
      const bytes = out.view();
      await file.write(size, bytes);
      size += bytes.length;
      out.reset();
    });
  } finally {
    file.close();
  }
}

function verify(path: string): AppliedPosition {
  using database = new Database(path, { library, create: false });
  database.exec("PRAGMA journal_mode = DELETE");
  const damage = damageOf(database);
  if (damage !== undefined) throw new Error(`The copy is damaged: ${damage}`);
  if (!hasRaftTables(database)) throw new Error("The copy does not say which entries it holds");
  return positionIn(database);
}

function reply(message: CopyReply): void {
  self.postMessage(message);
}

async function answer(request: CopyRequest): Promise<void> {
  try {
    reply({ type: "answer", value: await handle(request) });
  } catch (error) {
    const cause = isOutOfRoom(error) ? "full" : isBrokenDisk(error) ? "disk" : "other";
    reply({ type: "failed", message: reasonOf(error), cause });
  }
}

let last: Promise<void> = Promise.resolve();

self.onmessage = ({ data }: MessageEvent<CopyStart | CopyRequest>) => {
  if ("cancelled" in data) {
    library = openLibrary(data.library);
    cancelled = new Int32Array(data.cancelled);
  } else {
    last = last.then(() => answer(data));
  }
};
