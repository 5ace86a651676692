/** Without news a reader hears after so long that its stream lives, and where it stands, in ms. */
const heartbeatMs = 10_000;

/**
 * Whether `wait` has resolved; false when it has been quiet for so long that a heartbeat is due, or
 * `signal` is aborted. `wait` gives up when the signal that it is handed is aborted.
 */
export async function newsWithin(
  signal: AbortSignal,
  wait: (signal: AbortSignal) => Promise<void>,
): Promise<boolean> {
  // Of one that is aborted already, nobody is told.
  if (signal.aborted) return false;
  const quiet = new AbortController();
  const end = () => quiet.abort();
  const timer = setTimeout(end, heartbeatMs);
  signal.addEventListener("abort", end);
  try {
    await wait(quiet.signal);
    return !quiet.signal.aborted;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}
