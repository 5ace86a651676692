import { useUtc } from "../io/local_time.ts";
import type { Clock, Disk, Logger } from "../io/types.ts";
import { AppliedWaits } from "../changes/applied_waits.ts";
import { ChangeReader } from "../changes/change_reader.ts";
import { type Library, locationOf, requirePreupdateHook } from "../sqlite/mod.ts";
import type { ChangesFile } from "./apply/write_connection.ts";
import { Batches } from "./apply/batches.ts";
import { connectionPragmas } from "./connection_pragmas.ts";
import { DatabaseFile } from "./database_file.ts";
import { Copier } from "./copy/copier.ts";
import { HeldReads } from "./apply/held_reads.ts";
import { LoadPreparation } from "./copy/load_preparation.ts";
import { LifeCycle } from "./life_cycle.ts";
import {
  defaultLimits,
  defaultPageCheckMs,
  type StoreLimits,
  type StoreOptions,
} from "./options.ts";
import { PageChecks } from "./page_checks.ts";
import { OutsideReaders } from "./read/outside_readers.ts";
import { AnswerRoom } from "./read/answer_spool.ts";
import { QuickReader } from "./read/quick_reader.ts";
import { QuickSwitch } from "./quick_connection.ts";
import { QuickWriter } from "./apply/quick_writer.ts";
import { Rehearsals } from "./apply/rehearsals.ts";
import { Scrubber } from "./scrub/scrubber.ts";
import { ReaderPool } from "./read/reader_pool.ts";
import { writeSnapshot } from "./copy/snapshot_body.ts";
import { StoreCopies } from "./copy/store_copies.ts";
import { TemporaryFiles } from "./copy/temporary_files.ts";
import type { Threads } from "./threads.ts";
import {
  type AppliedEntry,
  type AppliedPosition,
  type ApplyEntry,
  type BackupCopy,
  type BackupOptions,
  type CheckedBackup,
  type HeldCopy,
  type HeldRead,
  type InstallOptions,
  type LiveRead,
  type LiveReadRequest,
  type OpenRehearsal,
  type PackedBackup,
  type PackOptions,
  type ReadRequest,
  type Statements,
  type StatementSummary,
  type StateSnapshot,
  type Store,
  type StoreStatus,
} from "./types.ts";
import { VitalThreads } from "./vital_threads.ts";
import { WalKeeper } from "./copy/wal_keeper.ts";
import { Writer } from "./apply/writer.ts";
import { UpkeepLog } from "./apply/upkeep_log.ts";
import { unknownStatus, WriterWatch } from "./apply/writer_watch.ts";
import type { WriterStatus } from "./apply/writer_messages.ts";
import { StoreStatements } from "./statements/store_statements.ts";

/** The database's file in the store's directory. */
export const databaseName = "db.sqlite";
/** That of the changes of its rows. */
export const changesName = "changes.sqlite";

