import { messageOf } from "../../base/message_of.ts";
import type { Clock } from "../../io/types.ts";
import { type Database, SqliteError, SqlSource } from "../../sqlite/mod.ts";
import { isInterrupt, isReadonly, StatementError } from "../failures.ts";
import { type JsonText, wholeNanoseconds } from "../json/json_text.ts";
import { keptBytesMax, Parameters } from "../parameters.ts";
import {
  isBlank,
  isVacuumInto,
  type PreparedStatement,
  prepareNext,
  type StatementKind,
} from "../prepared_statement.ts";
import { RenderError, RowsWriter, writeEmpty, writeError } from "../json/result_json.ts";
import { type SqlPolicy, writeRefused } from "../sql_policy.ts";
import type { AnswerFormat } from "../types.ts";
import type { UserStatements } from "../user_statements.ts";
import type { ReadTask } from "./read_task.ts";

export interface ReadConnection {
  readonly database: Database;
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
  readonly #parameters = new Parameters();
  /** Of the schema that statements with rights by table were prepared for. */
  #schemaVersion: unknown;

  constructor(connection: ReadConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  run({ statements, format, transaction, rights }: ReadTask, output: ReadOutput): void {
    const texts = () => this.#texts(statements, format, output);
    if (rights !== undefined) this.#guarded(rights, texts);
    else if (transaction) this.#inTransaction(texts);
    else texts();
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
    const emptyRows = () => format.associative && (!format.unified || prepared);
    try {
      const stopped = output.stopped();
      if (stopped !== undefined) {
        writeError(json, stopped, emptyRows());
        return;
      }
      const kept = this.#connection.users.cache.prepare(sql);
      prepared = kept !== undefined;
      if (kept !== undefined) this.#rows(kept, 0, format, output, true);
      else this.#fresh(sql, format, output, () => prepared = true);
    } catch (error) {
      if (error instanceof ReadCancelled) throw error;
      if (output.sentBytes > sent) throw error;
      json.length = start;
      writeError(json, this.#textOf(error, output), emptyRows());
    }
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
        writeEmpty(output.json, true, format.timings ? wholeNanoseconds(elapsedMs) : 0, format);
        return;
      }
      using statement = prepared.statement;
      refuseVacuum(prepared.kind, source.text(statement.sqlStart, statement.sqlEnd));
      if (isBlank(source)) {
        this.#rows(prepared, used, format, output, false);
        return;
      }
      this.#parameters.bind(statement, used);
      while (statement.step());
      used += statement.bindParameterCount;
    }
  }

  #rows(
    { statement }: PreparedStatement,
    used: number,
    format: AnswerFormat,
    output: ReadOutput,
    kept: boolean,
  ): void {
    const { json } = output;
    const startedAt = format.timings ? this.#clock.now() : 0;
    const sent = output.sentBytes;
    const bound = this.#parameters.bind(statement, used);
    let writer: RowsWriter | undefined;
    try {
      let hasRow = statement.step();
      writer = new RowsWriter(json, statement, format, hasRow);
      for (; hasRow; hasRow = statement.step()) {
        writer.row();
        output.rowWritten();
      }
      writer.end(format.timings ? wholeNanoseconds(this.#clock.now() - startedAt) : 0);
    } catch (error) {
      // What was sent cannot be taken back: its end says that it is not all.
      const partial = output.sentBytes > sent && !(error instanceof ReadCancelled);
      if (!partial || writer === undefined) throw error;
      writer.endPartial(this.#textOf(error, output));
    } finally {
      statement.reset();
      if (kept && bound > keptBytesMax) statement.clearBindings();
    }
  }

  #textOf(error: unknown, output: ReadOutput): string {
    if (isReadonly(error)) return writeRefused;
    if (isInterrupt(error)) return output.stopped() ?? timeoutText;
    if (error instanceof SqliteError) return this.#connection.policy.explain(error);
    if (error instanceof RenderError || error instanceof StatementError) return error.message;
    return messageOf(error);
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
  #inspectText(sql: string): boolean | string {
    const { database, policy } = this.#connection;
    const source = new SqlSource(sql);
    try {
      for (;;) {
        const prepared = prepareNext(database, policy, source);
        if (prepared === undefined) return true;
        prepared.statement.finalize();
        if (!prepared.readonly || prepared.notes.pragma !== undefined) return false;
      }
    } catch (error) {
      const refused = error instanceof StatementError ||
        (error instanceof SqliteError && policy.refusal(error) !== undefined);
      return refused ? false : messageOf(error);
    }
  }
}

/** VACUUM fails only once it attaches a database, which would be refused for that; INTO is, rightly. */
function refuseVacuum(kind: StatementKind, sql: string): void {
  if (kind === "vacuum" && !isVacuumInto(sql)) throw new StatementError(writeRefused);
}
