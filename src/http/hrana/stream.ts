import type { SqlValue, Statement } from "../../store/types.ts";
import { bound } from "./arguments.ts";
import { Counters } from "./counters.ts";
import { endsTransaction, type HranaError, serviceErrorFor, sqliteError } from "./errors.ts";
import { done, failed, type Outcome, outcomeOf } from "./results.ts";
import { noStatement, onlyStatement, tooLong } from "./only_statement.ts";
import {
  changingVerbs,
  type Control,
  sqlLengthMax,
  statementsIn,
  type StatementText,
} from "./statement_text.ts";
import { StoredSql } from "./stored_sql.ts";
import { Turns } from "./turns.ts";
import type { Batch, HranaStatement, SqlSource } from "./types.ts";
import type { StatementRunner } from "./statement_runner.ts";

/** What a stream has open: its transaction at this node, or one that the server has ended. */
type Open =
  | { readonly type: "transaction"; readonly id: string }
  | { readonly type: "ended"; readonly error: HranaError };

/** A statement and what its parameters are, in their order. */
export interface BoundStatement {
  readonly text: StatementText;
  readonly values: readonly SqlValue[];
}

/**
 * What libSQL's clients take for a connection: statements by themselves, each an ordinary read or
 * write of the cluster's, and between BEGIN and COMMIT those of a transaction. Its requests come one
 * after the other.
 */
export class Stream {
  /** Whose it is; "" where nobody is asked who they are. */
  readonly user: string;
  readonly stored = new StoredSql();
  readonly #counters = new Counters();
  #open: Open | undefined;
  /** As the client has set them; undefined: as the cluster has them. */
  #foreignKeys: boolean | undefined;
  #last: Promise<void> = Promise.resolve();
  #underWay = 0;
  readonly #now: () => number;
  #idleSince: number;

  /** @param now In ms, by a clock that only goes on. */
  constructor(user: string, now: () => number = () => performance.now()) {
    this.user = user;
    this.#now = now;
    this.#idleSince = now();
  }

  get isAutocommit(): boolean {
    return this.#open === undefined;
  }

  /** Whether anything is lost with it. */
  get hasState(): boolean {
    return this.#open !== undefined || this.#foreignKeys !== undefined || this.stored.size > 0;
  }

  /** Whether it may have something to lose behind a batch. */
  mayKeepState(batch: Batch): boolean {
    return this.hasState ||
      batch.some(({ statement: { source } }) =>
        "sql" in source && /\b(?:begin|pragma)\b/i.test(source.sql)
      );
  }

  /** Since when nothing is asked of it; undefined while something is. */
  get idleSince(): number | undefined {
    return this.#underWay === 0 ? this.#idleSince : undefined;
  }

  /** Waits until all that was asked of it before is done; what is returned lets the next one in. */
  async enter(): Promise<() => void> {
    const before = this.#last;
    const mine = Promise.withResolvers<void>();
    this.#last = mine.promise;
    this.#underWay++;
    await before;
    return () => {
      this.#underWay--;
      this.#idleSince = this.#now();
      mine.resolve();
    };
  }

  /** Runs a statement. Throws a ProtocolError, or what is neither SQL's fault nor the cluster's. */
  async execute(statement: HranaStatement, runner: StatementRunner): Promise<Outcome> {
    const found = this.bound(statement);
    return "error" in found
      ? failed(found.error)
      : await this.run(found.text, found.values, runner);
  }

  /** A statement with its parameters in their order, or what is wrong with it. */
  bound(
    statement: HranaStatement,
  ): BoundStatement | { readonly error: HranaError } {
    const { source } = statement;
    const found = "sql" in source ? onlyStatement(source.sql) : this.stored.read(source.sqlId);
    if ("error" in found) return found;
    const parameters = bound(found.text, statement);
    return "error" in parameters ? parameters : { text: found.text, values: parameters.values };
  }

