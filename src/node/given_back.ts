import { releaseBytes, releasedBytesMin } from "../base/bytes.ts";

/**
 * The same pieces, the memory of each given back when the next is asked for: the transport has written
 * it then. They are made for it, and to V8 they would be garbage by the gigabyte, for which it goes
 * through all of the heap again and again.
 */
export async function* givenBack(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    yield piece;
    const { buffer, length } = piece;
    const isAlone = buffer instanceof ArrayBuffer && length === buffer.byteLength;
    if (isAlone && length >= releasedBytesMin) releaseBytes(piece as Uint8Array<ArrayBuffer>);
  }
}
