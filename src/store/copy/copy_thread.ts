import { assert } from "../../base/assert.ts";
import { ByteWriter } from "../../base/bytes.ts";
import type { Clock, Disk } from "../../io/types.ts";
import {
  Backup,
  type CheckpointResult,
  Database,
  DatabaseImage,
  EditTooLargeError,
  type Library,
  type LibraryLocation,
  PageSums,
} from "../../sqlite/mod.ts";
import { dumpSql } from "./dump.ts";
import { isBrokenDisk, isOutOfRoom, reasonOf } from "../failures.ts";
import { verifyReceived } from "./received_copy.ts";
import { betweenEntries } from "./between_entries.ts";
import { dropRaftTables, readRaftState, resumeAtStart } from "../apply/raft_table.ts";
import type { RequestTo, ThreadScope } from "../threads.ts";
import {
  type AppliedPosition,
  type BackupOptions,
  type Compression,
  DamagedBackupError,
  type PackedSums,
  type PackOptions,
} from "../types.ts";
import { makeChangesDurable } from "../../changes/durable_changes.ts";
import { HeldImage, type ImageContent, type ImageLimits } from "./held_image.ts";
import type { LoadVerdict } from "../apply/load_checks.ts";
import { checkLoaded } from "./loaded_file.ts";
import { packFile } from "./packed_file.ts";
import { type RestoredFile, restoreFile } from "./restored_file.ts";
import { readFile } from "./snapshot_body.ts";

/** Work on the database beside writer and readers; one at a time, each with a connection of its own. */
export type CopyRequest =
  /** Moves WAL into the database file and syncs both, without stopping the writer. */
  | {
    readonly type: "checkpoint";
    readonly path: string;
    /** Of the change log, which must be durable first; undefined for none. */
    readonly changesPath: string | undefined;
  }
  /** Copies the user's data. */
  | {
    readonly type: "backup";
    readonly path: string;
    readonly target: string;
    readonly options: BackupOptions;
  }
  /** Copies the user's data into `target`, compressed; what must be copied plain before goes to `plain`. */
  | {
    readonly type: "pack";
    readonly path: string;
    readonly plain: string;
    readonly target: string;
    readonly options: PackOptions;
    readonly limits: ImageLimits;
  }
  /** Checks a user's backup at `path`, and unpacks it into `target`. */
  | { readonly type: "restore"; readonly path: string; readonly target: string }
  /** Reads pages of the file, whose sums are compared on the way. */
  | {
    readonly type: "check_pages";
    readonly path: string;
    readonly from: number;
    readonly bytesMax: number;
  }
  /** Checks a file that is to be loaded, and prepares it for the entry that loads it. */
  | { readonly type: "prepare_load"; readonly path: string }
  /** Checks a received copy, and makes it ready to take the database's place. */
  | { readonly type: "verify"; readonly path: string };

export interface CopyStart {
  readonly library: LibraryLocation;
  /** One 32-bit word, 1 when the work at hand is to be given up. */
  readonly cancelled: SharedArrayBuffer;
}

export interface CopyResults {
  checkpoint: CheckpointResult;
  backup: AppliedPosition;
  pack: PackedSums & { readonly position: AppliedPosition };
  restore: RestoredFile | { readonly damage: string };
  check_pages: CheckedPages;
  prepare_load: LoadVerdict;
  verify: AppliedPosition;
}

export interface CheckedPages {
  /** Where to go on; undefined behind the last page. */
  readonly next: number | undefined;
  /** Of the database. */
  readonly sizeBytes: number;
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
/** A multiple of every page's size. */
const checkedPieceBytes = 0x1_0000;

type PackRequest = Extract<CopyRequest, { type: "pack" }>;
type Around = Pick<ThreadScope<CopyReply>, "disk" | "clock">;

/** The work that one copier does, with its own connections. */
class CopyWork {
  readonly #library: Library;
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #cancelled: Int32Array;

  constructor(library: Library, { disk, clock }: Around, cancelled: Int32Array) {
    this.#library = library;
    this.#disk = disk;
    this.#clock = clock;
    this.#cancelled = cancelled;
  }

