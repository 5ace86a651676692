import { settledAtOnce } from "./at_once.ts";

type Read = ReadableStreamReadResult<Uint8Array>;

/** How an answer's body begins. */
export interface FirstPiece {
  readonly bytes: Uint8Array;
  /** What comes behind it; undefined when that is all, so that the length can be told. */
  readonly next: Promise<Read> | undefined;
}

/**
 * Reads a body's first piece, and sees whether it is the only one, as of bodies that are no streams.
 * A body that says so later goes in chunks, which is as good.
 */
export async function readFirstPiece(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<FirstPiece> {
  const first = await reader.read();
  if (first.done) return { bytes: new Uint8Array(0), next: undefined };
  const next = reader.read();
  const settled = await settledAtOnce(next);
  const isOver = settled?.status === "fulfilled" && settled.value.done;
  return { bytes: first.value, next: isOver ? undefined : next };
}
