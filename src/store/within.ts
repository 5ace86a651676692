import type { Clock } from "../io/types.ts";

/** Resolves when `asked` has, or after so long, in ms. */
export async function within(clock: Clock, waitMs: number, asked: Promise<unknown>): Promise<void> {
  await new Promise<void>((resolve) => {
    const late = clock.after(waitMs, resolve);
    void asked.then(() => {
      late.cancel();
      resolve();
    });
  });
}
