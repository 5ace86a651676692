/** What a copy of the database holds, in short: equal copies have equal ones at the same index. */
export interface CopyDigest {
  /** Of the last entry that is applied in it. */
  readonly index: number;
  /** In the order in which they were read; the schema itself is one of them. */
  readonly tables: readonly TableDigest[];
  /** What could not be read, or not in the time that there was: nothing is known of it. */
  readonly unread: readonly UnreadTable[];
  /** What SQLite's own check finds wrong with the file; empty for a sound one. */
  readonly damage: readonly string[];
  /** Whether SQLite's own check of the file came to its end. */
  readonly checked: boolean;
  /** Whether all tables were come to, and the check behind them if there was time for it at all. */
  readonly complete: boolean;
}

export interface TableDigest {
  readonly name: string;
  readonly rows: number;
  /** 16 hexadecimal digits, of all rows in their order. */
  readonly sum: string;
}

export interface UnreadTable {
  readonly name: string;
  readonly why: string;
  /** There was no time for it, or no memory or room: the copy may be as good as any. */
  readonly cutShort: boolean;
}

/** Some rows of a table, one behind the other; where they end follows from what is in them. */
export interface RowChunk {
  readonly rows: number;
  readonly sum: string;
}

/**
 * The database as it is at one index, held to be compared with other copies, whatever is written
 * meanwhile. Everything rejects once it is held no more.
 */
export interface HeldCopy {
  readonly index: number;
  /** False once another file has taken its place, or is about to. */
  readonly isInPlace: boolean;
  /** Of the tables behind that of the name `after`, "" for all; slowly, so that nobody notices. */
  digest(after: string): Promise<CopyDigest>;
  /** Of a table that was read. */
  chunks(table: string): Promise<RowChunk[]>;
  /** A number for each of so many rows; equal rows have equal ones. */
  rows(table: string, from: number, count: number): Promise<number[]>;
  end(): void;
}
