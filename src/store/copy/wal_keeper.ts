import { messageOf } from "../../base/message_of.ts";
import type { Clock, Logger, Timer } from "../../io/types.ts";
import type { Copier } from "./copier.ts";
import type { HeldReads } from "../apply/held_reads.ts";
import type { Scrubber } from "../scrub/scrubber.ts";
import type { ReaderPool } from "../read/reader_pool.ts";
import { StoreFailedError, untrusted } from "../failures.ts";
import type { LifeCycle } from "../life_cycle.ts";
import type { QuickWriter } from "../apply/quick_writer.ts";
import type { Writer } from "../apply/writer.ts";

/** Times its wanted size at which reads are held up for a moment, so that the WAL can start again. */
const hardFactor = 8;
/** Times its wanted size at which transactions that still read are ended for that. */
const cutOffFactor = 64;
/** Growth since the last checkpoint that calls for the next one, as a part of the wanted size. */
const againFactor = 1 / 4;
/** How long that waits for running reads, and how long to let them be between two tries, in ms. */
const calmWaitMs = 50;
const hardEveryMs = 2000;
/** How long transactions that read have to end by themselves; they come and go while clients think. */
const heldWaitMs = 1000;

export interface WalKeeperParts {
  readonly path: string;
  /** Of the change log; undefined for none. */
  readonly changesPath: string | undefined;
  readonly copier: Pick<Copier, "run">;
  readonly writer: Pick<Writer, "checkpoint">;
  readonly quickWriter: Pick<QuickWriter, "giveUp">;
  readonly readers: Pick<ReaderPool, "whileCalm">;
  readonly heldReads: Pick<HeldReads, "whileCalm">;
  readonly scrubber: Pick<Scrubber, "cutShort">;
  readonly life: LifeCycle;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Size at which the WAL is moved into the database file, in bytes. */
  readonly softBytes: number;
  /** Whether the database is held for a copy that is being read: the WAL cannot be begun anew then. */
  readonly isHeldForCopy: () => boolean;
}

/**
 * Keeps the WAL small under a steady load. A checkpoint beside the writer does the bulk of the
 * work, but when it ends the writer has added frames; so the writer finishes the little that is
 * left, between two batches. Then its next transaction starts the WAL anew, unless a reader still
 * uses it: a long one makes the WAL grow, as SQLite's readers do, until it ends, and so do short ones
 * of which there is always another. When the WAL has grown far beyond what is wanted those that come
 * wait for a moment, so that it can be cut off on the disk as well; when it goes on growing,
 * transactions that read are ended.
 */
export class WalKeeper {
  readonly #parts: WalKeeperParts;
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
  #later: Timer | undefined;

  constructor(parts: WalKeeperParts) {
    this.#parts = parts;
    this.#nextBytes = parts.softBytes;
    parts.life.hold({ refuse: () => this.#later?.cancel() });
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

  /**
   * Moves what is in the WAL into the database file, beside the writer. A disk that fails at it ends
   * the store: of what was to be synced, a later sync can say that it is durable when it is not.
   */
  async checkpoint(): Promise<void> {
    const { copier, path, changesPath, life } = this.#parts;
    try {
      await this.#tracked(() =>
        copier.run<"checkpoint">({ type: "checkpoint", path, changesPath })
      );
    } catch (error) {
      if (!(error instanceof StoreFailedError) || life.refusal !== undefined) throw error;
      const failure = untrusted(path, error);
      life.fail(failure);
      throw failure;
    }
  }

  /**
   * The same, and what is left then, so that the WAL gives its room back to the disk where no read
   * needs it: an exchange of the file does that, and a large WAL takes long.
   */
  async empty(): Promise<void> {
    await this.checkpoint();
    await this.#tracked(() => this.#truncate());
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
    this.#bytes = 0;
    this.#later?.cancel();
  }

  /** Called after each batch with the WAL's size, as far as it is in use. */
  noteSize(bytes: number): void {
    this.#bytes = bytes;
    const { softBytes, scrubber } = this.#parts;
    if (bytes >= softBytes * hardFactor) scrubber.cutShort();
    if (bytes < softBytes) this.#nextBytes = softBytes;
    if (bytes < this.#nextBytes || this.#running !== undefined) return;
    this.#running = this.#shrink()
      .catch((error) => this.#note(error))
      .finally(() => {
        this.#running = undefined;
        // While a reader keeps the WAL from starting again, trying at every batch would be in vain.
        this.#nextBytes = this.#bytes + softBytes * againFactor;
      });
  }

  async #shrink(): Promise<void> {
    const { softBytes, clock, writer, heldReads, isHeldForCopy } = this.#parts;
    this.#checkpoints++;
    const cutOff = this.#bytes >= softBytes * cutOffFactor;
    // A copy lets it grow less: what is beyond is no copy's, or not one's alone.
    const inVain = clock.now() - this.#hardTriedAt < hardEveryMs || isHeldForCopy() && !cutOff;
    if (this.#bytes < softBytes * hardFactor || inVain) {
      await this.checkpoint();
      await this.#tracked(() => writer.checkpoint());
      return;
    }
    try {
      await heldReads.whileCalm(heldWaitMs, cutOff, () => this.#cutOffWal());
    } finally {
      this.#hardTriedAt = clock.now();
    }
  }

  async #cutOffWal(): Promise<void> {
    const { readers } = this.#parts;
    await this.checkpoint();
    let truncated = false;
    await this.#tracked(() =>
      readers.whileCalm(calmWaitMs, async () => {
        truncated = await this.#truncate();
      })
    );
    if (!truncated) this.#shrinkLater();
  }

  /** Whether it could. */
  async #truncate(): Promise<boolean> {
    const { writer, quickWriter } = this.#parts;
    quickWriter.giveUp();
    const truncated = await writer.checkpoint({ truncate: true });
    if (truncated) this.#bytes = 0;
    return truncated;
  }

  /** A VACUUM leaves a WAL as large as the database, behind which no write may come for long. */
  #shrinkLater(): void {
    const { clock } = this.#parts;
    this.#later?.cancel();
    this.#later = clock.after(hardEveryMs, () => {
      this.#nextBytes = 0;
      this.noteSize(this.#bytes);
    });
  }

  /** Nothing is lost: there was no room for it, or no time. The next one does what this one did not. */
  #note(error: unknown): void {
    const { life, logger, path } = this.#parts;
    if (life.refusal !== undefined) return;
    logger.log("WARN", "store", `Checkpoint of ${path} failed: ${messageOf(error)}`);
  }
}
