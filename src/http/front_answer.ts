import { STATUS_CODES } from "node:http";
import { joinBytes } from "../base/bytes.ts";
import { readFirstPiece } from "./answer_body.ts";
import { StreamedResponse } from "./streamed_response.ts";
import { OwnPieces } from "./own_pieces.ts";

const encoder = new TextEncoder();
const lineEnd = encoder.encode("\r\n");
const lastChunk = encoder.encode("0\r\n\r\n");
/** Bodies and chunks up to this size are written as one, in a copy; to copy larger ones takes longer than to write thrice. */
const joinedBytesMax = 64 * 1024;
/** Statuses whose answers have neither a body nor a length (RFC 9110, 8.6). */
const bodiless: ReadonlySet<number> = new Set([204, 304]);

/** What bytes are written to; resolves with how many of them it has taken. */
export type ByteSink = Pick<Deno.Conn, "write">;

/**
 * Writes a response as HTTP/1.1, with its length when all of it is there at once, else in chunks.
 * Throws when the body fails in the middle, or the client has gone: the connection must then end.
 */
export async function writeResponse(
  connection: ByteSink,
  response: Response,
  last: boolean,
): Promise<void> {
  const head = headOf(response, last);
  // To ask a response that is no stream for its body's stream costs more than all else here.
  const body = response instanceof StreamedResponse ? response.body : null;
  if (body === null) {
    const bytes = await response.bytes();
    const length = bodiless.has(response.status) ? "" : `content-length: ${bytes.length}\r\n`;
    const headBytes = encoder.encode(`${head}${length}\r\n`);
    if (bytes.length < joinedBytesMax) {
      return await writeAll(connection, joinBytes([headBytes, bytes]));
    }
    await writeAll(connection, headBytes);
    return await writeAll(connection, bytes);
  }
  const reader = body.getReader();
  try {
    const chunked = encoder.encode(`${head}transfer-encoding: chunked\r\n\r\n`);
    if (body instanceof OwnPieces) {
      await writeAll(connection, chunked);
      return await writeRest(connection, reader, await reader.read());
    }
    const { bytes, next } = await readFirstPiece(reader);
    if (next === undefined) {
      const length = `content-length: ${bytes.length}\r\n\r\n`;
      return await writeAll(connection, joinBytes([encoder.encode(head + length), bytes]));
    }
    await writeAll(connection, joinBytes([chunked, chunkOf(bytes)]));
    await writeRest(connection, reader, await next);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** All pieces from the given one on, each written when the next is asked for, and the end. */
async function writeRest(
  connection: ByteSink,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  first: ReadableStreamReadResult<Uint8Array>,
): Promise<void> {
  for (let piece = first; !piece.done; piece = await reader.read()) {
    const { value } = piece;
    if (value.length < joinedBytesMax) await writeAll(connection, chunkOf(value));
    else {
      await writeAll(connection, chunkHeadOf(value));
      await writeAll(connection, value);
      await writeAll(connection, lineEnd);
    }
  }
  await writeAll(connection, lastChunk);
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
  return joinBytes([chunkHeadOf(bytes), bytes, lineEnd]);
}

function chunkHeadOf({ length }: Uint8Array): Uint8Array<ArrayBuffer> {
  return encoder.encode(`${length.toString(16)}\r\n`);
}

/** Writes all of the bytes. */
export async function writeAll(connection: ByteSink, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
}
