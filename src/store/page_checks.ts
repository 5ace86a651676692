import { untilFull } from "../base/full_period.ts";
import { messageOf } from "../base/message_of.ts";
import type { Clock, Disk, Logger, Timer } from "../io/types.ts";
import { Database, type Library, PageSums } from "../sqlite/mod.ts";
import type { Copier } from "./copy/copier.ts";
import { positionAt } from "./copy/wal_rewind.ts";
import { readRaftState } from "./apply/raft_table.ts";
import type { LifeCycle } from "./life_cycle.ts";

/** How often some more pages are read while all are, in ms. */
const tickMs = 1000;
/** How often it is looked otherwise whether a read met a wrong page, in ms: a node at rest wakes for it. */
const lookMs = 5000;
/** What is read at a time: milliseconds of work, for which a checkpoint may have to wait. */
const bytesMin = 0x10_0000;
const bytesMax = 0x80_0000;

export interface PageChecksParts {
  readonly library: Library;
  readonly path: string;
  readonly disk: Disk;
  readonly copier: Pick<Copier, "run">;
  readonly life: LifeCycle;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How often all pages are read; 0 for never. */
  readonly intervalMs: number;
}

/**
 * The sums of the database's pages, while the file is in use: compared in every read of it, and once
 * in an interval by reading all that nobody else reads. Whoever meets a page that is another one
 * than was written gets an error in its place; here somebody is told that the file is damaged.
 */
export class PageChecks {
  readonly #parts: PageChecksParts;
  #sums: PageSums | undefined;
  #tell: ((reason: string) => void) | undefined;
  #told = false;
  /** Of `wrongReads`, those of files that were let go of. */
  #wrongBefore = 0;
  #timer: Timer | undefined;
  /** Where the reading of all pages goes on; undefined while none runs. */
  #at: number | undefined;
  #sizeBytes = 0;
  #nextAt = 0;

  constructor(parts: PageChecksParts) {
    this.#parts = parts;
    parts.life.hold({ refuse: () => this.#timer?.cancel() });
  }

  /** Before the file is opened. Without sums the database is as good as SQLite makes it. */
  async begin(): Promise<void> {
    const { library, path, disk, logger, clock, intervalMs } = this.#parts;
    const wasKept = await disk.exists(`${path}-sums`);
    try {
      this.#sums = PageSums.begin(library, path, wasKept ? await this.#position() : undefined);
    } catch (error) {
      logger.log("WARN", "store", `No sums of the database's pages: ${messageOf(error)}`);
    }
    const sums = this.#sums;
    if (sums === undefined) return;
    if (wasKept && !sums.known) {
      const text = `${path}-sums is made anew: it may be of another state of the database`;
      logger.log("INFO", "store", text);
    }
    if (sums.emptiedWal) {
      const text = `${path}-wal was damaged, and is emptied: ` +
        "the database file has all of it up to where it was last moved there";
      logger.log("WARN", "store", text);
    }
    this.#told = false;
    this.#at = undefined;
    this.#nextAt = clock.now() + (sums.known ? intervalMs : 0);
    this.#wait();
  }

  /** What the file says that it is at; a damaged one says nothing. */
  async #position(): Promise<number | undefined> {
    const { library, path, disk } = this.#parts;
    try {
      return await disk.exists(path) ? positionAt(library, path)?.index : undefined;
    } catch {
      return undefined;
    }
  }

  /** Names whom to tell. */
  onDamage(tell: (reason: string) => void): void {
    this.#tell = tell;
    this.#look();
  }

  /** Reads, since the start, of a page that is another one than was written. */
  get wrongReads(): number {
    return this.#wrongBefore + (this.#sums?.mismatches.reads ?? 0);
  }

  /** The file is let go of, for another to take its place. */
  end(): void {
    this.#timer?.cancel();
    this.#look();
    this.#endSums(undefined);
  }

  /**
   * The file is let go of by a store that has failed: what is wrong in it is not to be right at the
   * next start. Where a connection's end has brought all into the file there is no WAL to tell.
   */
  leave(): void {
    const { library, path } = this.#parts;
    this.#endAt(() => positionAt(library, path)?.index);
  }

  /** The file is let go of in good order: all is in it. */
  seal(): void {
    const { library, path } = this.#parts;
    this.#endAt(() => {
      using database = new Database(path, { library, create: false });
      return readRaftState(database).index;
    });
  }

  #endAt(position: () => number | undefined): void {
    if (this.#sums === undefined) return this.end();
    let sealedAt: number | undefined;
    try {
      sealedAt = position();
    } catch {
      // What says nothing of itself is not vouched for.
      return this.end();
    }
    this.#timer?.cancel();
    this.#endSums(sealedAt);
  }

  #endSums(sealedAt: number | undefined): void {
    this.#wrongBefore = this.wrongReads;
    this.#sums?.end(sealedAt);
    this.#sums = undefined;
  }

  #look(): void {
    if (this.#sums === undefined || this.#told || this.#tell === undefined) return;
    const { reads, page } = this.#sums.mismatches;
    if (reads === 0) return;
    this.#told = true;
    const { path } = this.#parts;
    this.#tell(
      `page ${page} of ${path} is not what was written there: ` +
        "its disk has changed it, or another program has",
    );
  }

  #wait(): void {
    const { clock, intervalMs } = this.#parts;
    const now = clock.now();
    const untilNextMs = intervalMs === 0 ? Infinity : this.#nextAt - now;
    const isReading = this.#at !== undefined;
    const lookInMs = Math.min(untilFull(lookMs, now), untilNextMs);
    const delayMs = isReading ? tickMs : Math.max(tickMs, lookInMs);
    this.#timer = clock.after(delayMs, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    const { life, clock, intervalMs } = this.#parts;
    const sums = this.#sums;
    if (intervalMs > 0 && life.isOpen) {
      if (this.#at === undefined && clock.now() >= this.#nextAt) {
        this.#at = 0;
        this.#nextAt = clock.now() + intervalMs;
      }
      const at = this.#at === undefined ? undefined : await this.#readOn(this.#at);
      if (sums === this.#sums) this.#at = at;
    }
    // Another file may have come, with sums and a timer of its own.
    if (sums !== this.#sums || life.refusal !== undefined) return;
    this.#look();
    this.#wait();
  }

  /** Reads some pages from `from` on; where to go on, if anywhere. */
  async #readOn(from: number): Promise<number | undefined> {
    const { copier, path, intervalMs } = this.#parts;
    const share = this.#sizeBytes / Math.max(1, intervalMs / tickMs);
    const bytes = Math.min(bytesMax, Math.max(bytesMin, Math.ceil(share)));
    try {
      const request = { type: "check_pages", path, from, bytesMax: bytes } as const;
      const { next, sizeBytes } = await copier.run<"check_pages">(request);
      this.#sizeBytes = sizeBytes;
      return next;
    } catch {
      // Behind a wrong page, of which is told, nothing is read; what else is in the way passes by.
      return this.#sums?.mismatches.reads === 0 ? from : undefined;
    }
  }
}
