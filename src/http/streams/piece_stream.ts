import { SlowReaderError } from "./pieces_under_way.ts";

/** A reader that takes nothing for so long, while there is something, is given up, in ms. */
const stallMsMax = 60_000;

/**
 * A body that gives a piece whenever the last one was taken.
 *
 * @param gone Aborted when the reader has gone, or was given up.
 * @param left Called when it is over, however.
 */
export function pieceStream(
  pieces: AsyncGenerator<string>,
  gone: AbortController,
  left: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let stalled: ReturnType<typeof setTimeout> | undefined;
  let cancelled = false;
  const end = () => {
    clearTimeout(stalled);
    gone.abort();
    left();
  };
  // What it holds for its reader, where it waits for that to take a piece.
  const letGo = () => pieces.return(undefined).catch(() => {});
  const giveUp = (controller: ReadableStreamDefaultController, error: Error) => {
    end();
    void letGo();
    controller.error(error);
  };
  return new ReadableStream({
    start: (controller) => {
      gone.signal.addEventListener("abort", () => {
        const { reason } = gone.signal;
        if (reason instanceof SlowReaderError) giveUp(controller, reason);
      });
    },
    pull: async (controller) => {
      clearTimeout(stalled);
      try {
        const { done, value } = await pieces.next();
        if (cancelled) return;
        if (done) {
          end();
          controller.close();
          return;
        }
        stalled = setTimeout(
          () => giveUp(controller, new Error("The reader of a stream takes nothing")),
          stallMsMax,
        );
        controller.enqueue(encoder.encode(value));
      } catch (error) {
        end();
        if (!cancelled) controller.error(error);
      }
    },
    cancel: async () => {
      cancelled = true;
      end();
      await letGo();
    },
  }, { highWaterMark: 0 });
}
