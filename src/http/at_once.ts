/** Microtasks that pass before a promise counts as one that waits: a read takes two (seen, Deno 2.9). */
const microtasksMax = 8;

/** What a promise has come to that need not wait for anything; undefined for one that waits. */
export async function settledAtOnce<T>(
  promise: T | Promise<T>,
): Promise<PromiseSettledResult<T> | undefined> {
  let settled: PromiseSettledResult<T> | undefined;
  void Promise.resolve(promise).then(
    (value) => settled = { status: "fulfilled", value },
    (reason) => settled = { status: "rejected", reason },
  );
  for (let turn = 0; turn < microtasksMax && settled === undefined; turn++) await undefined;
  return settled;
}
