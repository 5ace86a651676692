/** Thrown when an invariant of the program itself is broken: a bug here, never bad input. */
export class InvariantError extends Error {
  override name = "InvariantError";
}

/** Stops the program's current work when an invariant does not hold; `what` says which. */
export function assert(condition: unknown, what: string): asserts condition {
  if (!condition) throw new InvariantError(what);
}

/** Marks the branch of a switch that no value can reach. */
export function unreachable(value: never): never {
  throw new InvariantError(`Unreachable value: ${JSON.stringify(value)}`);
}