  /** Runs every statement of a text, up to the first that fails. */
  async sequence(source: SqlSource, runner: StatementRunner): Promise<HranaError | undefined> {
    const turns = new Turns();
    for (const text of statementsIn(this.stored.textOf(source))) {
      if (turns.isOver) await turns.take();
      if (text.sql.length > sqlLengthMax) return tooLong;
      const outcome = await this.run(text, [], runner);
      if (outcome.type === "failed") return outcome.error;
      if (outcome.result instanceof ReadableStream) await outcome.result.cancel();
    }
    return undefined;
  }

  /** What the first statement of a text is, in JSON. */
  async describe(source: SqlSource, runner: StatementRunner): Promise<Outcome> {
    const [text] = statementsIn(this.stored.textOf(source));
    if (text === undefined) return failed(noStatement);
    if (text.sql.length > sqlLengthMax) return failed(tooLong);
    if (text.control !== undefined) {
      const columns = text.control.type === "foreign_keys" && text.control.on === undefined
        ? foreignKeysColumn
        : "";
      return {
        type: "done",
        result: `{"params":[],"cols":[${columns}],"is_explain":false,"is_readonly":true}`,
      };
    }
    return await this.#guarded(async () =>
      outcomeOf(
        this.#open?.type === "transaction"
          ? await runner.describeIn(this.#open.id, text.sql)
          : await runner.describe(text.sql),
      )
    );
  }

  /** Runs one statement with its parameters in their order. */
  async run(
    text: StatementText,
    values: readonly SqlValue[],
    runner: StatementRunner,
  ): Promise<Outcome> {
    if (this.#open?.type === "ended") return this.#afterEnd(text, this.#open.error);
    const id = this.#open?.id;
    return await this.#guarded(async () => {
      if (text.control !== undefined) return await this.#control(text.control, text, runner);
      const statement = { sql: this.#counters.putInto(text), positional: values };
      return id === undefined
        ? await this.#alone(text.verb, statement, runner)
        : await this.#inTransaction(text.verb, statement, id, runner);
    });
  }

  /** Runs statements all or none, and returns what each came to: none behind the first that failed. */
  async runAtomically(
    statements: readonly BoundStatement[],
    runner: StatementRunner,
  ): Promise<Outcome[]> {
    let results: Outcome[] = [];
    const outcome = await this.#guarded(async () => {
      const asked = statements.map(({ text, values }) => ({
        sql: this.#counters.putInto(text),
        positional: values,
      }));
      results = await runner.writeAll(asked, this.#foreignKeys);
      return done;
    });
    if (outcome.type === "failed") return [outcome];
    const isDone = results.every(({ type }) => type === "done");
    return isDone
      ? results.map((result, i) => this.#noted(statements[i]?.text.verb ?? "", result))
      : results;
  }

