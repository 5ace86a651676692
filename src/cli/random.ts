/** A whole number from 0 to `limit` - 1. */
export function random(limit: number): number {
  return Math.floor(Math.random() * limit);
}

/** 64 random bits from the system's source. */
export function random64(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0] ?? 0n;
}

/** The id of a new cluster: 16 hex digits. */
export function newClusterId(): string {
  return random64().toString(16).padStart(16, "0");
}

/** What tells the servers apart that one node has been: 8 hex digits. */
export function newIncarnation(): string {
  return newClusterId().slice(0, 8);
}
