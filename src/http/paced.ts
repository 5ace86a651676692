import { sliceBytes, Slices } from "../base/slices.ts";
import { Indenter } from "./indent.ts";
import { nextTurn } from "./next_turn.ts";

/** Bytes that are laid out without a pause: that takes some ten times as long as to copy them. */
const indentedBytesMax = 64 * 1024;

/**
 * A body of the pieces, cut so that the event loop has its turn often enough, and laid out over
 * lines if `pretty`.
 */
export function paced(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  pretty: boolean,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return ReadableStream.from(cut(pieces, pretty));
}

async function* cut(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  pretty: boolean,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const indenter = pretty ? new Indenter() : undefined;
  const bytesMax = pretty ? indentedBytesMax : sliceBytes;
  const slices = new Slices(nextTurn);
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; at += bytesMax) {
      const part = piece.subarray(at, at + bytesMax);
      yield indenter?.push(part) ?? own(part);
      const pause = slices.spent(part.length * (sliceBytes / bytesMax));
      if (pause !== undefined) await pause;
    }
  }
}

/** No piece of a body lies in memory that is shared between threads. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? bytes as Uint8Array<ArrayBuffer>
    : new Uint8Array(bytes);
}
