import { Database, type Statement as SqliteStatement } from "../../sqlite/mod.ts";
import { foreignKeysPragma } from "../connection_pragmas.ts";
import { isInterrupt } from "../failures.ts";
import { JsonText, wholeNanoseconds } from "../json/json_text.ts";
import type { Holder } from "../life_cycle.ts";
import {
  boundInstructions,
  narrowed,
  quickActions,
  quickAuthorizer,
  type QuickParts,
} from "../quick_connection.ts";
import { type PreparedStatement, StatementCache } from "../prepared_statement.ts";
import { resultWriter } from "../json/result_writer.ts";
import type { Explainer } from "../statements/statement_meter.ts";
import {
  type AnswerFormat,
  EncodedStatements,
  type ReadRequest,
  SqlReal,
  type SqlValue,
  type Statement,
  type Statements,
} from "../types.ts";

/** Statements of a request, and length of a text or a parameter, beyond which nothing is tried here. */
const statementsMax = 8;
const lengthMax = 4096;
const instructionsPerTick = 100;

/** What is left to a reader. */
export interface QuickBounds {
  /** Bytes of an answer beyond which a reader has the work. */
  readonly answerBytesMax: number;
  /** Instructions of SQLite's virtual machine that a statement may take, in hundreds. */
  readonly ticksMax: number;
  /** Time that a request may take, in ms. */
  readonly durationMsMax: number;
}

/** On the main thread, where nothing may take long. */
const mainBounds: QuickBounds = { answerBytesMax: 0x8000, ticksMax: 10, durationMsMax: 1 };
/** How often a statement that took too long goes straight to a reader before it is tried again. */
const passesAfterFailure = 32;

const cacheKib = 4096;

/** Thrown to leave a request to a reader; made once, as its stack tells nothing. */
const tooMuch = new Error("The read is none for the main thread");

/** What it is made of; of the life of the file it asks no more than whether that may be read. */
export type QuickReaderParts = Omit<QuickParts, "life"> & {
  readonly life: Pick<QuickParts["life"], "isOpen" | "hold">;
};

interface QuickConnection extends Explainer {
  readonly cache: StatementCache;
  /** Prepared anew by SQLite when it is run after a change of the schema. */
  readonly probe: SqliteStatement;
}

/**
 * Answers reads that are over in a moment, a row by its key, on the thread that was asked itself. To hand
 * such a read to another thread and back costs several times what SQLite takes for it (measured
 * with one client: 86 µs a request in place of 216).
 *
 * Nothing here may take long. A read is given up, and begun anew by a reader, when it runs for
 * more than a thousand instructions or a millisecond, or meets a long value. No single instruction
 * may be slow either: the authorizer, asked whenever a statement is prepared or prepared again,
 * refuses functions that could be, and this connection has no virtual tables but SQLite's own over
 * JSON. Every error is left to a reader, which finds it again and words it.
 */
export class QuickReader implements Holder {
  readonly #parts: QuickReaderParts;
  readonly #bounds: QuickBounds;
  readonly #json = new JsonText();
  /** How often to pass a statement over that took too long. */
  readonly #passes = new WeakMap<PreparedStatement, number>();
  #connection: QuickConnection | undefined;
  /** Ticks that the running statement has left; without limit while the schema may be read. */
  #ticksLeft = Number.POSITIVE_INFINITY;
  #deadline = 0;

  constructor(parts: QuickReaderParts, bounds = mainBounds) {
    this.#parts = parts;
    this.#bounds = bounds;
    parts.life.hold(this);
  }

  /** The answer, or undefined when a reader has to find it. */
  read(request: ReadRequest): Uint8Array<ArrayBuffer> | undefined {
    const { statements, transaction, format, rights } = request;
    if (transaction || !areShort(statements) || rights !== undefined || format.describes) {
      return undefined;
    }
    return this.#try(() => this.#read(statements, format));
  }

  /** Whether each statement is read-only; undefined when a reader has to find out. */
  inspect(statements: Statements): boolean[] | undefined {
    return areShort(statements) ? this.#try(() => this.#inspect(statements)) : undefined;
  }

