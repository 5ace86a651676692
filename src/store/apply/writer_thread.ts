import { messageOf } from "../../base/message_of.ts";
import { pause } from "../../io/pause.ts";
import { type Database, DbConfig, type Library } from "../../sqlite/mod.ts";
import { makeChangesDurable } from "../../changes/durable_changes.ts";
import { Answers } from "./answers.ts";
import { type BatchEntry, decodeBatch } from "./apply_batch.ts";
import { EntryApplier } from "./entry_applier.ts";
import { isDamaged, isOutOfRoom, StoreFailedError, untrusted } from "../failures.ts";
import { GatheredFile } from "./gathered_file.ts";
import { LoadApplier } from "./load_applier.ts";
import { LoadChecks } from "./load_checks.ts";
import { releasePieces } from "./load_memory.ts";
import { resumeAtStart } from "./raft_table.ts";
import { StatementMeter } from "../statements/statement_meter.ts";
import { type ThreadScope, transferOf } from "../threads.ts";
import { type Rehearsed, Rehearsing } from "./rehearsing.ts";
import type { RehearsalResults } from "../types.ts";
import { readUpkeepRecords } from "./upkeep_table.ts";
import {
  besideRehearsals,
  type NumberedRequest,
  type ReleasePurpose,
  type WriterApplied,
  type WriterOpened,
  type WriterReply,
  type WriterRequest,
  type WriterStatus,
} from "./writer_messages.ts";
import { WriteConnection } from "./write_connection.ts";

type Open = Extract<WriterRequest, { type: "open" }>;
type Rehearse = Extract<WriterRequest, { type: "rehearse" }>;

/** Of PRAGMA auto_vacuum. */
const incrementalMode = 2;

/** What was asked for cannot be done now, and nothing is the worse for it. */
class RefusedError extends Error {}

/** What is not done while a batch waits for room. */
const waitForRoom: readonly WriterRequest["type"][] = ["apply", "rehearse", "give_up"];

/** What goes on while a transaction that is rehearsed is left open. */
const goesOnBeside: readonly WriterRequest["type"][] = [
  "rehearse",
  "give_up",
  ...besideRehearsals,
];

/** How long a batch that found no room on the disk waits before it tries again, in ms. */
const retryMs = 500;

/** The database that is open, and what works on it. */
interface Opened {
  readonly connection: WriteConnection;
  readonly applier: EntryApplier;
  readonly rehearsing: Rehearsing;
  /** What a load under way has brought. */
  readonly gathered: GatheredFile;
  readonly loads: LoadApplier;
}

class Writer {
  readonly #scope: ThreadScope<WriterReply>;
  readonly #answers: Answers;
  #library: Library | undefined;
  #meter: StatementMeter | undefined;
  #opened: Opened | undefined;
  #walFrames = 0;
  readonly #loadChecks: LoadChecks;
  /** Set while a load waits for its file to be exchanged. */
  #reopened: (() => void) | undefined;
  /** Set while a batch, or an exchange of the file, waits for room on the disk. */
  #full = false;
  /** The file was let go for another to be put in its place. */
  #reopens = false;

