import { waitingReadsMax } from "./forwarded_reads.ts";
import { Lease } from "./lease.ts";
import type { Progress } from "./progress.ts";
import { majorityValue } from "./configuration.ts";
import { ReadRounds, type WaitingRead } from "./read_rounds.ts";
import type { Server } from "./server.ts";
import type { HeartbeatResponse, NodeId, ReadMode } from "./types.ts";

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
