import { joinBytes } from "./bytes.ts";
import { checksum } from "./checksum.ts";

/**
 * Work on many bytes, done in slices: between two of them the event loop has its turn, so that
 * timers run, heartbeats go out, and what has arrived is read.
 */

/** Resolves in the next turn of the event loop. */
export type NextTurn = () => Promise<void>;

/**
 * Bytes that are copied or summed without a pause. Written to for the first time, memory costs most
 * of it: a slice takes half a millisecond, or three when others want the processor (measured).
 */
export const sliceBytes = 1024 * 1024;

/** Counts work, and says when it is time for a pause. */
export class Slices {
  readonly #nextTurn: NextTurn;
  #left = sliceBytes;

  constructor(nextTurn: NextTurn) {
    this.#nextTurn = nextTurn;
  }

  /** Work on that many bytes has been done: what to wait for before more of it, if anything. */
  spent(bytes: number): Promise<void> | undefined {
    this.#left -= bytes;
    if (this.#left > 0) return undefined;
    this.#left = sliceBytes;
    return this.#nextTurn();
  }
}

/** As `checksum`. */
export async function checksumInSlices(
  bytes: Uint8Array,
  nextTurn: NextTurn,
  seed = 0,
): Promise<number> {
  let sum = seed;
  for (let at = 0; at < bytes.length; at += sliceBytes) {
    if (at > 0) await nextTurn();
    sum = checksum(bytes.subarray(at, at + sliceBytes), sum);
  }
  return sum;
}

/** All parts in a row, in a buffer of their own. */
export async function joinInSlices(
  parts: readonly Uint8Array[],
  nextTurn: NextTurn,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  const slices = new Slices(nextTurn);
  let at = 0;
  for (const part of parts) {
    for (let done = 0; done < part.length;) {
      const piece = part.subarray(done, done + sliceBytes);
      whole.set(piece, at + done);
      done += piece.length;
      await slices.spent(piece.length);
    }
    at += part.length;
  }
  return whole;
}

/** Both in a row; with pauses, and a promise, when it is much. */
export function joinByLength(
  head: Uint8Array,
  body: Uint8Array,
  nextTurn: NextTurn,
): Uint8Array | Promise<Uint8Array> {
  if (body.length > sliceBytes) return joinInSlices([head, body], nextTurn);
  return joinBytes([head, body]);
}
