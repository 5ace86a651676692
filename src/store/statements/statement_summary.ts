/** What came of the runs of statements that differ in nothing but their values; times are in ms. */
export interface StatementSummary {
  /** Without its values. */
  readonly sql: string;
  readonly calls: number;
  /** Of these: those that ended with an error. */
  readonly failures: number;
  /** Given, or changed. */
  readonly rows: number;
  readonly totalMs: number;
  readonly meanMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}
