import { ByteWriter } from "../base/bytes.ts";
import type { AppState } from "./app_state.ts";
import { PauseWatch } from "./pause_watch.ts";
import { BrokenBodyError, RequestError } from "./request_error.ts";

/** Bodies up to this size whose length is given are read at once, and take nothing of the budget. */
const smallBytesMax = 64 * 1024;

/** Both keep a byte order mark, which JSON does not allow. */
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const strict = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

/** A body of JSON as text: bytes that are no UTF-8 become U+FFFD, as in Go. */
export function jsonText(body: Uint8Array): string {
  return lenient.decode(body);
}

/** A body of SQL as text; undefined when it is no UTF-8, since to mend it would change what it writes. */
export function sqlText(body: Uint8Array): string | undefined {
  try {
    return strict.decode(body);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** How rqlite refuses such SQL. */
export const notUtf8 = "string field contains invalid UTF-8";

/**
 * The whole body. Throws a RequestError as soon as it exceeds the limit (413), or all bodies under
 * way together exceed theirs (503), and a BrokenBodyError when a large one pauses for too long.
 */
export function readBody(app: AppState, request: Request): Promise<Uint8Array> {
  const { headers } = request;
  const { bodyBytesMax } = app.limits;
  // With a length given the server reads no more than that; without chunks to count it is faster.
  const length = headers.get("content-length");
  if (
    length !== null && Number(length) <= Math.min(smallBytesMax, bodyBytesMax) &&
    headers.get("transfer-encoding") === null
  ) {
    return request.bytes().then((body) => {
      if (body.length <= bodyBytesMax) return body;
      throw new RequestError(413, `request body exceeds ${bodyBytesMax} bytes`);
    }, throwBroken);
  }
  if (request.body === null) return Promise.resolve(new Uint8Array(0));
  return readRest(app, request.body.getReader(), [], bodyBytesMax);
}

/** Reads on behind the chunks in `first`, which the reader has given already. */
export async function readRest(
  app: AppState,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  first: readonly Uint8Array[],
  bytesMax: number,
): Promise<Uint8Array> {
  using share = app.bodies.share();
  using pause = new PauseWatch(reader, app.limits.bodyPauseMsMax);
  // Not a list of the chunks: each would keep the larger buffer that it was read into.
  const body = new ByteWriter(smallBytesMax);
  const add = (chunk: Uint8Array) => {
    if (body.length + chunk.length > bytesMax) {
      throw new RequestError(413, `request body exceeds ${bytesMax} bytes`);
    }
    share.take(chunk.length);
    body.raw(chunk);
  };
  try {
    for (const chunk of first) add(chunk);
    for (;;) {
      const { value, done } = await readChunk(reader);
      pause.end();
      if (done) return body.view();
      add(value);
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** As `reader.read`, but throws a BrokenBodyError. */
export function readChunk(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  return reader.read().catch(throwBroken);
}

function throwBroken(error: unknown): never {
  throw new BrokenBodyError(error);
}
