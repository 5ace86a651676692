import { waitingReadsMax } from "./forwarded_reads.ts";
import type { Progress } from "./progress.ts";
import { majorityValue } from "./quorum.ts";
import { ReadRounds, type WaitingRead } from "./read_rounds.ts";
import type { Server } from "./server.ts";
import type { NodeId, ReadMode } from "./types.ts";

/** Answers linearizable reads: the leader's own, and those that other servers ask for (6.4). */
export class LeaderReads {
  readonly #server: Server;
  /** The other voters, as the leader keeps them. */
  readonly #voters: readonly Progress[];
  readonly #answered: (to: NodeId) => void;
  readonly #rounds = new ReadRounds();
  /**
   * False while leadership is being handed over, and for good once a successor was asked to campaign:
   * that passes over leader stickiness, and may happen late (6.4.1).
   */
  leaseAllowed = true;

  /** @param answered Told of each server that a read index is sent to. */
  constructor(server: Server, voters: readonly Progress[], answered: (to: NodeId) => void) {
    this.#server = server;
    this.#voters = voters;
    this.#answered = answered;
  }

  /** Reads wait that the next Ready should begin a round for. */
  get due(): boolean {
    return this.#rounds.due;
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
    this.#rounds.begin(now, established ? commitIndex : undefined);
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

  /**
   * Followers that answered a round give no vote for an election timeout after it reached them
   * (4.2.3), so nobody else leads for so long after it was sent (6.4.1). One tick less, as the
   * first and the last tick of either side may be cut short.
   */
  get leaseHolds(): boolean {
    const { now, options } = this.#server;
    return this.leaseAllowed &&
      now - this.#rounds.confirmedSentAt < options.leaseTicks - 1;
  }

  #answer(read: WaitingRead, index: number): void {
    const { outbox, id, term } = this.#server;
    const { from, context } = read;
    if (from !== id) {
      this.#answered(from);
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
