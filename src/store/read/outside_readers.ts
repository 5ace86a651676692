import type { LibraryLocation } from "../../sqlite/mod.ts";
import type { Holder, LifeCycle } from "../life_cycle.ts";
import type { SlowOptions, SlowStatement } from "../statements/statement_meter.ts";
import type { StatementFigures } from "../statements/statement_statistics.ts";
import type { ReadingThread } from "../statements/store_statements.ts";

export type { SlowStatement, StatementFigures };

/** What a thread is told that reads the database by a connection of its own. */
export interface ReadingStart {
  readonly library: LibraryLocation;
  readonly path: string;
  readonly foreignKeys: boolean;
  readonly slow: SlowOptions | undefined;
}

/** A thread that is none of the store's and reads its database, as the store sees it. */
export interface OutsideReader extends ReadingThread {
  /** Lets go of the file; resolves when it has, or is no more. It begins so. */
  release(): Promise<void>;
  /** It may read from now on. */
  resume(): void;
}

/** The threads outside the store that read its database: they let go of the file when all do. */
export class OutsideReaders implements Holder {
  readonly start: ReadingStart;
  /** To be told of slow statements that they ran. */
  readonly reportSlow: (statement: SlowStatement) => void;
  readonly #life: LifeCycle;
  readonly #readers = new Set<OutsideReader>();
  /** The file is damaged: nobody reads it before another is in its place. */
  #distrusted = false;

  constructor(
    life: LifeCycle,
    start: ReadingStart,
    reportSlow: (statement: SlowStatement) => void,
  ) {
    this.#life = life;
    this.start = start;
    this.reportSlow = reportSlow;
    life.hold(this);
  }

  /** Takes one in, which reads when it may; what it returns is to be called when that is no more. */
  join(reader: OutsideReader): () => void {
    this.#readers.add(reader);
    if (this.#life.isOpen && !this.#distrusted) reader.resume();
    return () => void this.#readers.delete(reader);
  }

  /** Those that there are now, to be asked for figures of their statements. */
  get threads(): readonly ReadingThread[] {
    return [...this.#readers];
  }

  /** Has all of them let go of a file that is damaged, until it is exchanged. */
  distrust(): void {
    this.#distrusted = true;
    for (const reader of this.#readers) void reader.release();
  }

  async release(): Promise<void> {
    await Promise.all(Array.from(this.#readers, (reader) => reader.release()));
  }

  resume(): void {
    this.#distrusted = false;
    for (const reader of this.#readers) reader.resume();
  }

  fail(): void {
    // It reads nothing more; nobody need wait until it has noticed.
    for (const reader of this.#readers) void reader.release();
  }
}
