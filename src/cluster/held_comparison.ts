import { messageOf } from "../base/message_of.ts";
import type { Clock, Timer } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import type { HeldCopy, RowChunk, Store } from "../store/types.ts";
import type { DigestAnswer } from "./comparison_types.ts";
import { ServiceError } from "./types.ts";

/** How long nobody may ask before what is held is let go of, in ms. */
const idleMsMax = 60_000;
/** More chunks are not told: what is behind them is not counted. */
const chunksMax = 50_000;
/** Of rows that are asked for at once. */
const rowsMax = 65_536;

interface Parts {
  readonly node: Pick<Node, "stopAtScrub" | "damage">;
  readonly store: Pick<Store, "prepareCopy" | "holdCopy">;
  readonly clock: Clock;
}

/** A comparison that a leader has announced, from then to its end. */
interface Comparison {
  readonly id: string;
  readonly disarm: () => void;
  answer: DigestAnswer;
  copy: HeldCopy | undefined;
  idle: Timer | undefined;
}

/** This node's part in a comparison of all copies: one at a time, and not for long without its leader. */
export class HeldComparison {
  readonly #parts: Parts;
  #current: Comparison | undefined;
  /** What was read to its end last, until its leader says that it is over. */
  #read: { readonly id: string; readonly copy: HeldCopy } | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  arm(id: string, after: string): void {
    const { node, store } = this.#parts;
    if (node.damage !== undefined) {
      throw new ServiceError("unavailable", `Its copy is being replaced: ${node.damage}`);
    }
    this.stop();
    store.prepareCopy();
    const disarm = node.stopAtScrub((index) => this.#hold(comparison, index, after));
    const comparison: Comparison = {
      id,
      disarm,
      answer: { state: "waiting" },
      copy: undefined,
      idle: undefined,
    };
    this.#current = comparison;
    this.#rest(comparison);
  }

  /** Nothing behind that entry is applied before this resolves. */
  async #hold(comparison: Comparison, index: number, after: string): Promise<void> {
    if (this.#current !== comparison) return;
    comparison.answer = { state: "reading" };
    try {
      const copy = await this.#parts.store.holdCopy();
      if (this.#current !== comparison) return copy.end();
      comparison.copy = copy;
      if (copy.index !== index) {
        throw new Error(`The database is at index ${copy.index}, and was to be at ${index}`);
      }
      void this.#digest(comparison, copy, after);
    } catch (error) {
      comparison.answer = { state: "failed", message: messageOf(error) };
    }
  }

  async #digest(comparison: Comparison, copy: HeldCopy, after: string): Promise<void> {
    try {
      comparison.answer = { state: "done", digest: await copy.digest(after) };
      if (this.#current === comparison) this.#read = { id: comparison.id, copy };
    } catch (error) {
      comparison.answer = { state: "failed", message: messageOf(error) };
    }
  }

  digest(id: string): DigestAnswer {
    return this.#of(id).answer;
  }

  async chunks(id: string, table: string): Promise<RowChunk[]> {
    const chunks = await this.#copyOf(id).chunks(table);
    return chunks.slice(0, chunksMax);
  }

  rows(id: string, table: string, from: number, count: number): Promise<number[]> {
    return this.#copyOf(id).rows(table, from, Math.min(rowsMax, count));
  }

  end(id: string): void {
    if (this.#current?.id === id) this.#end(this.#current);
    if (this.#read?.id === id) this.#read = undefined;
  }

  /**
   * Throws unless it was this comparison that read the copy that is here still: what comes late says
   * something of another, which may be a good one. That the copy is held no more does not matter.
   */
  checkReplaceable(id: string): void {
    if (this.#read?.id === id && this.#read.copy.isInPlace) return;
    throw new ServiceError(
      "failed",
      "This comparison is not known, or no longer: its copy is not replaced",
    );
  }

  /** To be called when the node stops, or its copy is to be replaced. */
  stop(): void {
    if (this.#current !== undefined) this.#end(this.#current);
    this.#read = undefined;
  }

  #of(id: string): Comparison {
    const comparison = this.#current;
    if (comparison?.id !== id) {
      throw new ServiceError("failed", "This comparison is not known, or no longer");
    }
    this.#rest(comparison);
    return comparison;
  }

  #copyOf(id: string): HeldCopy {
    const { copy } = this.#of(id);
    if (copy === undefined) throw new ServiceError("failed", "Nothing is held of the database");
    return copy;
  }

  /** A leader that is gone asks no more. */
  #rest(comparison: Comparison): void {
    comparison.idle?.cancel();
    comparison.idle = this.#parts.clock.after(idleMsMax, () => this.#end(comparison));
  }

  #end(comparison: Comparison): void {
    comparison.idle?.cancel();
    comparison.disarm();
    comparison.copy?.end();
    if (this.#current === comparison) this.#current = undefined;
  }
}
