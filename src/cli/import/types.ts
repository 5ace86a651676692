import type { Parameter } from "@raftlite/client";

/** What keeps a file from being imported, or all of it; says where and why. */
export class ImportError extends Error {
  override name = "ImportError";
}

export const formats = ["csv", "ndjson", "sqlite"] as const;
export type Format = typeof formats[number];

/** What stands between the values of a CSV file of this name. */
export function separatorOf(path: string): string {
  return /\.tsv$/i.test(path) ? "\t" : ",";
}

/** What to do with a row that is in the way of another by its key. */
export const conflictWords = ["fail", "ignore", "replace"] as const;
export type OnConflict = typeof conflictWords[number];

export interface SourceColumn {
  readonly name: string;
  /** As CREATE TABLE takes it; "" for none. */
  readonly type: string;
}

/** A row of a file, in the order of its columns. */
export interface SourceRow {
  readonly values: readonly Parameter[];
  /** Where it ends, for people: "Line 12", "Row 12". */
  readonly place: string;
  /** How much of the file is read with it, in bytes. */
  readonly bytes: number;
}

/** A file of rows. */
export interface Source extends Disposable {
  /** For people: CSV. */
  readonly format: string;
  readonly columns: readonly SourceColumn[];
  /** By their names. */
  readonly primaryKey: readonly string[];
  /** What else is to be said of how it is understood, a sentence each. */
  readonly notes: readonly string[];
  /** Its values are texts, and may be none of their column's type. */
  readonly isText: boolean;
  /** All rows, some at a time, from the first. Throws an ImportError. */
  rows(): AsyncIterable<readonly SourceRow[]>;
}

/** Rows that are given at a time. */
export const rowsAtATime = 500;
/** Rows from which types are guessed. */
export const guessedRows = 10_000;
/** Bytes of one row. */
export const rowBytesMax = 16 * 1024 * 1024;
