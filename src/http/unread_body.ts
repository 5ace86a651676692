import type { Handler } from "./native_server.ts";

/** How much of a body is read in vain before its request is answered, in bytes, and for how long, in ms. */
const unreadBytesMax = 4 * 1024 * 1024;
const unreadMsMax = 5_000;
/** How much more of it while the answer leaves, in bytes. */
const leavingBytesMax = 16 * 1024 * 1024;

/**
 * Reads a body that nobody wants any more, so that its request can be answered. When an answer
 * leaves before the body has come, Deno's server lets go of the body, and of the whole HTTP/2 stream
 * with it, often before the answer: its client then sees an error in its place
 * (`findings/deno_http2_unread_body.sh` shows it). Of a body that is too large, or comes too slowly, the rest is read while the answer leaves,
 * with which it mostly gets there. Never rejects.
 */
export async function readInVain(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  const enough = Promise.withResolvers<void>();
  const timer = setTimeout(enough.resolve, unreadMsMax);
  const rest = (async () => {
    for (let bytes = 0; bytes < leavingBytesMax;) {
      const { value, done } = await reader.read();
      if (done) return;
      bytes += value.length;
      if (bytes >= unreadBytesMax) enough.resolve();
    }
    await reader.cancel();
  })().catch(() => {
    // The client has gone, or the request is over.
  });
  await Promise.race([rest, enough.promise]);
  clearTimeout(timer);
}

/** Has bodies that a handler leaves unread read in vain. */
export function readingUnread(handle: Handler): Handler {
  return (request) => {
    const { method } = request;
    if (method === "GET" || method === "HEAD") return handle(request);
    const answer = handle(request);
    if (answer instanceof Promise) return answer.then((response) => afterBody(request, response));
    return afterBody(request, answer);
  };
}

function afterBody(request: Request, response: Response): Response | Promise<Response> {
  if (request.bodyUsed || request.body === null) return response;
  return readInVain(request.body.getReader()).then(() => response);
}
