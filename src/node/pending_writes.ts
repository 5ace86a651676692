import type { AnswerFormat } from "../store/types.ts";
import { NodeError, type WriteOutcome } from "./types.ts";

interface Waiting {
  readonly index: number;
  readonly term: number;
  readonly format: AnswerFormat | undefined;
  readonly deadline: number;
  readonly resolve: (outcome: WriteOutcome) => void;
  readonly reject: (error: NodeError) => void;
}

/** Slots at first; a power of two. */
const slotsMin = 1024;

/**
 * Writes that this node, as leader, has put into its log and whose clients wait. Each is answered
 * when the entry at its index is applied: by the result, or, when another term's entry stands
 * there, by the certainty that it never took effect.
 *
 * They are kept in a ring, each in the slot that its index gives, not in a Map: that moves to
 * another table whenever it has grown or shrunk, and each table that has outlived two collections
 * keeps the next one alive, with all that ever waited in it (measured: half of what survives).
 */
export class PendingWrites {
  #slots: (Waiting | undefined)[] = emptySlots(slotsMin);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(waiting: Waiting): void {
    let slot = this.#slotOf(waiting.index);
    while (this.#slots[slot] !== undefined && this.#slots[slot]?.index !== waiting.index) {
      this.#grow();
      slot = this.#slotOf(waiting.index);
    }
    // An entry of ours from an earlier term of leadership has lost its place in this log. Another
    // server may still have it, and may yet lead.
    this.#take(waiting.index)?.reject(
      new NodeError(
        "unknown",
        "Outcome unknown: this node lost the lead, and its log was cut before the write was confirmed",
      ),
    );
    this.#slots[slot] = waiting;
    this.#size++;
  }

  /** How to write the result of the entry, when its client waits here. */
  format(index: number, term: number): AnswerFormat | undefined {
    const waiting = this.#slots[this.#slotOf(index)];
    return waiting?.index === index && waiting.term === term ? waiting.format : undefined;
  }

  /** The entry at `index` was applied: answers who waited for it. */
  applied(index: number, term: number, answer: WriteOutcome["answer"]): void {
    const waiting = this.#take(index);
    if (waiting === undefined) return;
    if (waiting.term === term) waiting.resolve({ index, answer });
    else waiting.reject(replaced(index));
  }

  /** A snapshot took the place of the entries up to `index`: what they did, only its sender knows. */
  skipped(index: number): void {
    this.#rejectIf(
      (waiting) => waiting.index <= index,
      "Outcome unknown: this node lost the lead and received a snapshot",
    );
  }

  expire(now: number): void {
    this.#rejectIf(
      (waiting) => waiting.deadline <= now,
      "Outcome unknown: the write was not confirmed by a majority within its timeout, and may still take effect",
    );
  }

  failAll(message: string): void {
    this.#rejectIf(() => true, message);
  }

  #rejectIf(applies: (waiting: Waiting) => boolean, message: string): void {
    if (this.#size === 0) return;
    for (const waiting of this.#slots) {
      if (waiting === undefined || !applies(waiting)) continue;
      this.#take(waiting.index);
      waiting.reject(new NodeError("unknown", message));
    }
  }

  #take(index: number): Waiting | undefined {
    const slot = this.#slotOf(index);
    const waiting = this.#slots[slot];
    if (waiting?.index !== index) return undefined;
    this.#slots[slot] = undefined;
    this.#size--;
    return waiting;
  }

  #slotOf(index: number): number {
    return index % this.#slots.length;
  }

  /** Twice the slots: two indexes that share one then do so no longer, or after another time. */
  #grow(): void {
    const old = this.#slots;
    this.#slots = emptySlots(2 * old.length);
    for (const waiting of old) {
      if (waiting !== undefined) this.#slots[this.#slotOf(waiting.index)] = waiting;
    }
  }
}

function emptySlots(count: number): undefined[] {
  return new Array<undefined>(count).fill(undefined);
}

function replaced(index: number): NodeError {
  return new NodeError(
    "lost",
    `The write at index ${index} was replaced by another leader's entry`,
  );
}
