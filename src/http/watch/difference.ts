/** A piece of a difference: at this place that many rows go, and these come. */
export interface Splice {
  /** Place in the list as the splices before have left it, from 0. */
  readonly at: number;
  readonly removed: number;
  readonly added: readonly string[];
}

/**
 * What makes one list of the other, splice after splice from its beginning on. Rows that stay are
 * those of the longest run that is in the same order in both, where each row is found once; of equal
 * rows the first is the first, and so on, which may not be the least.
 */
export function difference(before: readonly string[], after: readonly string[]): Splice[] {
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && before[start] === after[start]) start++;
  let same = 0;
  while (
    same < shorter - start &&
    before[before.length - 1 - same] === after[after.length - 1 - same]
  ) same++;
  const [beforeEnd, afterEnd] = [before.length - same, after.length - same];
  const splices: Splice[] = [];
  let [old, next] = [start, start];
  const upTo = (oldEnd: number, nextEnd: number) => {
    if (oldEnd === old && nextEnd === next) return;
    splices.push({ at: next, removed: oldEnd - old, added: after.slice(next, nextEnd) });
  };
  for (const kept of keptRows(before, after, { start, beforeEnd, afterEnd })) {
    upTo(kept.before, kept.after);
    [old, next] = [kept.before + 1, kept.after + 1];
  }
  upTo(beforeEnd, afterEnd);
  return splices;
}

/** Where a row stands before and after. */
interface Kept {
  readonly before: number;
  readonly after: number;
  /** The one before it in the longest run that ends here. */
  readonly previous: Kept | undefined;
}

/** Of the rows in the middle, in their order: the longest ascending run of their places before. */
function keptRows(
  before: readonly string[],
  after: readonly string[],
  { start, beforeEnd, afterEnd }: {
    readonly start: number;
    readonly beforeEnd: number;
    readonly afterEnd: number;
  },
): Kept[] {
  const places = new Map<string, number[]>();
  // From the end, so that the first is taken first.
  for (let i = beforeEnd - 1; i >= start; i--) {
    const row = before[i] ?? "";
    const known = places.get(row);
    if (known === undefined) places.set(row, [i]);
    else known.push(i);
  }
  /** Of each length, the run whose last place before is least. */
  const runs: Kept[] = [];
  for (let j = start; j < afterEnd; j++) {
    const i = places.get(after[j] ?? "")?.pop();
    if (i === undefined) continue;
    let [low, high] = [0, runs.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((runs[middle]?.before ?? 0) < i) low = middle + 1;
      else high = middle;
    }
    runs[low] = { before: i, after: j, previous: runs[low - 1] };
  }
  const kept: Kept[] = [];
  for (let last = runs[runs.length - 1]; last !== undefined; last = last.previous) kept.push(last);
  return kept.reverse();
}