  constructor(scope: ThreadScope<WriterReply>) {
    this.#scope = scope;
    this.#answers = new Answers(scope.clock);
    this.#loadChecks = new LoadChecks((check, file) =>
      scope.post({ type: "check_load", check, file })
    );
  }

  /** Whether a request is to be dealt with at once, although a batch is under way. */
  overtakes({ type }: WriterRequest): boolean {
    if (type === "load_checked") return true;
    if (this.#full) return !waitForRoom.includes(type);
    return this.#reopened !== undefined && (type === "open" || type === "release");
  }

  handle(request: WriterRequest): unknown {
    if (!goesOnBeside.includes(request.type)) this.#opened?.rehearsing.giveUp();
    switch (request.type) {
      case "open":
        return this.#reopens ? this.#withRoom(() => this.#open(request)) : this.#open(request);
      case "apply":
        return this.#applyBatch(request.entries);
      case "rehearse":
        return this.#rehearse(request);
      case "give_up":
        if (this.#opened?.rehearsing.open === request.id) this.#opened.rehearsing.giveUp();
        return;
      case "checkpoint":
        return this.#checkpoint(request.truncate);
      case "release":
        return this.#release(request.purpose);
      case "load_checked":
        return this.#loadChecks.settle(request.check, request.verdict);
      case "status":
        return this.#status();
      case "statements":
        return this.#meter?.figures ?? [];
    }
  }

  get #database(): Opened {
    if (this.#opened === undefined) throw new Error("The writer has no open database");
    return this.#opened;
  }

  get #connection(): WriteConnection {
    return this.#database.connection;
  }

  #open(request: Open): WriterOpened {
    this.#library ??= this.#scope.openLibrary(request.library);
    this.#meter ??= new StatementMeter({
      clock: this.#scope.clock,
      slow: request.slow,
      report: (statement) => this.#scope.post({ type: "slow", statement }),
    });
    const { path, foreignKeys, changes } = request;
    const connection = new WriteConnection(
      this.#library,
      path,
      foreignKeys,
      "write",
      this.#meter,
      changes,
    );
    const applier = new EntryApplier(connection, this.#answers, {
      clock: this.#scope.clock,
      ran: (run) => this.#scope.post({ type: "upkeep", run }),
    });
    const rehearsing = new Rehearsing(connection, this.#answers, applier.scripts);
    const gathered = new GatheredFile(
      this.#scope.disk,
      this.#scope.clock,
      `${path}.tmp-load`,
      (file) => this.#loadChecks.check(file),
    );
    const loads = new LoadApplier({
      connection,
      table: applier.loads,
      gathered,
      answers: this.#answers,
      disk: this.#scope.disk,
      exchange: (file) => this.#exchange(file),
    });
    this.#opened = { connection, applier, rehearsing, gathered, loads };
    this.#walFrames = 0;
    connection.database.setWalHook((_schema, frames) => this.#walFrames = frames);
    const { index, term } = connection.committed;
    const opened = connection.own(() => ({
      position: { index, term },
      pageSize: Number(connection.database.scalar("PRAGMA page_size")),
      compileOptions: compileOptionsOf(connection.database),
      foreignKeys: connection.pragmas.setting,
      delivered: connection.delivered,
    }));
    this.#reopened?.();
    this.#reopened = undefined;
    return opened;
  }

  async #applyBatch(bytes: Uint8Array<ArrayBuffer>): Promise<WriterApplied> {
    const entries = decodeBatch(bytes);
    const applied = await this.#apply(entries);
    releasePieces(this.#connection, entries, bytes);
    return applied;
  }

  async #apply(entries: readonly BatchEntry[]): Promise<WriterApplied> {
    let first: number | undefined;
    let next = 0;
    while (next < entries.length) {
      try {
        this.#goOnBefore(entries[next]);
        first ??= this.#connection.committed.index + 1;
        next = this.#database.applier.apply(entries, next);
        const entry = entries[next];
        if (entry !== undefined) {
          await this.#database.loads.apply(entry);
          next++;
        }
        this.#goOn();
      } catch (error) {
        if (!isOutOfRoom(error)) throw error;
        next = await this.#room(first, messageOf(error));
      }
    }
    return {
      answers: this.#answers.takeBytes(),
      walFrames: this.#walFrames,
      foreignKeys: this.#connection.pragmas.setting,
      schemaChanges: this.#connection.schemaChanges,
      delivered: this.#connection.delivered,
    };
  }

  /** Once what has arrived of a load is answered. */
  followLoad(): Promise<void> {
    return this.#database.loads.follow();
  }

  /**
   * Goes on from what was committed, by whichever connection. The record of changes may be further:
   * by what the disk had no room for in the database, nor for taking it back.
   */
  #goOnBefore(entry: BatchEntry | undefined): void {
    const connection = this.#connection;
    if (entry?.index === connection.committed.index + 1) connection.alignChanges();
    else connection.refresh();
  }

  #rehearse(request: Rehearse): Rehearsed {
    const { connection, rehearsing } = this.#database;
    // The main thread may have written since.
    if (connection.committed.index !== request.appliedIndex) {
      rehearsing.giveUp();
      connection.refresh();
    }
    try {
      const rehearsed = rehearsing.run(request, true);
      if (rehearsed?.type !== "needs_alone") return rehearsed;
      return request.done > 0 ? undefined : rehearsing.run(request, false);
    } catch (error) {
      if (isOutOfRoom(error)) throw new RefusedError(messageOf(error), { cause: error });
      throw error;
    }
  }

  /**
   * Takes back what the disk had no room for, and waits a little; returns how many entries of the
   * batch are applied. An entry in transactions of its own that has come half way has lost the
   * results of that half: only a new start goes on from there.
   */
  async #room(first: number | undefined, message: string): Promise<number> {
    const connection = this.#connection;
    connection.rollback();
    if (connection.committed.resume !== resumeAtStart) {
      throw new StoreFailedError(`${message}; an entry is half applied: start the node again`);
    }
    const applied = first === undefined ? 0 : connection.committed.index + 1 - first;
    this.#answers.truncate(applied);
    // What could be copied later, too, takes no room from what cannot wait.
    this.#opened?.gathered.giveUp();
    await this.#opened?.gathered.removed();
    await this.#noRoom(message);
    if (this.#opened?.connection !== connection) throw new StoreFailedError("The store is closed");
    return applied;
  }

  /** Says so, and waits a little. */
  async #noRoom(message: string): Promise<void> {
    if (!this.#full) this.#scope.post({ type: "full", message });
    this.#full = true;
    await pause(this.#scope.clock, retryMs);
  }

  #goOn(): void {
    if (this.#full) this.#scope.post({ type: "full", message: undefined });
    this.#full = false;
  }

  /** Resolves once the database is open again, as the file that a load has made. */
  async #exchange(file: string): Promise<void> {
    const reopened = new Promise<void>((resolve) => this.#reopened = resolve);
    this.#scope.post({ type: "exchange", file });
    await reopened;
  }

  /** Without room for it the WAL keeps what it has. */
  async #checkpoint(truncate: boolean): Promise<boolean> {
    const { database } = this.#connection;
    try {
      await this.#makeChangesDurable();
      const { busy, logFrames, checkpointedFrames } = database.checkpoint(
        truncate ? "truncate" : "passive",
      );
      return !busy && logFrames === checkpointedFrames;
    } catch (error) {
      if (!isOutOfRoom(error)) throw untrusted(database.path, error);
      return false;
    }
  }

  /** Nothing else is applied meanwhile. */
  async #makeChangesDurable(): Promise<void> {
    const { database, changesAt } = this.#connection;
    if (changesAt === undefined) return;
    await makeChangesDurable(database.library, this.#scope.disk, changesAt.path);
  }

  async #release(purpose: ReleasePurpose): Promise<void> {
    if (this.#opened === undefined) return;
    const { connection, gathered } = this.#opened;
    gathered.drop();
    // Who opens the next file gives its loads the same names.
    await gathered.removed();
    if (purpose === "set_aside") connection.database.config(DbConfig.noCheckpointOnClose, true);
    else if (purpose === "exchange") await this.#withRoom(() => this.#empty(connection));
    else if (!this.#full) {
      try {
        await this.#empty(connection);
      } catch (error) {
        // Without room for it the WAL keeps what it has.
        if (!isOutOfRoom(error)) throw error;
      }
    }
    connection.close();
    this.#opened = undefined;
    this.#reopens = purpose !== "end";
  }

  /** Brings all that the WAL has into the database's file. */
  async #empty({ database }: WriteConnection): Promise<void> {
    await this.#makeChangesDurable();
    if (!database.checkpoint("truncate").busy) return;
    throw new Error(`Database ${database.path} is read by another process: end that`);
  }

  /** Does what can be begun anew as often as it takes until there is room for it. */
  async #withRoom<Result>(work: () => Result | Promise<Result>): Promise<Result> {
    for (;;) {
      try {
        const result = await work();
        this.#goOn();
        return result;
      } catch (error) {
        if (!isOutOfRoom(error)) throw error;
        await this.#noRoom(messageOf(error));
      }
    }
  }

  /** After a failure: lets go of the file, as far as that still works. */
  abandon(): void {
    this.#opened?.gathered.letGo();
    try {
      this.#opened?.connection.close();
    } catch {
      // What failed before is what counts.
    }
    this.#opened = undefined;
  }

  #status(): WriterStatus {
    const { database, users, sessions } = this.#connection;
    return this.#connection.own(() => ({
      pageSize: Number(database.scalar("PRAGMA page_size")),
      pageCount: Number(database.scalar("PRAGMA page_count")),
      freelistCount: Number(database.scalar("PRAGMA freelist_count")),
      statementsCached: users.size,
      sessions: sessions.size,
      incrementalVacuum: database.scalar("PRAGMA auto_vacuum") === incrementalMode,
      upkeep: readUpkeepRecords(database),
    }));
  }
}

