import { messageOf } from "../../base/message_of.ts";
import type { Clock } from "../../io/types.ts";
import { SqliteError, SqlSource } from "../../sqlite/mod.ts";
import {
  codeOf,
  type Failure,
  isInterrupt,
  isOfSchema,
  isReadonly,
  StatementError,
} from "../failures.ts";
import { type JsonText, wholeNanoseconds } from "../json/json_text.ts";
import { keptBytesMax, Parameters } from "../parameters.ts";
import {
  isBlank,
  isVacuumInto,
  type PreparedStatement,
  prepareNext,
  type StatementKind,
} from "../prepared_statement.ts";
import { type ResultWriter, resultWriter, writeFailure, writeNone } from "../json/result_writer.ts";
import { writeDescription } from "../json/typed_json.ts";
import { type SqlPolicy, writeRefused } from "../sql_policy.ts";
import type { AnswerFormat } from "../types.ts";
import type { Explainer, StatementMeter } from "../statements/statement_meter.ts";
import type { UserStatements } from "../user_statements.ts";
import { LiveOrigins, refuseUnlessLive, writeLiveOrigin } from "./live_read.ts";
import type { ReadTask } from "./read_task.ts";

export interface ReadConnection extends Explainer {
  readonly policy: SqlPolicy;
  readonly users: UserStatements;
}

/** Where a read's answer goes. */
export interface ReadOutput {
  readonly json: JsonText;
  /** Why the task was told to stop; undefined while it was not. */
  stopped(): string | undefined;
  /** Called after each row: may send what is written and empty `json`. Throws to give up. */
  rowWritten(): void;
  /** How long was waited until more could be sent, in ms. */
  waitedMs(): number;
  /** How much was sent: a result that began before can no longer be replaced. */
  readonly sentBytes: number;
}

/** Thrown by an output whose reader has gone: nothing more is to be written. */
export class ReadCancelled {}

/** Of a statement that a timeout ended, or kept from being started. */
export const timeoutText = "query timeout";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Runs the texts of a read and writes their results, separated by commas. */
export class ReadRunner {
  readonly #connection: ReadConnection;
  readonly #clock: Clock;
  readonly #meter: StatementMeter;
  readonly #parameters = new Parameters();
  readonly #liveOrigins: LiveOrigins;
  /** Of the schema that statements with rights by table were prepared for. */
  #schemaVersion: unknown;

  constructor(connection: ReadConnection, clock: Clock, meter: StatementMeter) {
    this.#connection = connection;
    this.#liveOrigins = new LiveOrigins(connection);
    this.#clock = clock;
    this.#meter = meter;
  }

  run({ statements, format, transaction, rights }: ReadTask, output: ReadOutput): void {
    const texts = () => this.#texts(statements, format, output);
    if (rights !== undefined) this.#guarded(rights, texts);
    else if (transaction) this.#inTransaction(texts);
    else texts();
  }

