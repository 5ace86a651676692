import { messageOf } from "../base/message_of.ts";
import { DenoClock } from "../io/deno_clock.ts";
import { DenoDisk } from "../io/deno_disk.ts";
import type { Clock, Logger } from "../io/types.ts";
import { findLibrary, type Library, type LibraryLocation, openLibrary } from "../sqlite/mod.ts";
import { Batches } from "./batches.ts";
import { connectionPragmas } from "./connection_pragmas.ts";
import { Copier } from "./copier.ts";
import { StoreFailedError } from "./failures.ts";
import {
  exchangeDatabase,
  removeTemporaries,
  removeTemporary,
  syncFile,
  temporaryPath,
} from "./file_exchange.ts";
import { QuickReader } from "./quick_reader.ts";
import { QuickWriter } from "./quick_writer.ts";
import { ReaderPool } from "./reader_pool.ts";
import { readFile, receiveSnapshot, snapshotSize, writeSnapshot } from "./snapshot_body.ts";
import {
  type Answer,
  type AppliedPosition,
  type ApplyEntry,
  type BackupOptions,
  type ReadRequest,
  SnapshotRejectedError,
  type Statement,
  type StateSnapshot,
  type Store,
} from "./types.ts";
import { WalKeeper } from "./wal_keeper.ts";
import { Writer } from "./writer.ts";
import { WriterStatusWatch } from "./writer_status.ts";

/** The database's file in the store's directory. */
export const databaseName = "db.sqlite";

export interface StoreLimits {
  /** Reads that may wait for a reader. */
  readonly queueMax: number;
  /** Readers that may be streaming at their clients' speed, beside those that work. */
  readonly streamsMax: number;
  /** How long a client may take nothing of a streamed answer, in ms. */
  readonly stallMs: number;
  /** Size at which the WAL is moved into the database file, in bytes. */
  readonly walBytes: number;
}

const defaultLimits: StoreLimits = {
  queueMax: 4096,
  streamsMax: 16,
  stallMs: 30_000,
  walBytes: 16 * 1024 * 1024,
};

export interface StoreOptions {
  /** Holds the database; made when it is not there. One store at a time, which the caller sees to. */
  readonly directory: string;
  readonly logger: Logger;
  /** Read-only connections that may work at the same time; default 4, or as many as there are cores. */
  readonly readers?: number;
  /** Enforces foreign keys; the same on every node, or they will differ. */
  readonly foreignKeys?: boolean;
  readonly limits?: Partial<StoreLimits>;
  readonly clock?: Clock;
  /** Default: what findLibrary finds. */
  readonly library?: LibraryLocation;
}

/**
 * Opens the database in `directory`, or makes an empty one. Throws when it cannot be used, saying
 * which file and what to do.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { directory, logger, clock = new DenoClock(), foreignKeys = false } = options;
  // 'localtime' in SQL is then UTC, on this node as on every other: SQLite asks the C library.
  // deno-lint-ignore layers/outside-world
  Deno.env.set("TZ", "UTC");
  const library = libraryAt(
    options.library ??
      await findLibrary({ log: (message) => logger.log("INFO", "sqlite", message) }),
  );
  const disk = new DenoDisk();
  await disk.makeDirectory(directory);
  await removeTemporaries(disk, directory, databaseName);
  const readers = options.readers ?? Math.min(4, navigator.hardwareConcurrency);
  const limits = { ...defaultLimits, ...options.limits };
  const store = new SqliteStore({
    path: `${directory}/${databaseName}`,
    library,
    disk,
    clock,
    logger,
    foreignKeys,
    readers: Math.max(1, readers),
    limits,
  });
  try {
    await store.open();
    await disk.syncDirectory(directory);
  } catch (error) {
    await store.abandon();
    throw error;
  }
  return store;
}

/** Libraries that the main thread has opened, by path; they stay open as long as the process runs. */
const libraries = new Map<string, Library>();

function libraryAt(location: LibraryLocation): Library {
  const known = libraries.get(location.path) ?? openLibrary(location);
  libraries.set(location.path, known);
  return known;
}

interface Parts {
  readonly path: string;
  readonly library: Library;
  readonly disk: DenoDisk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly foreignKeys: boolean;
  readonly readers: number;
  readonly limits: StoreLimits;
}

