import { assert } from "../../base/assert.ts";
import { ByteWriter } from "../../base/bytes.ts";
import type { Disk } from "../../io/types.ts";
import {
  Backup,
  type CheckpointResult,
  Database,
  type Library,
  type LibraryLocation,
} from "../../sqlite/mod.ts";
import { dumpSql } from "./dump.ts";
import { isBrokenDisk, isOutOfRoom, reasonOf } from "../failures.ts";
import { verifyReceived } from "./received_copy.ts";
import { dropRaftTables, readRaftState, resumeAtStart } from "../apply/raft_table.ts";
import type { RequestTo, ThreadScope } from "../threads.ts";
import {
  type AppliedPosition,
  type BackupOptions,
  DamagedBackupError,
  type PackedSums,
  type PackOptions,
} from "../types.ts";
import { makeChangesDurable } from "../../changes/durable_changes.ts";
import { packFile } from "./packed_file.ts";
import { type RestoredFile, restoreFile } from "./restored_file.ts";

/** Work on the database beside writer and readers; one at a time, each with a connection of its own. */
export type CopyRequest =
  /** Moves WAL into the database file and syncs both, without stopping the writer. */
  | {
    readonly type: "checkpoint";
    readonly path: string;
    /** Of the change log, which must be durable first; undefined for none. */
    readonly changesPath: string | undefined;
  }
  /** Copies everything, with what the store keeps for itself. */
  | { readonly type: "snapshot"; readonly path: string; readonly target: string }
  /** Copies the user's data. */
  | {
    readonly type: "backup";
    readonly path: string;
    readonly target: string;
    readonly options: BackupOptions;
  }
  /** Copies the user's data into `target`, compressed, by way of `plain`. */
  | {
    readonly type: "pack";
    readonly path: string;
    readonly plain: string;
    readonly target: string;
    readonly options: PackOptions;
  }
  /** Checks a user's backup at `path`, and unpacks it into `target`. */
  | { readonly type: "restore"; readonly path: string; readonly target: string }
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
  pack: PackedSums & { readonly position: AppliedPosition };
  restore: RestoredFile | { readonly damage: string };
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

/** The work that one copier does, with its own connections. */
class CopyWork {
  readonly #library: Library;
  readonly #disk: Disk;
  readonly #cancelled: Int32Array;

  constructor(library: Library, disk: Disk, cancelled: Int32Array) {
    this.#library = library;
    this.#disk = disk;
    this.#cancelled = cancelled;
  }

