const given = Deno.env.get("RAFTLITE_SEED");
/** The first of those drawn: CI gives one, so that a change fails by what it does and not by the draw. */
const first = Deno.env.get("RAFTLITE_FIRST_SEED");
const rounds = Number(Deno.env.get("RAFTLITE_ROUNDS") ?? 1);

/**
 * The seeds of a random test: new ones, or those from
 * RAFTLITE_FIRST_SEED on, `each` for each of RAFTLITE_ROUNDS; or the one that RAFTLITE_SEED names.
 */
export function seeds(each = 1): bigint[] {
  if (given !== undefined) return [BigInt(given)];
  const begin = first === undefined ? BigInt(Date.now()) * 1000n : BigInt(first);
  return Array.from({ length: rounds * each }, (_, round) => begin + BigInt(round));
}

/** One of them. */
export function anySeed(): bigint {
  return seeds()[0] ?? 0n;
}
