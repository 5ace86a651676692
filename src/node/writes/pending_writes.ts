import { RingMap } from "../../base/ring_map.ts";
import type { Entry } from "../../raft/types.ts";
import { type AnswerFormat, duplicate } from "../../store/types.ts";
import { type CommandCodec, NodeError, type WriteOutcome } from "../types.ts";

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

interface Watch {
  readonly format: AnswerFormat;
  readonly resolve: (outcome: WriteOutcome) => void;
}

/**
 * Requests of this node's own clients that went to the leader, by their sequence: when one is
 * applied here, its answer is certain even if the leader's got lost on the way.
 */
export class WatchedRequests {
  readonly #codec: CommandCodec;
  readonly #origin: bigint;
  readonly #bySequence = new RingMap<Watch>();

  /** @param origin Names this run of this node in its requests' ids. */
  constructor(codec: CommandCodec, origin: bigint) {
    this.#codec = codec;
    this.#origin = origin;
  }

  get size(): number {
    return this.#bySequence.size;
  }

  /** Resolves when the request has been applied here. */
  watch(sequence: number, format: AnswerFormat): Promise<WriteOutcome> {
    return new Promise((resolve) => this.#bySequence.set(sequence, { format, resolve }));
  }

  unwatch(sequence: number): void {
    this.#bySequence.take(sequence);
  }

  /** How to write the entry's result, when it is watched for. */
  format(entry: Entry): AnswerFormat | undefined {
    return this.#find(entry)?.format;
  }

  applied(entry: Entry, answer: WriteOutcome["answer"]): void {
    if (answer === undefined || answer === duplicate) return;
    this.#find(entry)?.resolve({ index: entry.index, answer });
  }

  #find(entry: Entry): Watch | undefined {
    if (this.#bySequence.size === 0) return undefined;
    const id = this.#codec.requestId(entry.data);
    return id?.origin === this.#origin ? this.#bySequence.get(id.sequence) : undefined;
  }
}
