import { RingMap } from "../../base/ring_map.ts";
import type { Entry } from "../../raft/types.ts";
import { type AnswerFormat, duplicate } from "../../store/types.ts";
import type { CommandCodec, WriteOutcome } from "../types.ts";

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
