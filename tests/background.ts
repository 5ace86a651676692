/**
 * Work that goes on beside what a test does, and is awaited at its end. Should it fail before, the
 * test says so when it gets there, or says what failed first: a rejection that nobody had in hand
 * yet would end the whole file, and nobody would learn which test it was.
 */
export function background<T>(work: () => Promise<T>): Promise<T> {
  const done = work();
  done.catch(() => {});
  return done;
}
