/** How often a command that fetches packages is run: registries are slow, or away for a moment. */
const tries = 3;
/** Pause before the second try, and twice that before the third, in ms. */
const pauseMs = 10_000;

/** Does what fetches packages until it has succeeded, or often enough; resolves with its last result. */
export async function fetching<T>(
  fetchOnce: () => Promise<T>,
  isThere: (result: T) => boolean,
): Promise<T> {
  for (let tried = 1;; tried++) {
    const result = await fetchOnce();
    if (tried === tries || isThere(result)) return result;
    await new Promise((resolve) => setTimeout(resolve, tried * pauseMs));
  }
}