  handle(request: CopyRequest): unknown {
    switch (request.type) {
      case "checkpoint":
        return this.#checkpoint(request.path, request.changesPath);
      case "snapshot": {
        this.#copyPages(request.path, request.target);
        using copy = this.#open(request.target);
        return positionIn(copy);
      }
      case "backup":
        return request.options.format === "sql"
          ? this.#dump(request.path, request.target, request.options.tables)
          : this.#backUp(request.path, request.target, request.options);
      case "pack":
        return this.#pack(request);
      case "restore":
        return this.#restore(request);
      case "verify":
        return verifyReceived(this.#library, request.path);
    }
  }

  /** A file that is there. */
  #open(path: string): Database {
    return new Database(path, { library: this.#library, create: false });
  }

  #openForReading(path: string): Database {
    const source = new Database(path, { library: this.#library, readonly: true, busyTimeoutMs });
    source.exec("BEGIN");
    source.scalar("SELECT count(*) FROM sqlite_schema");
    return source;
  }

  async #checkpoint(
    path: string,
    changesPath: string | undefined,
  ): Promise<CheckpointResult> {
    // As long as it reads, what is committed behind it stays in the WAL.
    using _pin = changesPath === undefined ? undefined : this.#openForReading(path);
    if (changesPath !== undefined) {
      await makeChangesDurable(this.#library, this.#disk, changesPath);
    }
    using database = new Database(path, { library: this.#library, create: false, busyTimeoutMs });
    database.setAutoCheckpoint(0);
    // Only a connection that has read the file knows that there is a WAL.
    database.scalar("SELECT count(*) FROM sqlite_schema");
    return database.checkpoint("passive");
  }

  /** Copies inside one read transaction: the writer goes on, and the copy is of one moment. */
  #copyPages(path: string, target: string): void {
    using source = this.#openForReading(path);
    using destination = new Database(target, { library: this.#library });
    destination.exec("PRAGMA journal_mode = OFF");
    destination.exec("PRAGMA synchronous = OFF");
    using backup = new Backup(destination, source);
    while (!backup.step(pagesPerStep)) this.#checkCancelled();
  }

  #checkCancelled(): void {
    if (Atomics.load(this.#cancelled, 0) === 1) {
      throw new Error("Copy given up: nobody wants it any more, or the database is being replaced");
    }
  }

  #backUp(path: string, target: string, options: BackupOptions): void {
    this.#copyPages(path, target);
    using copy = this.#open(target);
    this.#keepUsersData(copy, options);
  }

  #keepUsersData(
    copy: Database,
    { format, vacuum }: Pick<BackupOptions, "format" | "vacuum">,
  ): void {
    copy.exec("PRAGMA journal_mode = DELETE");
    copy.exec("PRAGMA synchronous = OFF");
    dropRaftTables(copy);
    this.#checkCancelled();
    if (vacuum) copy.exec("VACUUM");
    else if (format === "binary") copy.exec("PRAGMA journal_mode = WAL");
  }

  async #pack(
    { path, plain, target, options }: Extract<CopyRequest, { type: "pack" }>,
  ): Promise<CopyResults["pack"]> {
    const { vacuum, compression, journal = vacuum ? "delete" : "wal", content = "user" } = options;
    this.#copyPages(path, plain);
    let position: AppliedPosition;
    {
      using copy = this.#open(plain);
      position = positionIn(copy);
      // What is deleted leaves no trace: equal databases give equal files.
      copy.exec("PRAGMA secure_delete = ON");
      if (content === "all" && readRaftState(copy).resume !== resumeAtStart) {
        throw new Error("The copy holds a part of an entry: try again when that is applied");
      }
      if (content === "user") {
        this.#keepUsersData(copy, { format: journal === "wal" ? "binary" : "delete", vacuum });
      }
    }
    const sums = await packFile({
      disk: this.#disk,
      from: plain,
      target,
      compression,
      check: () => this.#checkCancelled(),
    });
    return { ...sums, position };
  }

  async #restore(
    { path, target }: Extract<CopyRequest, { type: "restore" }>,
  ): Promise<CopyResults["restore"]> {
    try {
      return await restoreFile({
        library: this.#library,
        disk: this.#disk,
        path,
        target,
        check: () => this.#checkCancelled(),
      });
    } catch (error) {
      if (error instanceof DamagedBackupError) return { damage: error.message };
      throw error;
    }
  }

  async #dump(path: string, target: string, tables: readonly string[]): Promise<void> {
    using source = this.#openForReading(path);
    const file = await this.#disk.open(target, { create: true });
    try {
      const out = new ByteWriter(0x4_0000);
      let size = 0;
      const flush = async () => {
        this.#checkCancelled();
        const bytes = out.view();
        await file.write(size, bytes);
        size += bytes.length;
        out.reset();
      };
      await dumpSql({ database: source, tables, out, flush });
    } finally {
      file.close();
    }
  }
}

function positionIn(database: Database): AppliedPosition {
  const { index, term } = readRaftState(database);
  return { index, term };
}

/** A copier's thread: one job after the other. */
export function copyThread(scope: ThreadScope<CopyReply>): (request: RequestTo<"copier">) => void {
  let work: CopyWork | undefined;
  let last: Promise<void> = Promise.resolve();
  const answer = async (request: CopyRequest) => {
    assert(work !== undefined, "A copier was not told how to begin");
    try {
      scope.post({ type: "answer", value: await work.handle(request) });
    } catch (error) {
      const cause = isOutOfRoom(error) ? "full" : isBrokenDisk(error) ? "disk" : "other";
      scope.post({ type: "failed", message: reasonOf(error), cause });
    }
  };
  return (request) => {
    if ("cancelled" in request) {
      const library = scope.openLibrary(request.library);
      work = new CopyWork(library, scope.disk, new Int32Array(request.cancelled));
    } else {
      last = last.then(() => answer(request));
    }
  };
}
