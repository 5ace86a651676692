import type { Clock, Timer } from "../../io/types.ts";

/** A copy of the database that can be read, once. */
export interface ReadableCopy {
  readonly pieces: AsyncGenerator<Uint8Array>;
  /** Removes it, or lets go of it. */
  close(): Promise<void>;
}

/** How long a client may take nothing of the copy, and its going away. */
export interface CopyStreamOptions {
  readonly clock: Clock;
  readonly stallMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * A copy of the database on its way to a client. It is closed at the stream's end,
 * whatever that is: all of it sent, the client gone or silent for `stallMs`, or an error on the way.
 */
export function streamCopy(
  { pieces, close }: ReadableCopy,
  { clock, stallMs, signal }: CopyStreamOptions,
): ReadableStream<Uint8Array> {
  let stall: Timer | undefined;
  let giveUp = (_reason: unknown): void => {};
  const goneAway = () => giveUp(signal?.reason);
  const end = async () => {
    stall?.cancel();
    signal?.removeEventListener("abort", goneAway);
    await close();
  };
  const watch = () => {
    stall = clock.after(stallMs, () => {
      giveUp(new Error(`Copy given up: its client took nothing of it for ${stallMs} ms`));
    });
  };
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      giveUp = (reason) => {
        controller.error(reason);
        void end();
      };
      watch();
      signal?.addEventListener("abort", goneAway, { once: true });
    },
    async pull(controller) {
      stall?.cancel();
      try {
        const { value, done } = await pieces.next();
        if (done) {
          await end();
          controller.close();
          return;
        }
        // Given up while the disk was waited for: the stream has its error.
        if (signal?.aborted) return;
        controller.enqueue(value);
        watch();
      } catch (error) {
        await end();
        throw error;
      }
    },
    cancel: end,
  }, { highWaterMark: 0 });
  if (signal?.aborted) goneAway();
  return stream;
}
