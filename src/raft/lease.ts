import type { Progress } from "./progress.ts";
import { majorityValue } from "./configuration.ts";
import type { RaftOptions } from "./types.ts";

/**
 * A server that has heard from a leader helps nobody else to become one for a while (4.2.3), and the
 * leader's lease rests on that (6.4.1). How long the while is depends on the server's own timing,
 * which may be another than the leader's: an operator changes flags one node after the other. So it
 * is a promise that travels, in ms, with every answer to a heartbeat, and that is on the server's
 * disk before it is given: after a restart, with other flags too, the server keeps to it.
 */
type Timing = Pick<RaftOptions, "electionTicks" | "tickMs">;

/**
 * How much of a promise the lease lasts. It holds, then, while no machine's clock runs a quarter
 * faster than another's.
 */
const leaseShare = 0.8;

/** What a server promises: one tick less than it waits, as the first may be over at once. */
export function promiseMs({ electionTicks, tickMs }: Timing): number {
  return Math.floor((electionTicks - 1) * tickMs);
}

/** For how many ticks from its start a server keeps to what an earlier life of it promised. */
export function owedTicks(promisedMs: number, tickMs: number): number {
  return Math.ceil(promisedMs / tickMs) + 1;
}

/**
 * For how many ticks, from the one in which a round was sent, the leader may rest on an answer to it.
 * That tick was under way already, and so is the one in which a read asks: the time that has really
 * passed is less than one tick more than the ticks counted, which must stay below this.
 */
export function leaseTicks(promisedMs: number, tickMs: number): number {
  return Math.floor(leaseShare * promisedMs / tickMs);
}

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

  /** For how many ticks from now it holds, if nothing makes it longer. */
  ticksLeft(now: number): number {
    return Math.max(0, this.#endsAt - now);
  }
}