function compileOptionsOf(database: Database): string[] {
  using statement = database.prepare("PRAGMA compile_options");
  return statement.values<[string]>().flat();
}

/** The writer's thread: one request after the other, but for those that cannot wait. */
export function writerThread(
  scope: ThreadScope<WriterReply>,
): (request: NumberedRequest) => void {
  const writer = new Writer(scope);
  let last: Promise<void> = Promise.resolve();
  return (request) => {
    if (writer.overtakes(request.request)) void answer(writer, scope, request);
    else last = last.then(() => answer(writer, scope, request));
  };
}

async function answer(
  writer: Writer,
  scope: ThreadScope<WriterReply>,
  { id, request }: NumberedRequest,
): Promise<void> {
  try {
    const value = await writer.handle(request);
    const { answers, results } = value as Partial<WriterApplied & RehearsalResults> ?? {};
    const bytes = answers ?? results;
    scope.post({ type: "answer", id, value }, bytes === undefined ? [] : transferOf(bytes));
    if (request.type === "apply") await writer.followLoad();
  } catch (error) {
    const isQuestion = request.type === "status" || request.type === "statements";
    if (isQuestion || error instanceof RefusedError) {
      scope.post({ type: "refused", id, message: messageOf(error) });
      return;
    }
    writer.abandon();
    scope.post({ type: "failed", message: messageOf(error), damaged: isDamaged(error) });
  }
}
