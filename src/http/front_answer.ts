import { STATUS_CODES } from "node:http";
import { joinBytes } from "../base/bytes.ts";
import { readFirstPiece } from "./answer_body.ts";

const encoder = new TextEncoder();
const lineEnd = encoder.encode("\r\n");
const lastChunk = encoder.encode("0\r\n\r\n");
/** Statuses whose answers have neither a body nor a length (RFC 9110, 8.6). */
const bodiless: ReadonlySet<number> = new Set([204, 304]);

/**
 * Writes a response as HTTP/1.1, with its length when all of it is there at once, else in chunks.
 * Throws when the body fails in the middle, or the client has gone: the connection must then end.
 */
export async function writeResponse(
  connection: Deno.Conn,
  response: Response,
  last: boolean,
): Promise<void> {
  const head = headOf(response, last);
  if (response.body === null) {
    const length = bodiless.has(response.status) ? "" : "content-length: 0\r\n";
    return await writeAll(connection, encoder.encode(`${head}${length}\r\n`));
  }
  const reader = response.body.getReader();
  try {
    const { bytes, next } = await readFirstPiece(reader);
    if (next === undefined) {
      const length = `content-length: ${bytes.length}\r\n\r\n`;
      return await writeAll(connection, joinBytes([encoder.encode(head + length), bytes]));
    }
    const chunked = encoder.encode(`${head}transfer-encoding: chunked\r\n\r\n`);
    await writeAll(connection, joinBytes([chunked, chunkOf(bytes)]));
    for (let piece = await next; !piece.done; piece = await reader.read()) {
      await writeAll(connection, chunkOf(piece.value));
    }
    await writeAll(connection, lastChunk);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function headOf({ status, headers }: Response, last: boolean): string {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  // The iterator would take five times as long.
  headers.forEach((value, name) => head += `${name}: ${value}\r\n`);
  head += `date: ${new Date().toUTCString()}\r\n`;
  return last ? `${head}connection: close\r\n` : head;
}

function chunkOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  // An empty chunk would be the last one.
  if (bytes.length === 0) return new Uint8Array(0);
  return joinBytes([encoder.encode(`${bytes.length.toString(16)}\r\n`), bytes, lineEnd]);
}

/** Writes all of the bytes. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
}
