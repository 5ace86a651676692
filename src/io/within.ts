import type { Clock } from "./types.ts";

/** Resolves when `asked` has, which must not reject, or after so long, in ms. */
export async function within(clock: Clock, waitMs: number, asked: Promise<unknown>): Promise<void> {
  await new Promise<void>((resolve) => {
    const late = clock.after(waitMs, resolve);
    void asked.then(() => {
      late.cancel();
      resolve();
    });
  });
}
