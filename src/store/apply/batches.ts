import { assert } from "../../base/assert.ts";
import type { AppliedBatch } from "./apply_batch.ts";
import type { QuickBase, QuickWriter } from "./quick_writer.ts";
import type { AppliedEntry, AppliedPosition, ApplyEntry } from "../types.ts";
import type { WalKeeper } from "../copy/wal_keeper.ts";
import type { Writer } from "./writer.ts";
import type { WriterOpened } from "./writer_messages.ts";

/** Has each batch applied by the main thread itself, if that can be, or else by the writer. */
export class Batches {
  readonly #writer: Writer;
  readonly #quickWriter: QuickWriter;
  readonly #wal: WalKeeper;
  readonly #foreignKeysChanged: () => void;
  readonly #noteApplied: () => void;
  #applied: AppliedPosition = { index: 0, term: 0 };
  #pageSize = 4096;
  #foreignKeys: boolean | undefined;
  #delivered: number | undefined;
  /** Batches that the writer has and that `applied` does not count yet. */
  #handedOver = 0;
  /** The writer's count. */
  #schemaChanges = 0;
  #written = 0;

  constructor(
    writer: Writer,
    quickWriter: QuickWriter,
    wal: WalKeeper,
    foreignKeysChanged: () => void,
    noteApplied: () => void,
  ) {
    this.#writer = writer;
    this.#quickWriter = quickWriter;
    this.#wal = wal;
    this.#foreignKeysChanged = foreignKeysChanged;
    this.#noteApplied = noteApplied;
  }

  get applied(): AppliedPosition {
    return this.#applied;
  }

  /** Whether the cluster is set to enforce them; undefined when its leader's flag says it. */
  get foreignKeys(): boolean | undefined {
    return this.#foreignKeys;
  }

  /** Up to which index changes are delivered; undefined before any were. */
  get changesDelivered(): number | undefined {
    return this.#delivered;
  }

  /** How many were applied, by whom. */
  get counts(): { readonly mainThread: number; readonly writer: number } {
    return { mainThread: this.#quickWriter.batches, writer: this.#written };
  }

  /** The writer has opened a database. */
  opened({ position, pageSize, foreignKeys, delivered }: WriterOpened): void {
    this.#applied = position;
    this.#delivered = delivered;
    this.#pageSize = pageSize;
    this.#schemaChanges = 0;
    this.#noteForeignKeys(foreignKeys);
    this.#noteApplied();
  }

  #noteForeignKeys(setting: boolean | undefined): void {
    if (setting === this.#foreignKeys) return;
    this.#foreignKeys = setting;
    this.#foreignKeysChanged();
  }

  async apply(entries: readonly ApplyEntry[]): Promise<AppliedEntry[]> {
    const last = entries[entries.length - 1]?.entry;
    if (last === undefined) return [];
    this.#quickWriter.giveUp();
    const quick = this.#applyQuickly(entries);
    if (quick !== undefined) return this.#note(last, quick);
    const inWal = this.#wal.begin();
    this.#handedOver++;
    // Should it fail, so does the store: nothing is applied any more.
    const result = await this.#writer.apply(entries);
    this.#handedOver--;
    this.#written++;
    inWal();
    this.#noteForeignKeys(result.foreignKeys);
    this.#schemaChanges = result.schemaChanges;
    this.#delivered = result.delivered;
    return this.#note(last, result);
  }

  #note({ index, term }: AppliedPosition, batch: AppliedBatch): AppliedEntry[] {
    assert(index >= this.#applied.index, `Entry ${index} was applied after later ones`);
    this.#applied = { index, term };
    this.#wal.noteSize(batch.walFrames * this.#pageSize);
    this.#noteApplied();
    return batch.entries;
  }

  /**
   * Never beside the writer, be it that it only checkpoints: that would leave a WAL without an end.
   * Nor where the disk may be waited for.
   */
  #applyQuickly(entries: readonly ApplyEntry[]): AppliedBatch | undefined {
    if (!this.writerRests || this.#wal.mayStartAnew) return undefined;
    return this.#quickWriter.apply(entries, this.base);
  }

  /** Whether the writer neither has to do with the database nor has left a transaction open. */
  get writerRests(): boolean {
    const { busy, rehearsed } = this.#writer;
    return this.#handedOver === 0 && !busy && rehearsed === undefined;
  }

  /** What a connection of the main thread goes on from. */
  get base(): QuickBase {
    return { index: this.#applied.index, schemaChanges: this.#schemaChanges };
  }
}
