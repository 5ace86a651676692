import { waitingReadsMax } from "./forwarded_reads.ts";
import { Lease } from "./lease.ts";
import type { Progress } from "./progress.ts";
import { majorityValue } from "./configuration.ts";
import type { Server } from "./server.ts";
import type { HeartbeatResponse, NodeId, ReadMode } from "./types.ts";

/** A batch of reads that waits at the leader: its own, or another server's. */
export interface WaitingRead {
  /** The server whose read it is. */
  readonly from: NodeId;
  readonly context: number;
}

interface Round {
  readonly round: number;
  /** What was committed when the round began: its reads must see at least this. */
  readonly readIndex: number;
  readonly reads: readonly WaitingRead[];
}

/** A round that a majority answered. */
export interface ConfirmedReads {
  readonly index: number;
  readonly reads: readonly WaitingRead[];
}

/** Rounds without an answer that are remembered; the oldest hand their reads on to the next. */
const roundsMax = 64;

/**
 * The leader's rounds of heartbeats and the reads that wait for them (6.4): every read that waits
 * when a round begins shares it, and an answered round answers all before it.
 */
export class ReadRounds {
  #waiting: WaitingRead[] = [];
  #rounds: Round[] = [];
  #latest = 0;
  #confirmed = 0;
  #unanswered = 0;

  /** The number of the round that began last. */
  get latest(): number {
    return this.#latest;
  }

  /** Reads wait, and no round is under way that they would have to let pass. */
  get due(): boolean {
    return this.#waiting.length > 0 && this.#confirmed === this.#latest;
  }

  /** How many reads have no answer yet. */
  get unanswered(): number {
    return this.#unanswered;
  }

  add(read: WaitingRead): void {
    this.#waiting.push(read);
    this.#unanswered++;
  }

  /**
   * Begins a round. It serves the reads that wait, unless `readIndex` is undefined: the leader does
   * not know yet what is committed.
   */
  begin(readIndex: number | undefined): void {
    if (this.#rounds.length >= roundsMax) {
      const dropped = this.#rounds.shift();
      if (dropped !== undefined) this.#waiting.unshift(...dropped.reads);
    }
    const reads = readIndex === undefined ? [] : this.#waiting;
    if (readIndex !== undefined) this.#waiting = [];
    this.#latest++;
    this.#rounds.push({ round: this.#latest, readIndex: readIndex ?? 0, reads });
  }

  /** A majority has answered `round`: returns the reads that it, and all before it, confirm. */
  confirm(round: number): ConfirmedReads[] {
    if (round <= this.#confirmed) return [];
    this.#confirmed = round;
    const result: ConfirmedReads[] = [];
    let count = 0;
    for (const begun of this.#rounds) {
      if (begun.round > round) break;
      count++;
      this.#unanswered -= begun.reads.length;
      if (begun.reads.length > 0) result.push({ index: begun.readIndex, reads: begun.reads });
    }
    this.#rounds.splice(0, count);
    return result;
  }

  /** Leadership is over: returns the reads that get no answer. */
  abandon(): WaitingRead[] {
    const reads = this.#rounds.flatMap((round) => round.reads);
    reads.push(...this.#waiting);
    this.#rounds = [];
    this.#waiting = [];
    this.#unanswered = 0;
    return reads;
  }
}

/** Answers linearizable reads: the leader's own, and those that other servers ask for (6.4). */
export class LeaderReads {
  readonly #server: Server;
  /** The other voters, as the leader keeps them. */
  readonly #voters: readonly Progress[];
  readonly #indexSent: (to: NodeId) => void;
  readonly #rounds = new ReadRounds();
  readonly #lease: Lease;
  /**
   * False while leadership is being handed over, and for good once a successor was asked to campaign:
   * that passes over leader stickiness, and may happen late (6.4.1).
   */
  leaseAllowed = true;

  /** @param indexSent Told of each server that a read index is sent to. */
  constructor(server: Server, voters: readonly Progress[], indexSent: (to: NodeId) => void) {
    this.#server = server;
    this.#lease = new Lease(server.options);
    this.#voters = voters;
    this.#indexSent = indexSent;
  }

  /** Reads wait that the next Ready should begin a round for. */
  get due(): boolean {
    return this.#rounds.due;
  }

  /** The round of heartbeats that began last. */
  get latestRound(): number {
    return this.#rounds.latest;
  }

  /** @param established Whether the leader knows what is committed (6.4, step 1). */
  add(read: WaitingRead, mode: ReadMode, established: boolean): void {
    if (this.#rounds.unanswered >= waitingReadsMax) this.#answer(read, 0);
    else if (mode === "lease" && established && this.leaseHolds) {
      this.#answer(read, this.#server.commitIndex);
    } else this.#rounds.add(read);
  }

  /** Begins a round of heartbeats to `peers`; it serves the reads that wait once `established`. */
  begin(peers: Iterable<Progress>, established: boolean): void {
    const { outbox, id, term, commitIndex, now } = this.#server;
    this.#rounds.begin(established ? commitIndex : undefined);
    this.#lease.sent(this.#rounds.latest, now);
    for (const peer of peers) {
      outbox.messages.push({
        type: "heartbeat_request",
        from: id,
        to: peer.id,
        term,
        commitIndex: Math.min(peer.matchIndex, commitIndex),
        round: this.#rounds.latest,
      });
    }
    this.confirm();
  }

  /** A peer has answered a round, with a promise for the leader's lease. */
  answered(peer: Progress, { round, promiseMs }: HeartbeatResponse): void {
    this.#lease.promised(peer, round, promiseMs);
    this.votersChanged();
    this.confirm();
  }

  /** Looks anew at whose promises the lease rests on. */
  votersChanged(): void {
    this.#lease.update(this.#voters, this.#server.isVoter);
  }

  /** Answers the reads of the rounds that a majority of voters, the leader among them, confirms. */
  confirm(): void {
    const rounds = this.#voters.map((voter) => voter.ackedRound);
    if (this.#server.isVoter) rounds.push(this.#rounds.latest);
    for (const { index, reads } of this.#rounds.confirm(majorityValue(rounds))) {
      for (const read of reads) this.#answer(read, index);
    }
  }

  /** Leadership is over: whoever waits must ask anew. */
  abandon(): void {
    for (const read of this.#rounds.abandon()) this.#answer(read, 0);
  }

  /** Whether lease reads may be answered: nobody else leads before the lease is over (6.4.1). */
  get leaseHolds(): boolean {
    return this.leaseAllowed && this.#lease.holds(this.#server.now);
  }

  /** For how many ticks they may be, unless the lease is given up. */
  get leaseTicksLeft(): number {
    return this.leaseAllowed ? this.#lease.ticksLeft(this.#server.now) : 0;
  }

  #answer(read: WaitingRead, index: number): void {
    const { outbox, id, term } = this.#server;
    const { from, context } = read;
    if (from !== id) {
      this.#indexSent(from);
      outbox.messages.push({
        type: "read_index_response",
        from: id,
        to: from,
        term,
        context,
        index,
      });
    } else if (index === 0) outbox.readsDropped.push(context);
    else outbox.readStates.push({ context, index });
  }
}