  /** What it has open is taken back. */
  async close(runner: StatementRunner): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    if (open?.type !== "transaction") return;
    await this.#guarded(async () => {
      await runner.rollback(open.id);
      return done;
    });
  }

  #afterEnd({ control }: StatementText, error: HranaError): Outcome {
    if (control?.type !== "rollback") return failed(error);
    this.#open = undefined;
    return done;
  }

  async #control(
    control: Control,
    text: StatementText,
    runner: StatementRunner,
  ): Promise<Outcome> {
    switch (control.type) {
      case "begin":
        if (this.#open !== undefined) {
          return wrong("cannot start a transaction within a transaction");
        }
        this.#open = { type: "transaction", id: await runner.begin(control.mode) };
        return done;
      case "commit": {
        if (this.#open?.type !== "transaction") return wrong(noTransaction("commit"));
        const raftIndex = await runner.commit(this.#open.id);
        this.#open = undefined;
        return raftIndex > 0 ? { ...done, raftIndex } : done;
      }
      case "rollback":
        if (this.#open?.type !== "transaction") return wrong(noTransaction("rollback"));
        await runner.rollback(this.#open.id);
        this.#open = undefined;
        return done;
      case "foreign_keys":
        return await this.#setForeignKeys(control.on, text, runner);
    }
  }

  /** As in SQLite: of the connection, and passed over within a transaction. */
  async #setForeignKeys(
    on: boolean | undefined,
    { sql }: StatementText,
    runner: StatementRunner,
  ): Promise<Outcome> {
    if (on !== undefined) {
      // Within a transaction SQLite passes over it.
      if (this.#open === undefined) {
        const refusal = runner.foreignKeysRefusal;
        if (refusal !== undefined) return runner.refused(sql, refusal);
        this.#foreignKeys = on;
      }
      return done;
    }
    if (this.#foreignKeys === undefined) return await runner.read({ sql });
    const value = `{"type":"integer","value":"${Number(this.#foreignKeys)}"}`;
    return {
      type: "done",
      result: `{"cols":[${foreignKeysColumn}],"rows":[\n[${value}]\n],` +
        '"affected_row_count":0,"last_insert_rowid":null}',
    };
  }

  /** A statement by itself. What cannot be told to write is read: that says what is wrong with it. */
  async #alone(
    verb: string,
    statement: Statement,
    runner: StatementRunner,
  ): Promise<Outcome> {
    if (verb === "SAVEPOINT" || verb === "RELEASE" || verb === "ROLLBACK") {
      return wrong(`${verb} is refused outside of a transaction: begin one by BEGIN`);
    }
    if (!changingVerbs.has(verb) && !otherWritingVerbs.has(verb)) {
      const writes = !readingVerbs.has(verb) && await runner.writes(statement.sql);
      const outcome = writes ? undefined : await runner.read(statement);
      if (outcome !== undefined && !wantsToWrite(outcome)) return outcome;
    }
    return this.#noted(verb, await runner.write(statement, this.#foreignKeys));
  }

  async #inTransaction(
    verb: string,
    statement: Statement,
    id: string,
    runner: StatementRunner,
  ): Promise<Outcome> {
    const reads = readingVerbs.has(verb);
    const asked = { reads, foreignKeys: this.#foreignKeys };
    return this.#noted(verb, await runner.runIn(id, statement, asked));
  }

  /** What others change is no matter of changes() and last_insert_rowid(). */
  #noted(verb: string, outcome: Outcome): Outcome {
    if (!changingVerbs.has(verb)) return outcome;
    if (outcome.type === "failed") {
      if (outcome.error.code === "SQLITE_CONSTRAINT") this.#counters.noteFailure();
      return outcome;
    }
    if (typeof outcome.result !== "string") return outcome;
    return { ...outcome, result: this.#counters.noted(outcome.result) };
  }

  /** What fails on the cluster's side is the statement's outcome, and may end the transaction. */
  async #guarded(body: () => Promise<Outcome>): Promise<Outcome> {
    try {
      return await body();
    } catch (error) {
      const told = serviceErrorFor(error);
      if (told === undefined) throw error;
      if (this.#open?.type === "transaction" && endsTransaction(error)) {
        const message = `The transaction is over, send ROLLBACK: ${told.message}`;
        this.#open = { type: "ended", error: { ...told, message } };
      }
      return failed(told);
    }
  }
}

const foreignKeysColumn = '{"name":"foreign_keys","decltype":null}';

const readingVerbs: ReadonlySet<string> = new Set(["SELECT", "VALUES", "EXPLAIN"]);
const otherWritingVerbs: ReadonlySet<string> = new Set([
  "CREATE",
  "DROP",
  "ALTER",
  "ANALYZE",
  "REINDEX",
  "VACUUM",
]);

function wantsToWrite(outcome: Outcome): boolean {
  return outcome.type === "failed" && outcome.error.code === "SQLITE_READONLY";
}

function noTransaction(what: string): string {
  return `cannot ${what} - no transaction is active`;
}

function wrong(message: string): Outcome {
  return failed(sqliteError(message, "SQLITE_ERROR"));
}
