import { ByteWriter } from "../../base/bytes.ts";
import { messageOf } from "../../base/message_of.ts";
import { Database, InterruptCell, type LibraryLocation } from "../../sqlite/mod.ts";
import { foreignKeysPragma } from "../connection_pragmas.ts";
import { JsonText } from "../json/json_text.ts";
import {
  ReadCancelled,
  type ReadConnection,
  type ReadOutput,
  ReadRunner,
  timeoutText,
} from "./read_runner.ts";
import { liveOutput } from "./live_read.ts";
import { decodeTasks, PieceKind, type ReadTask, writeInspection, writePiece } from "./read_task.ts";
import { ReaderSignals } from "./reader_signals.ts";
import { SqlPolicy } from "../sql_policy.ts";
import {
  type SlowOptions,
  type SlowStatement,
  StatementMeter,
} from "../statements/statement_meter.ts";
import type { StatementFigures } from "../statements/statement_statistics.ts";
import type { ThreadScope } from "../threads.ts";
import { schemaNames, UserStatements } from "../user_statements.ts";

/** What the main thread sends to a reader. */
export type ReaderRequest =
  | {
    readonly type: "start";
    readonly library: LibraryLocation;
    readonly path: string;
    readonly foreignKeys: boolean;
    readonly slow: SlowOptions | undefined;
    readonly interrupts: SharedArrayBuffer;
    readonly signals: SharedArrayBuffer;
  }
  | {
    readonly type: "run";
    readonly tasks: ArrayBuffer;
    /** Of the only task, when they are long. */
    readonly statements: Uint8Array<ArrayBuffer> | undefined;
  }
  /** What PRAGMA foreign_keys says from now on. */
  | { readonly type: "foreign_keys"; readonly on: boolean }
  /** Asks for the figures of statements. */
  | { readonly type: "statements" }
  /** Closes the connection; the next task opens it again. */
  | { readonly type: "release" };

/** What a reader sends back. */
export type ReaderReply =
  | { readonly type: "pieces"; readonly bytes: ArrayBuffer }
  /** Every task of the message is answered, or was taken back. */
  | { readonly type: "idle" }
  | { readonly type: "released" }
  | { readonly type: "statements"; readonly figures: readonly StatementFigures[] }
  | { readonly type: "slow"; readonly statement: SlowStatement }
  /** What of the message is not answered has no answer; the connection is closed. */
  | { readonly type: "refused"; readonly message: string };

/** From here on an answer is sent in parts, of about this size. */
const partBytes = 0x4_0000;
/** How long a finished answer may wait for the next ones of its message, in ms. */
const holdMs = 1;
/** Room that is kept from one answer to the next. */
const keptRoomBytes = 0x10_0000;

const cacheKib = 16_384;
const busyTimeoutMs = 5000;

type Start = Extract<ReaderRequest, { type: "start" }>;
type Run = Extract<ReaderRequest, { type: "run" }>;

class Reader {
  readonly #scope: ThreadScope<ReaderReply>;
  readonly #start: Start;
  readonly #library;
  readonly #interrupts: InterruptCell;
  readonly #signals: ReaderSignals;
  readonly #meter: StatementMeter;
  /** Since the task under way began, for its client to take what it was sent. */
  #waitedMs = 0;
  #connection: ReadConnection | undefined;
  #runner: ReadRunner | undefined;
  #pieces = new ByteWriter(0x1_0000);
  #heldSince = 0;
  #json = new JsonText();
  #foreignKeys: boolean;

