import { RequestError } from "./request_error.ts";

/** Keeps a byte order mark, which JSON does not allow; bytes that are no UTF-8 become U+FFFD. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The whole body as text. Throws a RequestError (413) as soon as it exceeds `bytesMax`. */
export function readBodyText(request: Request, bytesMax: number): Promise<string> {
  const { headers } = request;
  // With a length given the server reads no more than that; without chunks to count it is faster.
  const length = headers.get("content-length");
  if (length !== null && Number(length) <= bytesMax && headers.get("transfer-encoding") === null) {
    return request.bytes().then((body) => {
      if (body.length <= bytesMax) return decoder.decode(body);
      throw new RequestError(413, `request body exceeds ${bytesMax} bytes`);
    });
  }
  if (request.body === null) return Promise.resolve("");
  return readText(request.body.getReader(), [], bytesMax);
}

/** Reads on behind the chunks in `first`, which the reader has given already. */
export async function readText(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  first: readonly Uint8Array[],
  bytesMax: number,
): Promise<string> {
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
  if (chunks.length === 1 && only !== undefined) return decoder.decode(only);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return decoder.decode(whole);
}
