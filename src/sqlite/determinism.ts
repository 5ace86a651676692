import type { Database, OpenOptions } from "./database.ts";
import type { Library } from "./library.ts";

/**
 * Fixes the clock and the randomness that SQL sees on one connection.
 *
 * The clock is a virtual file system: the default one with xCurrentTimeInt64 replaced. So the
 * connection must be opened through `open`. random() and randomblob() are replaced as SQL functions.
 */
export declare class Determinism implements Disposable {
  constructor(library: Library);
  /** Opens a connection whose clock and randomness this governs; one at a time. */
  open(path: string, options?: Omit<OpenOptions, "library" | "vfs">): Database;
  /**
   * Until `clear`, every statement sees `clockMs` (milliseconds since 1970 UTC) as the time, and
   * random numbers that `seed` and `statement` (its number in the entry) determine.
   */
  set(clockMs: number, seed: bigint, statement: number): void;
  /** Back to the real clock and real randomness. */
  clear(): void;
  /** After the connection is closed. */
  close(): void;
  [Symbol.dispose](): void;
}
