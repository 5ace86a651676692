/** Clocks are read in whole ms, so that one reading beside another is off by up to this. */
const resolutionMs = 1;

/** How far a clock is ahead of one's own, in ms, and by how much that may be wrong. */
export interface ClockOffset {
  readonly aheadMs: number;
  readonly errorMs: number;
}

/**
 * Compares clocks by Cristian's way: an answer was made in the middle, give or take half of what it
 * took.
 *
 * @param theirs What the answer says, in ms since 1970, as `ours`, read when the answer came.
 * @param roundTripMs What request and answer took.
 */
export function clockOffset(theirs: number, ours: number, roundTripMs: number): ClockOffset {
  const halfMs = roundTripMs / 2;
  return { aheadMs: theirs - (ours - halfMs), errorMs: halfMs + resolutionMs };
}
