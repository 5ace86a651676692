import type { RequestId } from "../types.ts";

/** Origins remembered; beyond, the one whose last request lies farthest back in the log is forgotten. */
export const originsMax = 1024;

/** How far a request may be ahead of its origin's floor. */
export const windowMax = 65_536;

interface Origin {
  floor: number;
  /** Sequences applied, none below `floor`. */
  readonly applied: Set<number>;
  /** Log index of its last request. */
  lastIndex: number;
}

/** One origin as it is stored. */
export interface SessionRow {
  readonly origin: bigint;
  readonly floor: number;
  readonly lastIndex: number;
  /** Bit n of byte m is set when `floor + 8 m + n` has been applied. */
  readonly applied: Uint8Array;
}

export type Admission = "new" | "duplicate" | "beyond_window";

/**
 * Which requests have been applied: what makes a write happen once however often it is sent
 * (thesis 6.3). Everything here follows from the log alone, and so is the same on every node.
 */
export class Sessions {
  /** In the order of `lastIndex`, the oldest first. */
  readonly #origins = new Map<bigint, Origin>();
  readonly #changed = new Set<bigint>();

  constructor(rows: Iterable<SessionRow> = []) {
    const sorted = [...rows].sort((a, b) => a.lastIndex - b.lastIndex);
    for (const row of sorted) this.#put(row);
  }

  get size(): number {
    return this.#origins.size;
  }

  /** What to do with a request: a duplicate has no effect, one beyond the window is refused. */
  admit({ origin, sequence, floor }: RequestId): Admission {
    const known = this.#origins.get(origin);
    const from = Math.max(floor, known?.floor ?? 0);
    if (sequence < from || known?.applied.has(sequence)) return "duplicate";
    return sequence - from >= windowMax ? "beyond_window" : "new";
  }

  /** Remembers that a request was applied by the entry at `index`. */
  record({ origin, sequence, floor }: RequestId, index: number): void {
    const known = this.#origins.get(origin) ?? { floor: 0, applied: new Set(), lastIndex: 0 };
    raiseFloor(known, floor);
    known.applied.add(sequence);
    known.lastIndex = index;
    this.#origins.delete(origin);
    this.#origins.set(origin, known);
    this.#changed.add(origin);
    if (this.#origins.size > originsMax) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const origin of this.#origins.keys()) {
      this.#origins.delete(origin);
      this.#changed.add(origin);
      return;
    }
  }

  /** Origins changed since `settle`, as they now are; undefined for a forgotten one. */
  *changes(): IterableIterator<[origin: bigint, row: SessionRow | undefined]> {
    for (const origin of this.#changed) {
      const known = this.#origins.get(origin);
      yield [origin, known === undefined ? undefined : rowOf(origin, known)];
    }
  }

  /** All origins, for a database that takes this one's place. */
  *rows(): IterableIterator<SessionRow> {
    for (const [origin, known] of this.#origins) yield rowOf(origin, known);
  }

  get changed(): boolean {
    return this.#changed.size > 0;
  }

  /** The changes are committed. */
  settle(): void {
    this.#changed.clear();
  }

  #put(row: SessionRow): void {
    this.#origins.delete(row.origin);
    this.#origins.set(row.origin, {
      floor: row.floor,
      applied: appliedIn(row),
      lastIndex: row.lastIndex,
    });
  }
}

function raiseFloor(origin: Origin, floor: number): void {
  if (floor - origin.floor > origin.applied.size) {
    for (const sequence of origin.applied) if (sequence < floor) origin.applied.delete(sequence);
  } else {
    for (let sequence = origin.floor; sequence < floor; sequence++) origin.applied.delete(sequence);
  }
  origin.floor = Math.max(origin.floor, floor);
}

function rowOf(origin: bigint, { floor, applied, lastIndex }: Origin): SessionRow {
  let last = floor;
  for (const sequence of applied) if (sequence > last) last = sequence;
  const bits = new Uint8Array(applied.size === 0 ? 0 : ((last - floor) >> 3) + 1);
  for (const sequence of applied) {
    const bit = sequence - floor;
    bits[bit >> 3] = (bits[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  return { origin, floor, lastIndex, applied: bits };
}

function appliedIn({ floor, applied }: SessionRow): Set<number> {
  const sequences = new Set<number>();
  applied.forEach((byte, at) => {
    for (let bit = 0; bit < 8; bit++) {
      if ((byte >> bit) & 1) sequences.add(floor + at * 8 + bit);
    }
  });
  return sequences;
}
