import { SqliteError } from "./error.ts";
import type { Library } from "./library.ts";
import { encodeCString, out } from "./memory.ts";

/** Reads of a database file that did not have what was written there. */
export interface Mismatches {
  readonly reads: number;
  /** The page of the first, from 1 on. */
  readonly page: number;
}

/**
 * The sums of one database file's pages, from before its first connection is opened until its last
 * one is closed: of whatever SQLite writes into the file or its WAL by any connection of this process,
 * and compared in every read of it (`page_sums_source.ts`). A read of another page than the one
 * written fails with SQLITE_IOERR_DATA. Those of the WAL are in memory only.
 *
 * A side file, `…-sums`, keeps them from one run to the next. It is believed only where nothing else
 * can have written the database meanwhile:
 * - where none has been written since an end there is no WAL, and the file is not at a later entry;
 * - after any other the WAL is the one that this program has begun last, so that whatever of it has
 *   reached the file, with or without its sum, is read from the WAL, and written again from there;
 * - the file is the same one.
 * Else what is in the file now is what is right from now on.
 */
export class PageSums {
  readonly #c: Library["symbols"];
  readonly #path: Uint8Array<ArrayBuffer>;
  /** Whether those of an earlier run are gone on with. */
  readonly known: boolean;
  /** Whether the WAL was damaged, and the file has all of it that counts: it is empty now. */
  readonly emptiedWal: boolean;

  private constructor(library: Library, path: string, begun: number) {
    this.#c = library.symbols;
    this.#path = encodeCString(path);
    this.known = begun !== 0;
    this.emptiedWal = begun === 2;
  }

  /**
   * `applied`: up to which entry the file says that it is; undefined where it says nothing. The
   * result is undefined where the library is not one that was built with sums.
   */
  static begin(library: Library, path: string, applied: number | undefined): PageSums | undefined {
    const begin = library.symbols.raftlite_sums_begin;
    if (begin === null) return undefined;
    const result = begin(encodeCString(path), BigInt(applied ?? -1));
    if (result < 0) throw new SqliteError(-result, `${path}-sums can't be used`);
    return new PageSums(library, path, result);
  }

  /** Lets go of them, whoever has begun them: as the end of the process would. */
  static abandon(library: Library, path: string): void {
    library.symbols.raftlite_sums_end?.(encodeCString(path), -1n);
  }

  /**
   * Has those known by now on the disk, whoever has begun them: a page's first read makes its sum,
   * which else only the next checkpoint writes. By whom has a connection to the database.
   */
  static keep(library: Library, path: string): void {
    // What the disk does not take now the next checkpoint writes.
    library.symbols.raftlite_sums_keep?.(encodeCString(path));
  }

  get mismatches(): Mismatches {
    const reads = Number(this.#c.raftlite_sums_mismatches?.(this.#path, out) ?? 0);
    return { reads, page: reads === 0 ? 0 : Number(out[0]) };
  }

  /** With no connection left; `sealedAt`: up to which entry all is in the file. */
  end(sealedAt?: number): void {
    // What cannot be kept is begun anew.
    this.#c.raftlite_sums_end?.(this.#path, BigInt(sealedAt ?? -1));
  }
}
