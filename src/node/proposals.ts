import type { EntryType } from "../raft/types.ts";
import type { AnswerFormat } from "../store/types.ts";
import { NodeError, type WriteOutcome } from "./types.ts";

/** A write, or an empty entry, that waits to go into the log. */
export interface Proposal {
  readonly type: typeof EntryType.command | typeof EntryType.noop;
  readonly command: Uint8Array;
  readonly format: AnswerFormat | undefined;
  readonly deadline: number;
  readonly resolve: (outcome: WriteOutcome) => void;
  readonly reject: (error: NodeError) => void;
}

/** Proposals that wait for the log to be free, in the order that they came. */
export class Proposals {
  #waiting: Proposal[] = [];
  #bytes = 0;

  get size(): number {
    return this.#waiting.length;
  }

  /** Whether a command of that many bytes would exceed `bytesMax`; one by itself always fits. */
  exceeds(bytes: number, bytesMax: number): boolean {
    return this.#waiting.length > 0 && this.#bytes + bytes > bytesMax;
  }

  add(proposal: Proposal): void {
    this.#waiting.push(proposal);
    this.#bytes += proposal.command.length;
  }

  /** Hands all of them over. */
  take(): readonly Proposal[] {
    const taken = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
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