  /** What `body` returns; undefined where it may not be tried, or throws. */
  #try<Result>(body: () => Result): Result | undefined {
    const { life, clock, quickSwitch } = this.#parts;
    if (!life.isOpen) return undefined;
    const startedAt = clock.now();
    if (!quickSwitch.isOn(startedAt)) return undefined;
    this.#deadline = startedAt + this.#bounds.durationMsMax;
    try {
      return body();
    } catch {
      return undefined;
    } finally {
      quickSwitch.took(startedAt, clock.now());
    }
  }

  #read(statements: readonly Statement[], format: AnswerFormat): Uint8Array<ArrayBuffer> {
    const json = this.#json;
    json.length = 0;
    for (const statement of statements) {
      if (statement.sql === "") continue;
      if (json.length > 0) json.ascii(",");
      this.#run(statement, format);
    }
    return json.copy();
  }

  #inspect(statements: readonly Statement[]): boolean[] | undefined {
    const { cache } = this.#connection ?? this.#open();
    const readonly = statements.every(({ sql }) => isQuery(cache.prepare(sql)));
    return readonly ? statements.map(() => true) : undefined;
  }

  #run({ sql, positional = [] }: Statement, format: AnswerFormat): void {
    const connection = this.#connection ?? this.#open();
    const { cache } = connection;
    const prepared = cache.prepare(sql);
    if (!isQuery(prepared)) throw tooMuch;
    const passes = this.#passes.get(prepared) ?? 0;
    if (passes > 0) {
      this.#passes.set(prepared, passes - 1);
      throw tooMuch;
    }
    const { statement } = prepared;
    bind(statement, positional);
    this.#ticksLeft = this.#bounds.ticksMax;
    const { meter } = this.#parts;
    const since = meter.now();
    let count = 0;
    try {
      let hasRow = statement.step();
      const rows = resultWriter(this.#json, prepared, format, hasRow);
      for (; hasRow; hasRow = statement.step()) {
        rows.row();
        count++;
        if (this.#json.length > this.#bounds.answerBytesMax) throw tooMuch;
      }
      rows.end(format.timings ? wholeNanoseconds(this.#parts.clock.now() - since) : 0);
      this.#ticksLeft = Number.POSITIVE_INFINITY;
      meter.ended(prepared, sql, { since, rows: count, failed: false }, connection);
    } catch (error) {
      const schemaWasOld = isInterrupt(error) && this.#readSchema();
      if (!schemaWasOld) this.#passes.set(prepared, passesAfterFailure);
      throw error;
    } finally {
      this.#ticksLeft = Number.POSITIVE_INFINITY;
      statement.reset();
    }
  }

  /**
   * Reads the schema again when it has changed, and says whether it had: to read a large one takes
   * more than a statement may, which would fail for ever.
   */
  #readSchema(): boolean {
    const probe = this.#connection?.probe;
    if (probe === undefined) return false;
    this.#ticksLeft = Number.POSITIVE_INFINITY;
    const before = probe.repreparations;
    probe.step();
    probe.reset();
    return probe.repreparations !== before;
  }

  #open(): QuickConnection {
    const { path, library, foreignKeys } = this.#parts;
    const database = new Database(path, { library, readonly: true });
    try {
      database.exec("PRAGMA query_only = ON");
      database.exec(`PRAGMA cache_size = -${cacheKib}`);
      database.exec(foreignKeysPragma(foreignKeys));
      boundInstructions(database);
      database.setAuthorizer(narrowed(quickAuthorizer, library), quickActions);
      database.setProgressHandler(instructionsPerTick, () => this.#isOver());
      this.#connection = {
        database,
        own: (body) => body(),
        cache: new StatementCache(database),
        probe: database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1", { persistent: true }),
      };
      return this.#connection;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  #isOver(): boolean {
    if (this.#ticksLeft === Number.POSITIVE_INFINITY) return false;
    return --this.#ticksLeft < 0 || this.#parts.clock.now() > this.#deadline;
  }

  release(): void {
    this.#connection?.database.close();
    this.#connection = undefined;
  }

  fail(): void {
    this.release();
  }
}

/**
 * What reads and has no columns would change the schema if there were something to change: REINDEX
 * of a table without an index. By the schema as it is there may be.
 */
function isQuery(prepared: PreparedStatement | undefined): prepared is PreparedStatement {
  return prepared !== undefined && prepared.readonly && prepared.hasColumns;
}

function areShort(statements: Statements): statements is readonly Statement[] {
  return !(statements instanceof EncodedStatements) && statements.length <= statementsMax &&
    statements.every(isShort);
}

function isShort({ sql, positional, named }: Statement): boolean {
  return sql.length <= lengthMax && named === undefined &&
    (positional === undefined || positional.every(isShortValue));
}

function isShortValue(value: SqlValue): boolean {
  return typeof value === "string" || value instanceof Uint8Array
    ? value.length <= lengthMax
    : true;
}

function bind(statement: SqliteStatement, positional: readonly SqlValue[]): void {
  const wanted = statement.bindParameterCount;
  if (positional.length < wanted) throw tooMuch;
  for (let i = 0; i < wanted; i++) {
    const value = positional[i];
    if (value instanceof SqlReal) statement.bindDouble(i + 1, value.value);
    else statement.bindValue(i + 1, value);
  }
}
