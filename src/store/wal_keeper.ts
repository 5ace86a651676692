import { messageOf } from "../base/message_of.ts";
import type { Logger } from "../io/types.ts";
import type { Copier } from "./copier.ts";
import type { ReaderPool } from "./reader_pool.ts";
import type { Writer } from "./writer.ts";

/** Times its wanted size at which reads are held up for a moment, so that the WAL can start again. */
const hardFactor = 8;
/** Growth since the last checkpoint that calls for the next one, as a part of the wanted size. */
const againFactor = 1 / 4;
/** How long that waits for running reads, and how long to let them be between two tries, in ms. */
const calmWaitMs = 50;
const hardEveryMs = 2000;

/**
 * Keeps the WAL small under a steady load. A checkpoint beside the writer does the bulk of the
 * work, but when it ends the writer has added frames; so the writer finishes the little that is
 * left, between two batches. Then its next transaction starts the WAL anew, unless a reader still
 * uses it: a long one makes the WAL grow, as SQLite's readers do, until it ends.
 */
export class WalKeeper {
  readonly #path: string;
  readonly #copier: Copier;
  readonly #writer: Writer;
  readonly #readers: ReaderPool;
  readonly #logger: Logger;
  readonly #now: () => number;
  /** Size at which the WAL is moved into the database file, in bytes. */
  readonly #softBytes: number;
  #running: Promise<void> | undefined;
  #hardTriedAt = Number.NEGATIVE_INFINITY;
  #bytes = 0;
  #nextBytes: number;
  #checkpoints = 0;
  /** Checkpoints that have begun and not ended. */
  #checkpointing = 0;
  /** How many have ended, and how many had when the last batch began that no checkpoint met. */
  #ended = 1;
  #endedBefore = 0;

  constructor(
    path: string,
    copier: Copier,
    writer: Writer,
    readers: ReaderPool,
    logger: Logger,
    now: () => number,
    softBytes: number,
  ) {
    this.#path = path;
    this.#copier = copier;
    this.#writer = writer;
    this.#readers = readers;
    this.#logger = logger;
    this.#now = now;
    this.#softBytes = softBytes;
    this.#nextBytes = softBytes;
  }

  get status(): { bytes: number; checkpoints: number } {
    return { bytes: this.#bytes, checkpoints: this.#checkpoints };
  }

  /**
   * Whether the next transaction may start the WAL anew: all that is in it may be in the database
   * file. It then syncs the WAL's new header, which can take as long as the disk likes.
   */
  get mayStartAnew(): boolean {
    return this.#checkpointing > 0 || this.#ended !== this.#endedBefore;
  }

  /** To be called when a batch begins; what it returns, when the batch is in the WAL. */
  begin(): () => void {
    const ended = this.#ended;
    return () => {
      if (this.#checkpointing === 0 && this.#ended === ended) this.#endedBefore = ended;
    };
  }

  /** Moves what is in the WAL into the database file, beside the writer. */
  checkpoint(): Promise<void> {
    return this.#tracked(() =>
      this.#copier.run<"checkpoint">({ type: "checkpoint", path: this.#path })
    );
  }

  async #tracked(checkpoint: () => Promise<unknown>): Promise<void> {
    this.#checkpointing++;
    try {
      await checkpoint();
    } finally {
      this.#checkpointing--;
      this.#ended++;
    }
  }

  /** Another file is in the database's place. */
  exchanged(): void {
    this.#ended++;
  }

  /** Called after each batch with the WAL's size, as far as it is in use. */
  noteSize(bytes: number): void {
    this.#bytes = bytes;
    if (bytes < this.#softBytes) this.#nextBytes = this.#softBytes;
    if (bytes < this.#nextBytes || this.#running !== undefined) return;
    this.#running = this.#shrink()
      .catch((error) =>
        this.#logger.log("WARN", "store", `Checkpoint of ${this.#path} failed: ${messageOf(error)}`)
      )
      .finally(() => {
        this.#running = undefined;
        // While a reader keeps the WAL from starting again, trying at every batch would be in vain.
        this.#nextBytes = this.#bytes + this.#softBytes * againFactor;
      });
  }

  async #shrink(): Promise<void> {
    this.#checkpoints++;
    await this.checkpoint();
    const hardBytes = this.#softBytes * hardFactor;
    if (this.#bytes < hardBytes || this.#now() - this.#hardTriedAt < hardEveryMs) {
      await this.#tracked(() => this.#writer.checkpoint());
      return;
    }
    this.#hardTriedAt = this.#now();
    await this.#tracked(() => this.#readers.whileCalm(calmWaitMs, () => this.#writer.checkpoint()));
  }

  /** Resolves when no checkpoint runs. */
  async idle(): Promise<void> {
    await this.#running;
  }
}