  constructor(scope: ThreadScope<ReaderReply>, start: Start) {
    this.#scope = scope;
    this.#start = start;
    this.#foreignKeys = start.foreignKeys;
    this.#library = scope.openLibrary(start.library);
    this.#interrupts = new InterruptCell(start.interrupts);
    this.#signals = new ReaderSignals(start.signals, scope.wait);
    this.#meter = new StatementMeter({
      clock: scope.clock,
      slow: start.slow,
      report: (statement) => scope.post({ type: "slow", statement }),
    });
  }

  #open(): ReadRunner {
    const database = new Database(this.#start.path, {
      library: this.#library,
      readonly: true,
      busyTimeoutMs,
    });
    const policy = new SqlPolicy("read", this.#foreignKeys);
    const lookUp = () => policy.trusted(() => schemaNames(database));
    const users = new UserStatements(database, policy, lookUp);
    const own = <Result>(body: () => Result) => policy.trusted(body);
    this.#connection = { database, policy, users, own };
    this.#interrupts.attach(database);
    database.exec("PRAGMA query_only = ON");
    database.exec(`PRAGMA cache_size = -${cacheKib}`);
    database.exec(foreignKeysPragma(this.#foreignKeys));
    policy.install(database);
    this.#runner = new ReadRunner(this.#connection, this.#scope.clock, this.#meter);
    return this.#runner;
  }

  set foreignKeys(on: boolean) {
    this.#foreignKeys = on;
    if (this.#connection === undefined) return;
    const { database, policy } = this.#connection;
    policy.trusted(() => database.exec(foreignKeysPragma(on)));
    policy.foreignKeys = on;
  }

  get statements(): StatementFigures[] {
    return this.#meter.figures;
  }

  release(): void {
    if (this.#connection === undefined) return;
    this.#interrupts.detach();
    this.#connection.database.close();
    this.#connection = undefined;
    this.#runner = undefined;
  }

  /** After a failure: sends what is finished, and begins anew with the next message. */
  abandon(): void {
    this.#send();
    this.release();
  }

  run(tasks: readonly ReadTask[]): void {
    const runner = this.#runner ?? this.#open();
    tasks.forEach((task, slot) => {
      if (!this.#signals.start(slot)) return;
      this.#interrupts.begin(task.task);
      try {
        if (task.inspect) this.#inspect(runner, task);
        else if (task.live) this.#live(runner, task);
        else this.#read(runner, task);
      } finally {
        this.#interrupts.end();
      }
      const now = this.#scope.clock.now();
      if (this.#heldSince === 0) this.#heldSince = now;
      else if (now - this.#heldSince > holdMs) this.#send();
    });
    this.#send();
  }

  #inspect(runner: ReadRunner, { task, statements, rights }: ReadTask): void {
    const writer = new ByteWriter();
    runner.inspect(statements, rights, (result) => writeInspection(writer, result));
    writePiece(this.#pieces, task, PieceKind.whole, writer.view());
  }

  #live(runner: ReadRunner, task: ReadTask): void {
    const json = this.#json;
    json.length = 0;
    const stopped = () => this.#interrupts.interrupted ? timeoutText : undefined;
    runner.runLive(task, liveOutput(json, stopped));
    writePiece(this.#pieces, task.task, PieceKind.whole, json.bytes.subarray(0, json.length));
    if (json.bytes.length > keptRoomBytes) this.#json = new JsonText();
  }

  #read(runner: ReadRunner, read: ReadTask): void {
    const { task } = read;
    const json = this.#json;
    json.length = 0;
    let sentBytes = 0;
    this.#waitedMs = 0;
    const output: ReadOutput = {
      json,
      stopped: () => this.#interrupts.interrupted ? timeoutText : undefined,
      rowWritten: () => {
        if (json.length < partBytes) return;
        if (sentBytes === 0) this.#signals.beginStream();
        this.#part(task, PieceKind.part);
        sentBytes += json.length;
        json.length = 0;
      },
      waitedMs: () => this.#waitedMs,
      get sentBytes() {
        return sentBytes;
      },
    };
    try {
      runner.run(read, output);
      if (sentBytes > 0) {
        this.#part(task, PieceKind.last);
      } else {
        writePiece(
          this.#pieces,
          task,
          PieceKind.whole,
          json.bytes.subarray(0, json.length),
        );
      }
    } catch (error) {
      if (!(error instanceof ReadCancelled)) throw error;
      writePiece(this.#pieces, task, PieceKind.cancelled, new Uint8Array(0));
    }
    if (json.bytes.length > keptRoomBytes) this.#json = new JsonText();
  }

  #part(task: number, kind: number): void {
    this.#send();
    const since = this.#meter.now();
    const granted = this.#signals.awaitCredit(task);
    this.#waitedMs += this.#meter.now() - since;
    if (!granted) throw new ReadCancelled();
    writePiece(this.#pieces, task, kind, this.#json.bytes.subarray(0, this.#json.length));
    this.#send();
  }

  #send(): void {
    this.#heldSince = 0;
    if (this.#pieces.length === 0) return;
    const { buffer } = this.#pieces.copy();
    this.#pieces.reset();
    this.#scope.post({ type: "pieces", bytes: buffer }, [buffer]);
  }
}

/** A reader's thread: one message after the other. */
export function readerThread(scope: ThreadScope<ReaderReply>): (request: ReaderRequest) => void {
  let reader: Reader | undefined;
  return (request) => {
    switch (request.type) {
      case "start":
        reader = new Reader(scope, request);
        break;
      case "run":
        if (reader !== undefined) run(reader, scope, request);
        scope.post({ type: "idle" });
        break;
      case "foreign_keys":
        if (reader !== undefined) reader.foreignKeys = request.on;
        break;
      case "statements":
        scope.post({ type: "statements", figures: reader?.statements ?? [] });
        break;
      case "release":
        reader?.release();
        scope.post({ type: "released" });
        break;
    }
  };
}

/** What fails here is the reads' alone: a connection that cannot be had now may be later. */
function run(reader: Reader, scope: ThreadScope<ReaderReply>, request: Run): void {
  try {
    reader.run(tasksOf(request));
  } catch (error) {
    reader.abandon();
    scope.post({ type: "refused", message: messageOf(error) });
  }
}

function tasksOf({ tasks, statements }: Run): readonly ReadTask[] {
  const decoded = decodeTasks(new Uint8Array(tasks));
  return statements === undefined ? decoded : decoded.map((task) => ({ ...task, statements }));
}
