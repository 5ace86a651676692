import type { Clock, Timer } from "../../io/types.ts";
import { readFile } from "./snapshot_body.ts";
import type { TemporaryFile } from "./temporary_files.ts";

/** How long a client may take nothing of the copy, and its going away. */
export interface CopyStreamOptions {
  readonly clock: Clock;
  readonly stallMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * A finished copy of the database on its way to a client. The copy is removed at the stream's end,
 * whatever that is: all of it sent, the client gone or silent for `stallMs`, or an error on the way.
 */
export async function streamCopy(
  copy: TemporaryFile,
  { clock, stallMs, signal }: CopyStreamOptions,
): Promise<ReadableStream<Uint8Array>> {
  const file = await copy.open({ create: false });
  const chunks = readFile(file, await file.size());
  let stall: Timer | undefined;
  let giveUp = (_reason: unknown): void => {};
  const goneAway = () => giveUp(signal?.reason);
  const end = async () => {
    stall?.cancel();
    signal?.removeEventListener("abort", goneAway);
    await copy.remove();
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
        const { value, done } = await chunks.next();
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
