/**
 * The candidate that `word` was most likely meant to be; undefined when none is near: half of the
 * word must be right.
 */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  const distanceMax = Math.min(
    Math.max(2, Math.ceil(word.length / 3)),
    Math.floor(word.length / 2),
  );
  let bestDistance = distanceMax + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions and replacements that turn `a` into `b` (Levenshtein 1966). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 0; i < a.length; i++) {
    const row = [i + 1];
    for (let j = 0; j < b.length; j++) {
      row.push(Math.min(
        (row[j] ?? 0) + 1,
        (previous[j + 1] ?? 0) + 1,
        (previous[j] ?? 0) + (a[i] === b[j] ? 0 : 1),
      ));
    }
    previous = row;
  }
  return previous[b.length] ?? 0;
}