/**
 * Opens the database in `directory`, or makes an empty one. Throws when it cannot be used, saying
 * which file and what to do.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { directory, disk, clock, threads, library, logger, foreignKeys = false } = options;
  // 'localtime' in SQL is then UTC, on this node as on every other: SQLite asks the C library.
  useUtc();
  await disk.makeDirectory(directory);
  const readers = options.readers ?? Math.min(4, navigator.hardwareConcurrency);
  const limits = { ...defaultLimits, ...options.limits };
  const { changesBytes, changesHeld = false } = options;
  if (changesBytes !== undefined) requirePreupdateHook(library);
  const store = new SqliteStore({
    path: `${directory}/${databaseName}`,
    changesPath: `${directory}/${changesName}`,
    changesBytes,
    changesHeld,
    library,
    disk,
    clock,
    threads,
    logger,
    foreignKeys,
    readers: Math.max(1, readers),
    slow: options.slow,
    pageCheckMs: options.pageCheckMs ?? defaultPageCheckMs,
    limits,
    freeBytes: options.freeBytes,
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

interface Parts {
  readonly path: string;
  readonly changesPath: string;
  readonly changesBytes: number | undefined;
  readonly changesHeld: boolean;
  readonly library: Library;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly threads: Threads;
  readonly logger: Logger;
  readonly foreignKeys: boolean;
  readonly readers: number;
  readonly slow: StoreOptions["slow"];
  readonly limits: StoreLimits;
  readonly freeBytes: StoreOptions["freeBytes"];
  readonly pageCheckMs: number;
}

/** The state machine over one SQLite file: a writer, readers, and copiers, each a thread. */
class SqliteStore implements Store {
  readonly failed: Promise<never>;
  readonly #parts: Parts;
  readonly #life = new LifeCycle();
  readonly #temporaries: TemporaryFiles;
  readonly #writer: Writer;
  readonly #readers: ReaderPool;
  readonly outsideReaders: OutsideReaders;
  distrusted = 0;
  readonly #heldReads: HeldReads;
  readonly #quickSwitch: QuickSwitch;
  readonly #quickReader: QuickReader;
  readonly #quickWriter: QuickWriter;
  readonly #copies: StoreCopies;
  readonly #wal: WalKeeper;
  readonly #loadPreparation: LoadPreparation;
  readonly #batches: Batches;
  readonly #rehearsals: Rehearsals;
  readonly #scrubber: Scrubber;
  readonly #pageChecks: PageChecks;
  readonly #writerStatus: WriterWatch<WriterStatus>;
  readonly statements: () => Promise<StatementSummary[]>;
  readonly changes: ChangeReader | undefined;
  readonly #waits = new AppliedWaits(() => this.applied.index);
  readonly #upkeep: UpkeepLog;
  readonly #file: DatabaseFile;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    const { path, library, disk, clock, logger, foreignKeys, readers, slow, limits } = parts;
    const life = this.#life;
    const threads = new VitalThreads(parts.threads, life);
    this.#parts = parts;
    this.failed = life.failed;
    this.failed.catch((error) => logger.log("ERROR", "store", error.message));
    this.#temporaries = new TemporaryFiles({
      disk,
      logger,
      databasePath: path,
      limits: { backup: limits.backupsMax },
    });
    const statements = new StoreStatements(parts);
    const { meter, reportSlow } = statements;
    this.#upkeep = new UpkeepLog(logger);
    this.#writer = new Writer(life, clock, threads, {
      slow: reportSlow,
      ranUpkeep: (run) => this.#upkeep.note(run),
      checkLoad: (check, file) => this.#loadPreparation.prepare(check, file),
      exchange: (file) => void this.#file.exchange(file).catch(() => {}),
      full: (message) => this.#file.noteFull(message),
    });
    this.#readers = new ReaderPool({
      library,
      path,
      foreignKeys,
      clock,
      threads,
      readersMax: readers,
      room: new AnswerRoom(this.#temporaries, { ...limits, freeBytes: parts.freeBytes }),
      ...limits,
      life,
      slow,
      reportSlow,
    });
    this.#heldReads = new HeldReads({
      library,
      path,
      foreignKeys: () => this.#foreignKeys,
      life,
      threads,
      clock,
      threadsMax: readers,
    });
    this.outsideReaders = new OutsideReaders(
      life,
      { library: locationOf(library), path, foreignKeys, slow },
      reportSlow,
    );
    const quickSwitch = this.#quickSwitch = new QuickSwitch(clock, logger);
    const quickParts = { library, path, foreignKeys, life, clock, meter, quickSwitch };
    this.#quickReader = new QuickReader(quickParts);
    this.#quickWriter = new QuickWriter(quickParts, undefined, this.#changesFile);
    const temporaries = this.#temporaries;
    this.#copies = new StoreCopies({ library, path, temporaries, life, threads, clock, limits });
    this.#scrubber = new Scrubber({ library, path, life, threads, clock });
    // One of its own: checkpoints never wait behind a copy.
    const checkpointer = new Copier(library, life, threads, clock);
    const { pageCheckMs: intervalMs } = parts;
    const checked = { library, path, disk, life, clock, logger, intervalMs };
    this.#pageChecks = new PageChecks({ ...checked, copier: checkpointer });
    this.#wal = new WalKeeper({
      path,
      changesPath: this.#changesFile?.path,
      copier: checkpointer,
      writer: this.#writer,
      quickWriter: this.#quickWriter,
      readers: this.#readers,
      heldReads: this.#heldReads,
      scrubber: this.#scrubber,
      life,
      logger,
      clock,
      softBytes: limits.walBytes,
      isHeldForCopy: () => this.#copies.isFileHeld,
    });
    this.#loadPreparation = new LoadPreparation({
      copier: new Copier(library, life, threads, clock),
      writer: this.#writer,
      wal: this.#wal,
      life,
    });
    this.#batches = new Batches(
      this.#writer,
      this.#quickWriter,
      this.#wal,
      () => this.#readers.setForeignKeys(this.#foreignKeys),
      () => this.#waits.noteApplied(),
    );
    this.#file = new DatabaseFile({
      ...parts,
      changesFile: this.#changesFile,
      life,
      writer: this.#writer,
      batches: this.#batches,
      wal: this.#wal,
      pageChecks: this.#pageChecks,
      temporaries: this.#temporaries,
    });
    this.#life.hold({ refuse: (error) => this.#waits.end(error) });
    this.changes = this.#openChanges();
    this.#rehearsals = new Rehearsals({
      writer: this.#writer,
      quickWriter: this.#quickWriter,
      batches: this.#batches,
      foreignKeys,
    });
    const status = () => this.#writer.status();
    this.#writerStatus = new WriterWatch(status, unknownStatus, life, clock);
    this.statements = statements.summaries(
      this.#writer,
      () => [...this.#readers.threads, ...this.outsideReaders.threads],
      life,
    );
  }

  get #changesFile(): ChangesFile | undefined {
    const { changesPath: path, changesBytes: bytesMax, changesHeld: held } = this.#parts;
    return bytesMax === undefined ? undefined : { path, bytesMax, held };
  }

  #openChanges(): ChangeReader | undefined {
    const file = this.#changesFile;
    if (file === undefined) return undefined;
    const { library } = this.#parts;
    const applied = () => this.applied.index;
    const changes = new ChangeReader({ library, ...file, applied, waits: this.#waits });
    this.#life.hold({ refuse: (error) => changes.end(error) });
    return changes;
  }

  get applied(): AppliedPosition {
    return this.#batches.applied;
  }

  get changesDelivered(): number | undefined {
    return this.#batches.changesDelivered;
  }

  get full(): string | undefined {
    return this.#file.full;
  }

  async open(): Promise<void> {
    await this.#temporaries.removeLeftovers();
    await this.#file.open();
    await this.#writerStatus.ask();
  }

  apply(entries: readonly ApplyEntry[]): Promise<AppliedEntry[]> {
    return this.#batches.apply(entries);
  }

  /** Whether they are enforced: as the cluster is set or, if it is not, as this node's flag says. */
  get #foreignKeys(): boolean {
    return this.#batches.foreignKeys ?? this.#parts.foreignKeys;
  }

  /**
   * What is applied when this begins is durable when it resolves. With synchronous=NORMAL a commit
   * writes the WAL and does not sync it. A passive checkpoint syncs the WAL before it copies, and
   * the database file before it lets the WAL be overwritten; but it does neither when readers keep
   * it from copying anything. So the WAL is synced here once more: what is applied then is either in
   * the WAL, synced now, or was in a WAL that was started anew since, and so in the synced file.
   */
  async checkpoint(): Promise<AppliedPosition> {
    const position = this.applied;
    await this.#wal.checkpoint();
    await this.#life.use(() => this.#file.syncWal());
    return position;
  }

  openSnapshot(): Promise<StateSnapshot> {
    return this.#copies.openSnapshot();
  }

  async installSnapshot(
    body: AsyncIterable<Uint8Array>,
    accept?: (position: AppliedPosition) => Promise<void>,
    { setAside }: InstallOptions = { setAside: false },
  ): Promise<AppliedPosition> {
    const { received, position } = await this.#copies.receiveSnapshot(body);
    try {
      await accept?.(position);
    } catch (error) {
      await received.remove();
      throw error;
    }
    await this.#file.exchange(received.path, setAside);
    await received.remove();
    return this.applied;
  }

  read(
    request: ReadRequest,
    signal?: () => AbortSignal,
  ): Uint8Array | Promise<Uint8Array | ReadableStream<Uint8Array>> {
    return this.#quickReader.read(request) ?? this.#readers.read(request, signal?.());
  }

  liveRead(request: LiveReadRequest, signal?: AbortSignal): Promise<LiveRead> {
    return this.#readers.liveRead(request, signal);
  }

  waitApplied(index: number, signal?: AbortSignal): Promise<void> {
    return this.#waits.wait(index, signal);
  }

  async inspect(statements: Statements, rights?: string): Promise<(boolean | string)[]> {
    const quick = rights === undefined ? this.#quickReader.inspect(statements) : undefined;
    return quick ?? await this.#readers.inspect(statements, rights);
  }

  loadPrepared(): Promise<void> {
    return this.#loadPreparation.settled();
  }

  rehearsal(rights: string | undefined): OpenRehearsal {
    return this.#rehearsals.begin(rights);
  }

  hold(): Promise<HeldRead> {
    return this.#heldReads.hold();
  }

  onDamage(tell: (reason: string) => void): void {
    this.#pageChecks.onDamage(tell);
  }

  distrust(): void {
    this.distrusted++;
    this.outsideReaders.distrust();
  }

  prepareCopy(): void {
    this.#scrubber.prepare();
  }

  holdCopy(): Promise<HeldCopy> {
    return this.#scrubber.hold();
  }

  backup(options: BackupOptions, signal?: AbortSignal): Promise<BackupCopy> {
    return this.#copies.backup(options, signal);
  }

  pack(options: PackOptions, signal?: AbortSignal): Promise<PackedBackup> {
    return this.#copies.pack(options, signal);
  }

  check(body: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<CheckedBackup> {
    return this.#copies.check(body, signal);
  }

  async install(copy: CheckedBackup): Promise<AppliedPosition> {
    try {
      return await this.installSnapshot(writeSnapshot(copy.body(), copy.sizeBytes));
    } finally {
      await copy.close();
    }
  }

  async status(): Promise<StoreStatus> {
    const { library, path } = this.#parts;
    const writer = await this.#writerStatus.ask();
    const { bytes, checkpoints } = this.#wal.status;
    return {
      sqliteVersion: library.version,
      compileOptions: this.#file.compileOptions,
      libraryPath: library.path,
      libraryOrigin: library.origin,
      extensions: library.extensions,
      databasePath: path,
      databaseBytes: writer.pageSize * writer.pageCount,
      pageBytes: writer.pageSize,
      pages: writer.pageCount,
      freePages: writer.freelistCount,
      walBytes: bytes,
      walCheckpoints: checkpoints,
      wrongPageReads: this.#pageChecks.wrongReads,
      applied: this.applied,
      foreignKeys: this.#foreignKeys,
      pragmas: connectionPragmas(this.#foreignKeys),
      statementsCached: writer.statementsCached,
      incrementalVacuum: writer.incrementalVacuum,
      upkeep: writer.upkeep,
      upkeepRuns: this.#upkeep.runs,
      sessions: this.#quickWriter.sessions(this.applied.index) ?? writer.sessions,
      writerRequests: this.#writer.pending,
      batchesApplied: this.#batches.counts,
      mainThread: this.#quickSwitch.status,
      readPool: this.#readers.status,
    };
  }

  shrink(): void {
    if (!this.#life.isOpen) return;
    this.#readers.shrink();
    this.#quickReader.release();
    this.#quickWriter.shrink();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#file.close();
    await this.#temporaries.end();
  }

  /** After a failed opening: whatever was started is ended. */
  abandon(): Promise<void> {
    return this.#file.abandon();
  }
}
