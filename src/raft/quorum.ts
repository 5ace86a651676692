/**
 * The largest value that a majority of the voters has reached, given each one's value, in any
 * order; sorts `values`. 0 when there is no voter, as nothing is then ever agreed on.
 */
export function majorityValue(values: number[]): number {
  for (let i = 1; i < values.length; i++) {
    const value = values[i] ?? 0;
    let k = i - 1;
    for (; k >= 0 && (values[k] ?? 0) < value; k--) values[k + 1] = values[k] ?? 0;
    values[k + 1] = value;
  }
  return values[values.length >> 1] ?? 0;
}

/** How many of `voters` voters are a majority. */
export function majority(voters: number): number {
  return (voters >> 1) + 1;
}
