import { ServiceError } from "../cluster/types.ts";

/** Bytes that are read back at once. */
const pieceBytes = 256 * 1024;
/** A write to the system's cache that takes longer, in ms, shows that the disk cannot keep up. */
const slowWriteMs = 5;
/** Bodies that are kept at a time: each is as large as its client likes. */
const bodiesMax = 8;
let bodies = 0;

/**
 * Takes a body as fast as it comes into a file of its own, and hands it to `use` from there.
 *
 * Only for bodies that come in chunks: Deno's server (2.9, seen) keeps in memory what it has
 * received of one and its reader has not taken yet, without a bound, and moves all of it at each
 * read. What a crash leaves is removed when the store opens, by its name.
 */
export async function spool<Result>(
  body: ReadableStream<Uint8Array>,
  directory: string,
  use: (body: ReadableStream<Uint8Array>, sizeBytes: number) => Promise<Result>,
): Promise<Result> {
  if (bodies >= bodiesMax) {
    await body.cancel().catch(() => {});
    throw new ServiceError(
      "overloaded",
      `Too many uploads: ${bodies} are under way, try again when one is done`,
    );
  }
  const path = `${directory}/db.sqlite.tmp-upload-${crypto.randomUUID().slice(0, 8)}`;
  bodies++;
  try {
    const sizeBytes = await keep(body, path);
    return await use(ReadableStream.from(pieces(path)), sizeBytes);
  } finally {
    bodies--;
    await Deno.remove(path).catch(() => {});
  }
}

/** Returns how many bytes it had. */
async function keep(body: ReadableStream<Uint8Array>, path: string): Promise<number> {
  const reader = body.getReader();
  let sizeBytes = 0;
  try {
    using file = await Deno.open(path, { write: true, createNew: true });
    // To leave the thread for each piece would be too slow for a client on the same machine, and
    // what is behind then gets slower: so only for as long as the disk cannot keep up.
    let mayBlock = true;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return sizeBytes;
      sizeBytes += value.length;
      for (let rest = value; rest.length > 0;) {
        const startedAt = performance.now();
        const count = mayBlock ? file.writeSync(rest) : await file.write(rest);
        mayBlock = performance.now() - startedAt < slowWriteMs;
        rest = rest.subarray(count);
      }
    }
  } catch (error) {
    if (!isOfFile(error)) throw error;
    throw new ServiceError("unavailable", `Upload could not be kept in ${path}: ${error.message}`);
  } finally {
    await reader.cancel();
  }
}

/** Whether the file is at fault, and not the client. */
function isOfFile(error: unknown): error is Error {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

async function* pieces(path: string): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  for (;;) {
    const piece = new Uint8Array(pieceBytes);
    const length = await file.read(piece);
    if (length === null) return;
    yield piece.subarray(0, length);
  }
}