/** The state machine over one SQLite file: a writer, readers, and a Worker that copies, each a thread. */
class SqliteStore implements Store {
  readonly failed: Promise<never>;
  readonly #parts: Parts;
  readonly #writer: Writer;
  readonly #readers: ReaderPool;
  readonly #quickReader: QuickReader;
  readonly #quickWriter: QuickWriter;
  /** Checkpoints never wait behind a copy. */
  readonly #checkpointer: Copier;
  readonly #copier: Copier;
  readonly #wal: WalKeeper;
  readonly #batches: Batches;
  readonly #writerStatus: WriterStatusWatch;
  #rejectFailed: (error: Error) => void = () => {};
  #full: string | undefined;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    const { path, library, clock, logger, foreignKeys, readers, limits } = parts;
    this.#parts = parts;
    this.failed = new Promise<never>((_, reject) => this.#rejectFailed = reject);
    this.failed.catch(() => {});
    const failed = (error: Error) => this.#fail(error);
    this.#writer = new Writer({
      exchange: (file) => void this.#exchange(file).catch(() => {}),
      full: (message) => this.#noteFull(message),
      failed,
    });
    this.#readers = new ReaderPool({
      library,
      path,
      foreignKeys,
      clock,
      readersMax: readers,
      ...limits,
      failed,
    });
    this.#quickReader = new QuickReader(library, path, foreignKeys);
    this.#quickWriter = new QuickWriter(library, path, foreignKeys);
    this.#checkpointer = new Copier(library);
    this.#copier = new Copier(library);
    this.#wal = new WalKeeper(
      path,
      this.#checkpointer,
      this.#writer,
      this.#readers,
      logger,
      () => clock.now(),
      limits.walBytes,
    );
    this.#batches = new Batches(this.#writer, this.#quickWriter, this.#wal);
    this.#writerStatus = new WriterStatusWatch(this.#writer, clock);
  }

  get applied(): AppliedPosition {
    return this.#batches.applied;
  }

  get full(): string | undefined {
    return this.#full;
  }

  async open(): Promise<void> {
    const { library, path, foreignKeys } = this.#parts;
    this.#batches.opened(await this.#writer.open(library, path, foreignKeys));
    await this.#writerStatus.ask();
  }

  apply(entries: readonly ApplyEntry[]): Promise<Answer[]> {
    return this.#batches.apply(entries);
  }

  /**
   * What is applied when this begins is durable when it resolves. With synchronous=NORMAL a commit
   * writes the WAL and does not sync it. A passive checkpoint syncs the WAL before it copies, and
   * the database file before it lets the WAL be overwritten; but it does neither when readers keep
   * it from copying anything. So the WAL is synced here once more: what is applied then is either in
   * the WAL, synced now, or was in a WAL that was started anew since, and so in the synced file.
   */
  async checkpoint(): Promise<AppliedPosition> {
    const { path, disk } = this.#parts;
    const position = this.applied;
    await this.#wal.checkpoint();
    await syncFile(disk, `${path}-wal`);
    return position;
  }

  async openSnapshot(): Promise<StateSnapshot> {
    const { path, disk } = this.#parts;
    const target = temporaryPath(path, "snapshot");
    try {
      const position = await this.#copier.run<"snapshot">({ type: "snapshot", path, target });
      const file = await disk.open(target, { create: false });
      const size = await file.size();
      return {
        position,
        sizeBytes: snapshotSize(size),
        body: writeSnapshot(file, size),
        close: async () => {
          file.close();
          await removeTemporary(disk, target);
        },
      };
    } catch (error) {
      await removeTemporary(disk, target);
      throw error;
    }
  }

  async installSnapshot(body: AsyncIterable<Uint8Array>): Promise<AppliedPosition> {
    const { path, disk } = this.#parts;
    const received = temporaryPath(path, "received");
    try {
      const file = await disk.open(received, { create: true });
      try {
        await receiveSnapshot(body, file);
      } finally {
        file.close();
      }
      await this.#copier.run<"verify">({ type: "verify", path: received });
      await syncFile(disk, received);
    } catch (error) {
      await removeTemporary(disk, received);
      throw new SnapshotRejectedError(messageOf(error), { cause: error });
    }
    await this.#exchange(received);
    return this.applied;
  }

  /** Puts another file in the database's place; reads wait meanwhile. A failure stops the store. */
  async #exchange(file: string): Promise<void> {
    const { path, disk } = this.#parts;
    try {
      this.#pauseQuick();
      await Promise.all([
        this.#readers.pause(),
        this.#copier.pause(),
        this.#checkpointer.pause(),
      ]);
      await this.#readers.release();
      await this.#writer.release();
      await exchangeDatabase(disk, file, path);
      this.#wal.exchanged();
      await this.open();
    } catch (error) {
      const failure = new StoreFailedError(
        `Database ${path} could not be replaced: ${messageOf(error)}`,
        { cause: error },
      );
      this.#fail(failure);
      throw failure;
    }
    this.#checkpointer.resume();
    this.#copier.resume();
    this.#readers.resume();
    this.#quickReader.resume();
    this.#quickWriter.resume();
  }

  #pauseQuick(): void {
    this.#quickReader.pause();
    this.#quickWriter.pause();
  }

  read(
    request: ReadRequest,
    signal?: () => AbortSignal,
  ): Uint8Array | Promise<Uint8Array | ReadableStream<Uint8Array>> {
    return this.#quickReader.read(request) ?? this.#readers.read(request, signal?.());
  }

  async inspect(statements: readonly Statement[]): Promise<(boolean | string)[]> {
    return this.#quickReader.inspect(statements) ?? await this.#readers.inspect(statements);
  }

  async backup(
    options: BackupOptions,
    signal?: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    const { path, disk } = this.#parts;
    const target = temporaryPath(path, "backup");
    try {
      await this.#copier.run<"backup">({ type: "backup", path, target, options }, signal);
      const file = await disk.open(target, { create: false });
      const chunks = readFile(file, await file.size());
      const end = async () => {
        file.close();
        await removeTemporary(disk, target);
      };
      return new ReadableStream({
        async pull(controller) {
          const { value, done } = await chunks.next();
          if (!done) return controller.enqueue(value);
          await end();
          controller.close();
        },
        cancel: end,
      }, { highWaterMark: 0 });
    } catch (error) {
      await removeTemporary(disk, target);
      throw error;
    }
  }

  async status(): Promise<Record<string, unknown>> {
    const { library, path, foreignKeys } = this.#parts;
    const writer = await this.#writerStatus.ask();
    const { bytes, checkpoints } = this.#wal.status;
    return {
      version: library.version,
      source_id: library.sourceId,
      library_path: library.path,
      library_origin: library.origin,
      path,
      size: writer.pageSize * writer.pageCount,
      page_size: writer.pageSize,
      page_count: writer.pageCount,
      freelist_count: writer.freelistCount,
      wal_size: bytes,
      wal_checkpoints: checkpoints,
      applied_index: this.applied.index,
      applied_term: this.applied.term,
      pragmas: connectionPragmas(foreignKeys),
      statements_cached: writer.statementsCached,
      sessions: this.#quickWriter.sessions(this.applied.index) ?? writer.sessions,
      apply_queue: this.#writer.pending,
      apply_batches: this.#batches.counts,
      read_pool: this.#readers.status,
      compile_options: writer.compileOptions,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = new StoreFailedError("The store is closed");
    this.#pauseQuick();
    // A batch that nobody waits for any more may be at a statement without end: it is cut off, and the
    // log has it. One that waits for room lets go.
    const stuck = this.#writer.applying && this.#full === undefined;
    const release = this.#failure === undefined && !stuck;
    if (release) await this.#wal.idle();
    await Promise.all([
      this.#readers.close(),
      this.#copier.close(closed),
      this.#checkpointer.close(closed),
    ]);
    if (release) await this.#writer.release();
    this.#writer.terminate();
  }

  /** After a failed opening: whatever was started is ended. */
  async abandon(): Promise<void> {
    this.#failure ??= new StoreFailedError("The store could not be opened");
    await this.#close();
  }

  #noteFull(message: string | undefined): void {
    this.#full = message;
    const { logger, path } = this.#parts;
    if (message !== undefined) {
      logger.log("ERROR", "store", `No room for database ${path}: writes wait until there is some`);
    } else logger.log("INFO", "store", "The disk has room again: writes go on");
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined || this.#closing !== undefined) return;
    this.#failure = error;
    this.#pauseQuick();
    this.#parts.logger.log("ERROR", "store", error.message);
    this.#writer.fail(error);
    this.#readers.fail(error);
    void this.#copier.close(error);
    void this.#checkpointer.close(error);
    this.#rejectFailed(error);
  }
}
