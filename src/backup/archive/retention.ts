import type { BaseRecord } from "./layout.ts";

/** What of an archive is kept, at least: what both allow to be removed, is. */
export interface Retention {
  /** How long back any moment can be restored, in ms; 0: `bases` alone decides. */
  readonly keepMs: number;
  /** How many base copies stay, the newest ones; 0: `keepMs` alone decides. */
  readonly bases: number;
  /**
   * The most that the time from one base copy to the next counts for, in ms. Times are those of the
   * leaders' clocks, of which any may have been wrong: however far one was set, and back, copies look
   * older by no more than this.
   */
  readonly gapMsMax: number;
}

/** Whether anything is ever to be removed. */
export function removesAnything({ keepMs, bases }: Retention): boolean {
  return keepMs > 0 || bases > 0;
}

/**
 * The base copy with which an archive may begin: what lies before it is not needed any more.
 * Undefined where all is; never a later one than the newest.
 *
 * @param bases By their index.
 * @param now In ms since 1970 UTC.
 */
export function beginningFor(
  bases: readonly BaseRecord[],
  retention: Retention,
  now: number,
): BaseRecord | undefined {
  if (!removesAnything(retention)) return undefined;
  const { keepMs, bases: keepCount, gapMsMax } = retention;
  const newest = bases.length - 1;
  const byCount = keepCount === 0 ? newest : newest + 1 - keepCount;
  let byAge = newest;
  let ageMs = 0;
  for (let laterMs = now; byAge >= 0; byAge--) {
    const madeAt = bases[byAge]?.time ?? laterMs;
    ageMs += Math.min(gapMsMax, Math.max(0, laterMs - madeAt));
    if (ageMs >= keepMs) break;
    laterMs = madeAt;
  }
  const begin = Math.min(byCount, byAge);
  return begin <= 0 ? undefined : bases[begin];
}
