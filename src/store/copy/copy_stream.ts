import type { Clock, Timer } from "../../io/types.ts";

/**
 * What a client that takes something at all takes at least, in bytes a second: it is seen to have taken a
 * piece only when that, and what the system keeps before it, is on its way.
 */
const takenBytesPerSecondMin = 4 * 1024;

/** A copy of the database that can be read, once. */
export interface ReadableCopy {
  readonly pieces: AsyncGenerator<Uint8Array>;
  /** Removes it, or lets go of it. */
  close(): Promise<void>;
}

/** How long a client may take nothing of the copy, and its going away. */
export interface CopyStreamOptions {
  readonly clock: Clock;
  /** For a large piece it is longer. */
  readonly stallMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * A copy of the database on its way to a client. It is closed at the stream's end,
 * whatever that is: all of it sent, the client gone, silent or too slow, or an error on the way.
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
  /** Until the client has taken all of the last piece. */
  const watch = (pieceBytes: number) => {
    const waitMs = Math.max(stallMs, Math.ceil(pieceBytes / takenBytesPerSecondMin * 1000));
    stall = clock.after(waitMs, () => {
      giveUp(
        new Error(
          pieceBytes === 0
            ? `Copy given up: its client took nothing of it for ${waitMs} ms`
            : `Copy given up: its client did not take ${pieceBytes} bytes of it in ${waitMs} ms`,
        ),
      );
    });
  };
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      giveUp = (reason) => {
        controller.error(reason);
        void end();
      };
      watch(0);
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
        const { length } = value;
        controller.enqueue(value);
        watch(length);
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