  /** Runs one SELECT, and tells what its rows are of. */
  runLive({ statements, format, rights }: ReadTask, output: ReadOutput): void {
    const body = () => {
      for (const sql of this.#eachText(statements)) this.#live(sql, format, output);
    };
    if (rights === undefined) this.#inTransaction(body);
    else this.#guarded(rights, body);
  }

  #live(sql: string, format: AnswerFormat, output: ReadOutput, isNewest = false): void {
    const { json } = output;
    const startedAt = this.#clock.now();
    try {
      const prepared = this.#connection.users.cache.prepare(sql);
      refuseUnlessLive(prepared);
      const origin = this.#liveOrigins.of(sql);
      this.#rows(prepared, { sql, used: 0, format, output, kept: true });
      writeLiveOrigin(json, origin, this.#clock.now() - startedAt);
    } catch (error) {
      json.length = 0;
      if (!isNewest && isOfSchema(error) && this.#readSchema()) {
        return this.#live(sql, format, output, true);
      }
      writeFailure(json, this.#failureOf(error, output), format, false);
    }
  }

  #inTransaction(body: () => void): void {
    const { database, policy } = this.#connection;
    policy.trusted(() => database.exec("BEGIN"));
    try {
      body();
    } finally {
      policy.trusted(() => database.exec("ROLLBACK"));
    }
  }

  /**
   * In a transaction, so that what statements were allowed for is the schema that they run with:
   * SQLite prepares one again by itself when another connection has changed that.
   */
  #guarded(rights: string, body: () => void): void {
    this.#inTransaction(() => {
      const { database, policy, users } = this.#connection;
      const version = policy.trusted(() => database.scalar("PRAGMA schema_version"));
      if (version !== this.#schemaVersion) users.schemaChanged();
      this.#schemaVersion = version;
      users.within(rights, body);
    });
  }

  #texts(statements: Uint8Array, format: AnswerFormat, output: ReadOutput): void {
    for (const sql of this.#eachText(statements)) {
      if (sql === "") continue;
      if (output.json.length > 0 || output.sentBytes > 0) output.json.byte(0x2c);
      this.#text(sql, format, output);
    }
  }

  /** The SQL of each text; its parameters are then in place. */
  *#eachText(statements: Uint8Array): IterableIterator<string> {
    const view = new DataView(statements.buffer, statements.byteOffset, statements.byteLength);
    let at = 4;
    for (let left = view.getUint32(0, true); left > 0; left--) {
      const length = view.getUint32(at, true);
      const sql = decoder.decode(statements.subarray(at + 4, at + 4 + length));
      at = this.#parameters.read(statements, view, at + 4 + length);
      yield sql;
    }
  }

  #text(sql: string, format: AnswerFormat, output: ReadOutput): void {
    const { json } = output;
    const start = json.length;
    const sent = output.sentBytes;
    let prepared = false;
    const query = () => !format.unified || prepared;
    const fresh = () => this.#fresh(sql, format, output, () => prepared = true);
    try {
      const stopped = output.stopped();
      if (stopped !== undefined) {
        writeFailure(json, { message: stopped, code: "SQLITE_INTERRUPT" }, format, query());
        return;
      }
      if (format.describes) return this.#describe(sql, json);
      try {
        const kept = this.#connection.users.cache.prepare(sql);
        prepared = kept !== undefined;
        if (kept !== undefined) this.#rows(kept, { sql, used: 0, format, output, kept: true });
        else fresh();
      } catch (error) {
        if (!isOfSchema(error) || output.sentBytes > sent) throw error;
        // By the schema as it is it may be no write, or find what was not there.
        if (!this.#readSchema() && !isReadonly(error)) throw error;
        json.length = start;
        prepared = false;
        fresh();
      }
    } catch (error) {
      if (error instanceof ReadCancelled) throw error;
      if (output.sentBytes > sent) throw error;
      json.length = start;
      writeFailure(json, this.#failureOf(error, output), format, query());
    }
  }

  /**
   * Has the connection notice that another has changed the schema, and says whether it had not yet.
   * What reads tables notices by itself when it is run; what would change the schema is prepared by
   * the one that is known, and its errors are of that one.
   */
  #readSchema(): boolean {
    const { database, policy } = this.#connection;
    return policy.trusted(() => {
      using probe = database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1");
      probe.step();
      return probe.repreparations > 0;
    });
  }

  #fresh(sql: string, format: AnswerFormat, output: ReadOutput, begun: () => void): void {
    const { database, policy } = this.#connection;
    const source = new SqlSource(sql);
    const startedAt = this.#clock.now();
    for (let used = 0;;) {
      const prepared = prepareNext(database, policy, source);
      begun();
      if (prepared === undefined) {
        const elapsedMs = this.#clock.now() - startedAt;
        writeNone(output.json, true, format.timings ? wholeNanoseconds(elapsedMs) : 0, format);
        return;
      }
      using statement = prepared.statement;
      const own = source.text(statement.sqlStart, statement.sqlEnd);
      refuseVacuum(prepared.kind, own);
      if (isBlank(source)) {
        this.#rows(prepared, { sql: own, used, format, output, kept: false });
        return;
      }
      this.#pass(prepared, own, used);
      used += statement.bindParameterCount;
    }
  }

  /** Runs one whose rows nobody gets: others follow in its text. */
  #pass(prepared: PreparedStatement, sql: string, used: number): void {
    const { statement } = prepared;
    const since = this.#meter.now();
    let rows = 0;
    let failed = true;
    this.#parameters.bind(statement, used);
    try {
      while (statement.step()) rows++;
      failed = false;
    } finally {
      this.#meter.ended(prepared, sql, { since, rows, failed }, this.#connection);
    }
  }

  #rows(
    prepared: PreparedStatement,
    { sql, used, format, output, kept }: {
      readonly sql: string;
      readonly used: number;
      readonly format: AnswerFormat;
      readonly output: ReadOutput;
      readonly kept: boolean;
    },
  ): void {
    const { statement } = prepared;
    const { json } = output;
    const since = this.#meter.now();
    const waitedBefore = output.waitedMs();
    let rows = 0;
    let failed = true;
    const sent = output.sentBytes;
    const bound = this.#parameters.bind(statement, used);
    let writer: ResultWriter | undefined;
    try {
      let hasRow = statement.step();
      writer = resultWriter(json, prepared, format, hasRow);
      for (; hasRow; hasRow = statement.step()) {
        writer.row();
        rows++;
        output.rowWritten();
      }
      failed = false;
      writer.end(format.timings ? wholeNanoseconds(this.#clock.now() - since) : 0);
    } catch (error) {
      // What was sent cannot be taken back: its end says that it is not all.
      const partial = output.sentBytes > sent && !(error instanceof ReadCancelled);
      if (!partial || writer === undefined) throw error;
      writer.endPartial(this.#failureOf(error, output));
    } finally {
      statement.reset();
      // The time in which a client took nothing of a long answer is none of the statement's.
      const began = since + output.waitedMs() - waitedBefore;
      this.#meter.ended(prepared, sql, { since: began, rows, failed }, this.#connection);
      if (kept && bound > keptBytesMax) statement.clearBindings();
    }
  }

  #failureOf(error: unknown, output: ReadOutput): Failure {
    const code = codeOf(error);
    if (isReadonly(error)) return { message: writeRefused, code };
    if (isInterrupt(error)) return { message: output.stopped() ?? timeoutText, code };
    if (error instanceof SqliteError) {
      const refusal = this.#connection.policy.refusal(error);
      return refusal === undefined
        ? { message: error.message, code }
        : { message: refusal.text, code: "SQLITE_AUTH" };
    }
    return { message: messageOf(error), code };
  }

  /** Tells of a text's first statement what it is: by the schema as it is, as nothing is run. */
  #describe(sql: string, json: JsonText): void {
    const { database, policy } = this.#connection;
    this.#readSchema();
    const prepared = prepareNext(database, policy, new SqlSource(sql));
    if (prepared === undefined) throw new StatementError("There is no statement to describe");
    using _ = prepared.statement;
    writeDescription(json, prepared);
  }

  /** Tells of each text whether all of it is read-only, or why it cannot be prepared. */
  inspect(
    statements: Uint8Array,
    rights: string | undefined,
    tell: (result: boolean | string) => void,
  ): void {
    const texts = () => {
      for (const sql of this.#eachText(statements)) tell(this.#inspectText(sql));
    };
    if (rights === undefined) texts();
    else this.#guarded(rights, texts);
  }

  /**
   * What this connection's policy refuses is not read-only: the write path will say more. It must
   * be refused here, too, since some PRAGMAs take effect when they are prepared.
   */
  #inspectText(sql: string, isNewest = false): boolean | string {
    const { database, policy } = this.#connection;
    const source = new SqlSource(sql);
    try {
      for (;;) {
        const prepared = prepareNext(database, policy, source);
        if (prepared === undefined) return true;
        prepared.statement.finalize();
        if (!prepared.readonly || prepared.notes.pragma !== undefined) return false;
        // No query: by the schema as it is there may be something for it to do.
        if (!prepared.hasColumns && !isNewest) {
          this.#readSchema();
          return this.#inspectText(sql, true);
        }
      }
    } catch (error) {
      const refused = error instanceof StatementError ||
        (error instanceof SqliteError && policy.refusal(error) !== undefined);
      if (refused) return false;
      // By the schema as it is there may be nothing wrong with it.
      if (!isNewest && isOfSchema(error) && this.#readSchema()) {
        return this.#inspectText(sql, true);
      }
      return messageOf(error);
    }
  }
}

/** VACUUM fails only once it attaches a database, which would be refused for that; INTO is, rightly. */
function refuseVacuum(kind: StatementKind, sql: string): void {
  if (kind === "vacuum" && !isVacuumInto(sql)) throw new StatementError(writeRefused);
}