  handle(request: CopyRequest): unknown {
    switch (request.type) {
      case "checkpoint":
        return this.#checkpoint(request.path, request.changesPath);
      case "backup":
        return request.options.format === "sql"
          ? this.#dump(request.path, request.target, request.options.tables)
          : this.#backUp(request.path, request.target, request.options);
      case "pack":
        return this.#pack(request);
      case "restore":
        return this.#restore(request);
      case "check_pages":
        return this.#checkPages(request);
      case "prepare_load":
        return checkLoaded({
          library: this.#library,
          disk: this.#disk,
          path: request.path,
          isCancelled: () => this.#isCancelled,
        });
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
    return madeOf(source, () => {
      source.exec("BEGIN");
      source.readHeader();
      return source;
    });
  }

  async #openBetweenEntries(path: string): Promise<Database> {
    const { database } = await betweenEntries({
      ...{ clock: this.#clock, library: this.#library, path },
      open: () => {
        const database = this.#openForReading(path);
        return madeOf(database, () => {
          return { database, isWhole: readRaftState(database).resume === resumeAtStart };
        });
      },
      close: ({ database }) => database.close(),
      check: () => this.#checkCancelled(),
    });
    return database;
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
    // Else it does not know that there is a WAL.
    database.readHeader();
    return database.checkpoint("passive");
  }

  /** Copies inside one read transaction: the writer goes on, and the copy is of one moment. */
  async #copyPages(path: string, target: string): Promise<void> {
    using source = await this.#openBetweenEntries(path);
    using destination = new Database(target, { library: this.#library });
    destination.exec("PRAGMA journal_mode = OFF");
    destination.exec("PRAGMA synchronous = OFF");
    using backup = new Backup(destination, source);
    while (!backup.step(pagesPerStep)) this.#checkCancelled();
  }

  /** Throws where a page is another one than was written. */
  #checkPages(
    { path, from, bytesMax }: Extract<CopyRequest, { type: "check_pages" }>,
  ): CheckedPages {
    using image = new DatabaseImage(this.#library, path, busyTimeoutMs);
    const { sizeBytes, pageBytes } = image;
    const end = Math.min(sizeBytes, from + Math.max(pageBytes, bytesMax - bytesMax % pageBytes));
    const piece = new Uint8Array(new ArrayBuffer(Math.max(pageBytes, checkedPieceBytes)));
    for (let at = from; at < end; at += piece.length) {
      this.#checkCancelled();
      image.read(at, piece.subarray(0, Math.min(piece.length, end - at)));
    }
    // Of a file that came from elsewhere: a kill before the next checkpoint does not take them back.
    PageSums.keep(this.#library, path);
    return { next: end < sizeBytes ? end : undefined, sizeBytes };
  }

  get #isCancelled(): boolean {
    return Atomics.load(this.#cancelled, 0) === 1;
  }

  #checkCancelled(): void {
    if (this.#isCancelled) {
      throw new Error("Copy given up: nobody wants it any more, or the database is being replaced");
    }
  }

  async #backUp(path: string, target: string, options: BackupOptions): Promise<AppliedPosition> {
    await this.#copyPages(path, target);
    using copy = this.#open(target);
    const position = positionIn(copy);
    this.#keepUsersData(copy, options);
    return position;
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

  async #pack(request: PackRequest): Promise<CopyResults["pack"]> {
    const { options: { vacuum, content = "user", journal = "wal" } } = request;
    if (vacuum) return await this.#packCopy(request);
    try {
      const wanted = content === "all" ? { of: "all" } as const : { of: "user", journal } as const;
      return await this.#packImage(request, wanted);
    } catch (error) {
      if (error instanceof EditTooLargeError) return await this.#packCopy(request);
      throw error;
    }
  }

  async #packImage(
    { path, plain, target, options: { compression }, limits }: PackRequest,
    content: ImageContent,
  ): Promise<CopyResults["pack"]> {
    const library = this.#library;
    const around = { disk: this.#disk, clock: this.#clock };
    const image = await HeldImage.between(
      { ...around, library, path, restPath: plain, content, limits },
      () => this.#checkCancelled(),
    );
    try {
      const { position, sizeBytes } = image;
      if (content.of === "all" && !image.isWhole) {
        throw new Error("The copy holds a part of an entry: try again when that is applied");
      }
      const read = (offset: number, length: number) => image.read(offset, length);
      const sums = await this.#packFile(readFile({ path, read }, sizeBytes), target, compression);
      return { ...sums, position };
    } finally {
      await image.close();
    }
  }

  /** Of a copy, in which SQLite can write. */
  async #packCopy(
    { path, plain, target, options: { vacuum, compression, journal } }: PackRequest,
  ): Promise<CopyResults["pack"]> {
    await this.#copyPages(path, plain);
    let position: AppliedPosition;
    {
      using copy = this.#open(plain);
      position = positionIn(copy);
      // What is deleted leaves no trace: equal databases give equal files.
      copy.exec("PRAGMA secure_delete = ON");
      const format = vacuum || journal === "delete" ? "delete" : "binary";
      this.#keepUsersData(copy, { format, vacuum });
    }
    const file = await this.#disk.open(plain, { create: false });
    try {
      const pieces = readFile(file, await file.size());
      return { ...await this.#packFile(pieces, target, compression), position };
    } finally {
      file.close();
    }
  }

  #packFile(
    from: AsyncIterable<Uint8Array>,
    target: string,
    compression: Compression,
  ): Promise<PackedSums> {
    const check = () => this.#checkCancelled();
    return packFile({ disk: this.#disk, from, target, compression, check });
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

  async #dump(
    path: string,
    target: string,
    tables: readonly string[],
  ): Promise<AppliedPosition> {
    using source = await this.#openBetweenEntries(path);
    const position = positionIn(source);
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
      return position;
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
      work = new CopyWork(library, scope, new Int32Array(request.cancelled));
    } else {
      last = last.then(() => answer(request));
    }
  };
}

/** What is made of a connection, which is closed where that throws: its read would be held for good. */
function madeOf<Opened>(database: Database, make: () => Opened): Opened {
  try {
    return make();
  } catch (error) {
    database.close();
    throw error;
  }
}
