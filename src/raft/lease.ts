import type { Progress } from "./progress.ts";
import { leaseTicks } from "./promise.ts";
import { majorityValue } from "./quorum.ts";
import type { RaftOptions } from "./types.ts";

/** The rounds sent from one tick on, up to the next that is listed. */
interface Sent {
  readonly firstRound: number;
  readonly at: number;
}

/**
 * The leader's lease (6.4.1). Every voter that answers a round of heartbeats promises to help nobody
 * else for a time that it names. The time began no earlier than the round was sent, by the leader's
 * own clock; so nobody else leads before one of the promises of any majority is over.
 */
export class Lease {
  readonly #options: Pick<RaftOptions, "leaseTicks" | "tickMs">;
  /** When the rounds were sent that an answer may still make the lease longer for, oldest first. */
  #sent: Sent[] = [];
  #endsAt = -Infinity;

  constructor(options: Pick<RaftOptions, "leaseTicks" | "tickMs">) {
    this.#options = options;
  }

  /** A round leaves. */
  sent(round: number, now: number): void {
    if (this.#sent[this.#sent.length - 1]?.at === now) return;
    this.#sent.push({ firstRound: round, at: now });
    const oldest = now - this.#options.leaseTicks;
    let late = 0;
    while ((this.#sent[late]?.at ?? now) < oldest) late++;
    this.#sent.splice(0, late);
  }

  /** A voter, or one that may become one, has answered a round. */
  promised(peer: Progress, round: number, promisedMs: number): void {
    const sent = this.#sent.findLast(({ firstRound }) => firstRound <= round);
    if (sent === undefined) return;
    const { leaseTicks: most, tickMs } = this.#options;
    // One tick less than the flags allow, as the first and the last may be cut short.
    const ticks = Math.min(most - 1, leaseTicks(promisedMs, tickMs));
    // What was promised before holds on: a server that starts again keeps to it.
    peer.promisedUntil = Math.max(peer.promisedUntil, sent.at + ticks);
  }

  /** To be called when a promise was given, or the voters are others now. */
  update(voters: readonly Progress[], leaderVotes: boolean): void {
    const promises = voters.map((voter) => voter.promisedUntil);
    if (leaderVotes) promises.push(Infinity);
    this.#endsAt = majorityValue(promises);
  }

  holds(now: number): boolean {
    return now < this.#endsAt;
  }
}
