import { assert } from "../../base/assert.ts";
import { checksum, joinChecksums } from "../../base/checksum.ts";
import { checksumInSlices, joinInSlices, type NextTurn } from "../../base/slices.ts";
import type { Clock, Timer } from "../../io/types.ts";
import { EntryType } from "../../raft/types.ts";
import type { AnswerFormat, Stamp } from "../../store/types.ts";
import { type CommandCodec, NodeError, type WriteOutcome, type WriteTrace } from "../types.ts";

/** A write, or an empty entry, that waits to go into the log. */
export interface Proposal {
  readonly type: typeof EntryType.command | typeof EntryType.noop;
  readonly command: Uint8Array | LongCommand;
  /** Of the command. */
  readonly bytes: number;
  readonly format: AnswerFormat | undefined;
  readonly deadline: number;
  /** Since when it waits, by the node's clock, in ms. */
  readonly since: number;
  /** Undefined for what is not traced. */
  readonly trace?: WriteTrace | undefined;
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
    assert(this.#bytes >= 0, "More bytes are taken than wait");
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

/** The longest that a write waits for others to share its sync, in ms. */
const gatherMsMax = 2;

export interface GatheringParts {
  readonly clock: Clock;
  /** How many proposals wait. */
  readonly waiting: () => number;
  /** How many are in the log and not yet answered. */
  readonly underWay: () => number;
  /** Whether the log has no followers. */
  readonly alone: () => boolean;
  /** Called when those that wait should be taken. */
  readonly enough: () => void;
}

/**
 * Decides when waiting proposals go into the log. When a batch is answered its clients come back
 * one after the other: were the first of them written at once, all others would wait for a sync
 * that carries one entry. So the node waits, for a moment at most, until all come that it knows to
 * write at the same time. What a batch costs by itself, on every node, is then shared by most.
 * A client by itself never waits; nor does anyone for long while a slow write is under way.
 *
 * Measured on three nodes of one machine, against waiting for as many as were just answered by
 * looking at each turn of the event loop: 64 clients 17,000 inserts a second where it was 10,600,
 * 16 clients 8,200 where it was 3,800, one client the same. To go on with half of the clients, so
 * that one batch is written while the other is answered, came to 15,300 and 6,400: every node pays
 * for each batch. A node by itself pays little, and half is better there: 25,800 against 23,200
 * with 64 clients.
 */
export class Gathering {
  readonly #parts: GatheringParts;
  #timer: Timer | undefined;
  /** Clients that write at the same time, as far as was seen. */
  #clients = 1;

  constructor(parts: GatheringParts) {
    this.#parts = parts;
  }

  /** True while more proposals are hoped for. */
  get gathering(): boolean {
    return this.#timer !== undefined;
  }

  /** A proposal has come, or those that wait could be taken now. */
  begin(): void {
    const waiting = this.#parts.waiting();
    this.#clients = Math.max(this.#clients, waiting + this.#parts.underWay());
    const wanted = this.#parts.alone() ? this.#clients / 2 : this.#clients;
    if (waiting >= wanted) this.#end();
    else this.#timer ??= this.#parts.clock.after(gatherMsMax, () => this.#late());
  }

  /** Not all came: so many are there now. */
  #late(): void {
    this.#clients = this.#parts.waiting() + this.#parts.underWay();
    this.#end();
  }

  #end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#parts.enough();
  }
}

/** What goes into the log for a command. */
export interface EntryData {
  readonly data: Uint8Array;
  readonly checksum: number;
}

/**
 * A command made ready for the log in slices, all but its stamp: clock and seed are given to it at
 * the moment when it is proposed, and then only they are looked at.
 */
export class LongCommand {
  readonly #codec: CommandCodec;
  readonly #data: Uint8Array;
  /** Of what stands behind the stamp. */
  readonly #checksum: number;

  private constructor(codec: CommandCodec, data: Uint8Array, checksum: number) {
    this.#codec = codec;
    this.#data = data;
    this.#checksum = checksum;
  }

  static async prepare(
    command: Uint8Array,
    codec: CommandCodec,
    nextTurn: NextTurn,
  ): Promise<LongCommand> {
    const data = await joinInSlices([new Uint8Array(codec.stampBytes), command], nextTurn);
    const sum = await checksumInSlices(data.subarray(codec.stampBytes), nextTurn);
    return new LongCommand(codec, data, sum);
  }

  /** To be called once. */
  stamp(stamp: Stamp): EntryData {
    const { stampBytes } = this.#codec;
    this.#codec.writeStamp(this.#data, stamp);
    const front = checksum(this.#data.subarray(0, stampBytes));
    const length = this.#data.length - stampBytes;
    return { data: this.#data, checksum: joinChecksums(front, this.#checksum, length) };
  }
}
