import type { Random } from "./types.ts";

/** Chance from the system. */
export class SystemRandom implements Random {
  below(limit: number): number {
    return Math.floor(Math.random() * limit);
  }

  uint64(): bigint {
    return crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n;
  }
}
