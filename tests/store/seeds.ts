const given = Deno.env.get("RAFTLITE_SEED");
const rounds = Number(Deno.env.get("RAFTLITE_ROUNDS") ?? 1);

/** The seeds of a random test: new ones, `each` for each of RAFTLITE_ROUNDS, or the one that RAFTLITE_SEED names. */
export function seeds(each = 1): bigint[] {
  if (given !== undefined) return [BigInt(given)];
  const now = BigInt(Date.now()) * 1000n;
  return Array.from({ length: rounds * each }, (_, round) => now + BigInt(round));
}

/** One of them. */
export function anySeed(): bigint {
  return seeds()[0] ?? 0n;
}
