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
