import { RequestError } from "./request_error.ts";

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

/** The whole body. Throws a RequestError (413) as soon as it exceeds `bytesMax`. */
export function readBody(request: Request, bytesMax: number): Promise<Uint8Array> {
  const { headers } = request;
  // With a length given the server reads no more than that; without chunks to count it is faster.
  const length = headers.get("content-length");
  if (length !== null && Number(length) <= bytesMax && headers.get("transfer-encoding") === null) {
    return request.bytes().then((body) => {
      if (body.length <= bytesMax) return body;
      throw new RequestError(413, `request body exceeds ${bytesMax} bytes`);
    });
  }
  if (request.body === null) return Promise.resolve(new Uint8Array(0));
  return readRest(request.body.getReader(), [], bytesMax);
}

/** Reads on behind the chunks in `first`, which the reader has given already. */
export async function readRest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  first: readonly Uint8Array[],
  bytesMax: number,
): Promise<Uint8Array> {
  const chunks = [...first];
  let length = 0;
  for (const chunk of first) length += chunk.length;
  for (;;) {
    if (length > bytesMax) {
      await reader.cancel();
      throw new RequestError(413, `request body exceeds ${bytesMax} bytes`);
    }
    const { value, done } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
  }
  const only = chunks[0];
  if (chunks.length === 1 && only !== undefined) return only;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
