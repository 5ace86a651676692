import type { IncomingMessage, ServerResponse } from "node:http";
import { Buffer, isAscii } from "node:buffer";
import { FrontRequest } from "./front_request.ts";
import type { ClientActivity } from "./client_activity.ts";
import { StreamedResponse } from "./streamed_response.ts";
import { untilDrained } from "./until_drained.ts";

/** Bodies up to this size whose length is given are gathered before the request is handled. */
const smallBytesMax = 64 * 1024;

/** Answers up to this size are written as one piece with their heads. */
const oneWriteBytesMax = 16 * 1024;

export interface NodeExchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Whose connection it is. */
  readonly client: ClientActivity;
  readonly secure: boolean;
}

/** Answers a request of Node's server by a handler of the web's requests. Never rejects. */
export async function answerNode(
  { request, response, client, secure }: NodeExchange,
): Promise<void> {
  try {
    const asked = requestOf(request, await bodyOf(request, client), secure);
    response.on("close", () => response.writableFinished || asked.abort());
    await write(response, await client.handle(asked), request.method === "HEAD");
  } catch {
    // The client has gone, or the answer broke off in its middle: the connection ends.
    request.socket.destroy();
  }
}

function requestOf(
  { method = "GET", url = "/", headers, rawHeaders }: IncomingMessage,
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null,
  secure: boolean,
): FrontRequest {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    pairs.push([rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""]);
  }
  const at = url.startsWith("/") || url === "*" ? `//${headers.host ?? "localhost"}${url}` : url;
  const whole = at.startsWith("//") ? `${secure ? "https" : "http"}:${at}` : at;
  const hasBody = method !== "GET" && method !== "HEAD";
  return new FrontRequest(whole, {
    method,
    headers: pairs,
    body: hasBody ? body : null,
  });
}

async function bodyOf(
  request: IncomingMessage,
  client: ClientActivity,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null> {
  const { headers } = request;
  const length = Number(headers["content-length"] ?? NaN);
  if (headers["transfer-encoding"] === undefined) {
    if (!(length > 0)) return null;
    if (length <= smallBytesMax) return await client.receive(gathered(request, length));
  }
  const chunks = request[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    async cancel() {
      await chunks.return?.();
    },
  }, { highWaterMark: 0 });
}

/** By events: the iterator of Node's streams costs as much as a small request besides. */
function gathered(request: IncomingMessage, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const body = new Uint8Array(length);
  let filled = 0;
  return new Promise((resolve, reject) => {
    request.on("data", (chunk: Uint8Array) => {
      // Nobody could catch what is thrown here.
      if (filled + chunk.length > length) return reject(new Error("The body is longer than said"));
      body.set(chunk, filled);
      filled += chunk.length;
    });
    let isOver = false;
    request.once("end", () => {
      isOver = true;
      resolve(body);
    });
    request.once("error", reject);
    // Nothing more comes of a client that has gone. Each request is closed in the end, and to make
    // an error for nobody costs as much as to read a small body.
    request.once("close", () => isOver || reject(new Error("The request's body broke off")));
  });
}

/** Writes a response as fast as the client takes it. */
async function write(out: ServerResponse, response: Response, headOnly: boolean): Promise<void> {
  const { status } = response;
  // One after the other: what a header has twice, such as a cookie, is two of it. The iterator would
  // take five times as long.
  const headers: string[] = [];
  response.headers.forEach((value, name) => headers.push(name, value));
  if (!headOnly && response instanceof StreamedResponse) {
    out.writeHead(status, headers);
    return await writePieces(out, response);
  }
  if (headOnly && response.body !== null) {
    await response.body.cancel();
    out.writeHead(status, headers).end();
    return;
  }
  // To ask a response that is no stream for its body's stream costs more than all else here.
  const bytes = await response.bytes();
  if (status !== 204 && status !== 304) headers.push("content-length", String(bytes.length));
  out.writeHead(status, headers);
  // A text is written together with the head, and bytes by themselves, which is a record of TLS more,
  // and a call of the system. But Deno (2.9) sends a text in UTF-8, also where another encoding is
  // named: only of ASCII are both the same.
  if (bytes.length > oneWriteBytesMax || !isAscii(bytes)) return void out.end(bytes);
  const { buffer, byteOffset, byteLength } = bytes;
  out.end(Buffer.from(buffer, byteOffset, byteLength).toString("latin1"), "latin1");
}

async function writePieces(out: ServerResponse, { body }: Response): Promise<void> {
  const reader = body?.getReader();
  if (reader === undefined) return void out.end();
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      await writePiece(out, piece.value);
    }
    out.end();
  } finally {
    await reader.cancel().catch(() => {});
  }
}

async function writePiece(response: ServerResponse, bytes: Uint8Array): Promise<void> {
  if (response.destroyed) throw new Error("The client has gone");
  if (bytes.length === 0 || response.write(bytes)) return;
  await untilDrained(response);
}
