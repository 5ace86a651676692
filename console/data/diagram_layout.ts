/** That a table refers to another, by one of its columns or more. */
export interface Reference {
  readonly from: string;
  readonly to: string;
}

export interface PlacedTable {
  readonly name: string;
  /** Its column in the diagram: right of all that it refers to, but for circles. */
  readonly level: number;
  /** Its place in that column. */
  readonly place: number;
}

/** Where each table that refers to another, or is referred to, stands. */
export function layOut(references: readonly Reference[]): readonly PlacedTable[] {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of references) {
    for (const name of [from, to]) if (!targets.has(name)) targets.set(name, new Set());
    if (from !== to) targets.get(from)?.add(to);
  }
  const levels = new Map<string, number>();
  const levelOf = (name: string, above: ReadonlySet<string>): number => {
    const known = levels.get(name);
    if (known !== undefined) return known;
    // A circle is cut where it closes.
    if (above.has(name)) return -1;
    const path = new Set([...above, name]);
    const below = [...targets.get(name) ?? []].map((to) => levelOf(to, path));
    const level = 1 + Math.max(-1, ...below);
    levels.set(name, level);
    return level;
  };
  const counts: number[] = [];
  return [...targets.keys()].sort().map((name) => {
    const level = levelOf(name, new Set());
    const place = counts[level] ?? 0;
    counts[level] = place + 1;
    return { name, level, place };
  });
}
