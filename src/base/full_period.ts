/**
 * How long until a full `periodMs` of the clock, about one from now. What a node does now and then
 * it does in such moments: at rest it then wakes up once for all of it.
 */
export function untilFull(periodMs: number, now: number): number {
  const passedMs = now % periodMs;
  return (passedMs > periodMs / 2 ? 2 : 1) * periodMs - passedMs;
}
