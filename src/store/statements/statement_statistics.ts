import { Histogram } from "../../base/histogram.ts";
import { normalSql } from "../../sqlite/mod.ts";
import type { StatementSummary } from "./statement_summary.ts";

/** Statements that a thread keeps figures of. */
const statementsMax = 500;

/** Upper bounds in ms, two for each doubling: from a microsecond to about a hundred seconds. */
const bounds: readonly number[] = Array.from({ length: 54 }, (_, i) => 0.001 * 2 ** (i / 2));

/** What a thread tells of the runs of one statement. */
export interface StatementFigures {
  readonly sql: string;
  readonly failures: number;
  readonly rows: number;
  readonly maxMs: number;
  readonly totalMs: number;
  readonly counts: readonly number[];
}

/** What came of the runs of statements that differ in nothing but their values. */
export class StatementRecord {
  readonly sql: string;
  readonly #durations = new Histogram(bounds);
  #failures = 0;
  #rows = 0;
  #maxMs = 0;

  /** @param sql Without its values. */
  constructor(sql: string) {
    this.sql = sql;
  }

  get totalMs(): number {
    return this.#durations.sum;
  }

  note(ms: number, rows: number, failed: boolean): void {
    this.#durations.observe(ms);
    this.#rows += rows;
    if (ms > this.#maxMs) this.#maxMs = ms;
    if (failed) this.#failures++;
  }

  /** Adds what another thread has kept. */
  add({ failures, rows, maxMs, totalMs, counts }: StatementFigures): void {
    const durations = this.#durations;
    counts.forEach((count, i) => durations.counts[i] = (durations.counts[i] ?? 0) + count);
    durations.sum += totalMs;
    this.#failures += failures;
    this.#rows += rows;
    this.#maxMs = Math.max(this.#maxMs, maxMs);
  }

  get figures(): StatementFigures {
    const { sum: totalMs, counts } = this.#durations;
    return {
      sql: this.sql,
      failures: this.#failures,
      rows: this.#rows,
      maxMs: this.#maxMs,
      totalMs,
      counts: [...counts],
    };
  }

  get summary(): StatementSummary {
    const { sum: totalMs, count: calls } = this.#durations;
    return {
      sql: this.sql,
      calls,
      failures: this.#failures,
      rows: this.#rows,
      totalMs,
      meanMs: calls === 0 ? 0 : totalMs / calls,
      // Within its bounds the longest may be less.
      p99Ms: Math.min(this.#durations.quantile(0.99), this.#maxMs),
      maxMs: this.#maxMs,
    };
  }
}

/** The figures of one thread's statements, by their text without values. */
export class StatementStatistics {
  readonly #records = new Map<string, StatementRecord>();

  /** The record for a run of `sql`: `last`, where its last run was noted, if that is still kept. */
  recordOf(sql: string, last?: StatementRecord): StatementRecord {
    if (last !== undefined && this.#records.get(last.sql) === last) return last;
    const normal = normalSql(sql);
    const known = this.#records.get(normal);
    if (known !== undefined) return known;
    if (this.#records.size >= statementsMax) this.#forget();
    const record = new StatementRecord(normal);
    this.#records.set(normal, record);
    return record;
  }

  /** Drops the half that took the least time in all. */
  #forget(): void {
    const cheapest = [...this.#records.values()].sort((a, b) => a.totalMs - b.totalMs);
    cheapest.length = Math.ceil(cheapest.length / 2);
    for (const { sql } of cheapest) this.#records.delete(sql);
  }

  get figures(): StatementFigures[] {
    return Array.from(this.#records.values(), ({ figures }) => figures);
  }
}

/** What several threads have kept as one, what took most time first. */
export function summarize(lists: readonly (readonly StatementFigures[])[]): StatementSummary[] {
  const records = new Map<string, StatementRecord>();
  for (const figures of lists.flat()) {
    const record = records.get(figures.sql) ?? new StatementRecord(figures.sql);
    records.set(figures.sql, record);
    record.add(figures);
  }
  return Array.from(records.values(), ({ summary }) => summary)
    .sort((a, b) => b.totalMs - a.totalMs);
}
