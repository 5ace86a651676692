const given = Deno.env.get("RAFTLITE_SEED");
const rounds = Number(Deno.env.get("RAFTLITE_ROUNDS") ?? 1);

/** The seeds of a random test: new ones, RAFTLITE_ROUNDS of them, or the one that RAFTLITE_SEED names. */
export function seeds(): bigint[] {
  if (given !== undefined) return [BigInt(given)];
  const now = BigInt(Date.now()) * 1000n;
  return Array.from({ length: rounds }, (_, round) => now + BigInt(round));
}

/** One of them. */
export function anySeed(): bigint {
  return seeds()[0] ?? 0n;
}
