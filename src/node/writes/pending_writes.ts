import { RingMap } from "../../base/ring_map.ts";
import type { AnswerFormat } from "../../store/types.ts";
import { NodeError, type WriteOutcome } from "../types.ts";

interface Waiting {
  readonly term: number;
  readonly format: AnswerFormat | undefined;
  readonly deadline: number;
  readonly resolve: (outcome: WriteOutcome) => void;
  readonly reject: (error: NodeError) => void;
}

/**
 * Writes that this node, as leader, has put into its log and whose clients wait. Each is answered
 * when the entry at its index is applied: by the result, or, when another term's entry stands
 * there, by the certainty that it never took effect.
 */
export class PendingWrites {
  readonly #byIndex = new RingMap<Waiting>();

  get size(): number {
    return this.#byIndex.size;
  }

  add(index: number, waiting: Waiting): void {
    // An entry of ours from an earlier term of leadership has lost its place in this log. Another
    // server may still have it, and may yet lead.
    this.#byIndex.get(index)?.reject(
      new NodeError(
        "unknown",
        "Outcome unknown: this node lost the lead, and its log was cut before the write was confirmed",
      ),
    );
    this.#byIndex.set(index, waiting);
  }

  /** How to write the result of the entry, when its client waits here. */
  format(index: number, term: number): AnswerFormat | undefined {
    const waiting = this.#byIndex.get(index);
    return waiting?.term === term ? waiting.format : undefined;
  }

  /** The entry at `index` was applied: answers who waited for it. */
  applied(index: number, term: number, answer: WriteOutcome["answer"]): void {
    const waiting = this.#byIndex.take(index);
    if (waiting === undefined) return;
    if (waiting.term === term) waiting.resolve({ index, answer });
    else waiting.reject(replaced(index));
  }

  /** A snapshot took the place of the entries up to `index`: what they did, only its sender knows. */
  skipped(index: number): void {
    for (const [at, waiting] of this.#byIndex) {
      if (at > index) continue;
      this.#byIndex.take(at);
      waiting.reject(
        new NodeError(
          "unknown",
          "Outcome unknown: this node lost the lead and received a snapshot",
        ),
      );
    }
  }

  expire(now: number): void {
    for (const [index, waiting] of this.#byIndex) {
      if (waiting.deadline > now) continue;
      this.#byIndex.take(index);
      waiting.reject(
        new NodeError(
          "unknown",
          "Outcome unknown: the write was not confirmed by a majority within its timeout, and may still take effect",
        ),
      );
    }
  }

  failAll(message: string): void {
    for (const [index, waiting] of this.#byIndex) {
      this.#byIndex.take(index);
      waiting.reject(new NodeError("unknown", message));
    }
  }
}

function replaced(index: number): NodeError {
  return new NodeError(
    "lost",
    `The write at index ${index} was replaced by another leader's entry`,
  );
}
