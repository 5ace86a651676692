import type { Clock } from "../../io/types.ts";
import type { Database } from "../../sqlite/mod.ts";
import type { PreparedStatement } from "../prepared_statement.ts";
import { type StatementFigures, StatementStatistics } from "./statement_statistics.ts";

/** Which statements are told of as slow, and how. */
export interface SlowOptions {
  /** Those that took so long, in ms. */
  readonly thresholdMs: number;
  /** With their values, in the text and in its parameters. */
  readonly withValues: boolean;
}

/** A statement that took long. */
export interface SlowStatement {
  readonly sql: string;
  readonly ms: number;
  readonly rows: number;
  readonly failed: boolean;
  /** As EXPLAIN QUERY PLAN has it, outer steps first; empty for what has none. */
  readonly plan: readonly string[];
}

/** The connection that a statement ran on. */
export interface Explainer {
  readonly database: Database;
  /** Runs `body` as the program's own SQL. */
  own<Result>(body: () => Result): Result;
}

export interface MeterParts {
  readonly clock: Clock;
  readonly slow: SlowOptions | undefined;
  readonly report: (statement: SlowStatement) => void;
}

/** Characters of a statement that are told with its values. */
const lengthMax = 4096;
const planStepsMax = 32;

/** Measures the statements that one thread runs for clients. */
export class StatementMeter {
  readonly #clock: Clock;
  readonly #slow: SlowOptions | undefined;
  readonly #report: (statement: SlowStatement) => void;
  readonly #statistics = new StatementStatistics();

  constructor({ clock, slow, report }: MeterParts) {
    this.#clock = clock;
    this.#slow = slow;
    this.#report = report;
  }

  now(): number {
    return this.#clock.now();
  }

  /**
   * A statement, whose own text is `sql`, is over, and its values are still bound. Rows are those that it has given or, if it changes some, changed.
   */
  ended(
    prepared: PreparedStatement,
    sql: string,
    { since, rows, failed }: { since: number; rows: number; failed: boolean },
    on: Explainer,
  ): void {
    const ms = this.#clock.now() - since;
    const record = this.#statistics.recordOf(sql, prepared.record);
    prepared.record = record;
    record.note(ms, rows, failed);
    if (this.#slow === undefined || ms < this.#slow.thresholdMs) return;
    const { statement } = prepared;
    this.#report({
      sql: this.#slow.withValues ? statement.expandedSql.slice(0, lengthMax) : record.sql,
      ms,
      rows,
      failed,
      plan: statement.isExplain === 0 ? planOf(sql, on) : [],
    });
  }

  get figures(): StatementFigures[] {
    return this.#statistics.figures;
  }
}

/** How SQLite goes about a statement; nothing where it cannot say, as of one that dropped its table. */
function planOf(sql: string, { database, own }: Explainer): string[] {
  try {
    return own(() => {
      using plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`);
      const steps: string[] = [];
      while (steps.length < planStepsMax && plan.step()) steps.push(String(plan.columnValue(3)));
      return steps;
    });
  } catch {
    return [];
  }
}
