import type { EntryType } from "../raft/types.ts";
import type { AnswerFormat } from "../store/types.ts";
import type { LongCommand } from "./long_command.ts";
import { NodeError, type WriteOutcome } from "./types.ts";

/** A write, or an empty entry, that waits to go into the log. */
export interface Proposal {
  readonly type: typeof EntryType.command | typeof EntryType.noop;
  readonly command: Uint8Array | LongCommand;
  /** Of the command. */
  readonly bytes: number;
  readonly format: AnswerFormat | undefined;
  readonly deadline: number;
  readonly resolve: (outcome: WriteOutcome) => void;
  readonly reject: (error: NodeError) => void;
}

/** Proposals that wait for the log to be free, in the order that they came. */
export class Proposals {
  #waiting: Proposal[] = [];
  /** Of those that wait and those that will. */
  #bytes = 0;
  #announced = 0;

  get size(): number {
    return this.#waiting.length;
  }

  /** How many are being made ready. */
  get announced(): number {
    return this.#announced;
  }

  /** Whether a command of that many bytes would exceed `bytesMax`; one by itself always fits. */
  exceeds(bytes: number, bytesMax: number): boolean {
    return this.#waiting.length + this.#announced > 0 && this.#bytes + bytes > bytesMax;
  }

  add(proposal: Proposal): void {
    this.#waiting.push(proposal);
    this.#bytes += proposal.bytes;
  }

  /** A command is being made ready, and counts already; what is returned ends that. */
  announce(bytes: number): () => void {
    this.#announced++;
    this.#bytes += bytes;
    return () => {
      this.#announced--;
      this.#bytes -= bytes;
    };
  }

  /** Hands over the first ones: as many as together have `bytesMax` bytes, one at least. */
  take(bytesMax = Infinity): readonly Proposal[] {
    let bytes = 0;
    let count = 0;
    for (const proposal of this.#waiting) {
      if (count > 0 && bytes + proposal.bytes > bytesMax) break;
      bytes += proposal.bytes;
      count++;
    }
    this.#bytes -= bytes;
    const taken = this.#waiting;
    this.#waiting = count === taken.length ? [] : taken.splice(count);
    return taken;
  }

  /** Gives those up whose time is over: nothing was done. */
  expire(now: number): void {
    if (!this.#waiting.some((proposal) => proposal.deadline <= now)) return;
    for (const proposal of this.take()) {
      if (proposal.deadline > now) this.add(proposal);
      else proposal.reject(new NodeError("timeout", "The write could not be proposed in time"));
    }
  }

  failAll(message: string): void {
    for (const proposal of this.take()) proposal.reject(new NodeError("unavailable", message));
  }
}
