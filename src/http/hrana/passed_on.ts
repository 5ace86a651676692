import { ByteReader, ByteWriter, joinBytes } from "../../base/bytes.ts";
import type { Reply } from "./reply.ts";

const encoder = new TextEncoder();

// What nodes send each other of streams, each of which one node has.

const operations = ["pipeline", "cursor"] as const;
export type Operation = typeof operations[number];

/** A request that is for the stream of another node. */
export interface PassedOn {
  readonly operation: Operation;
  /** "" where nobody is asked who they are. */
  readonly user: string;
  /** By table, as `rightsOf` has it; undefined for all. */
  readonly rights: string | undefined;
  /** Of the client. */
  readonly address: string;
  /** What the client has seen of the log, if it says so. */
  readonly minIndex: number | undefined;
  /** As it came. */
  readonly body: Uint8Array;
}

/** operation u8, user, rights ("" for all), address, minIndex u64 (0 for none); then the body. */
export function encodePassedOn(
  { operation, user, rights, address, minIndex, body }: PassedOn,
): Uint8Array {
  const writer = new ByteWriter();
  writer.uint8(operations.indexOf(operation));
  writer.text(user);
  writer.text(rights ?? "");
  writer.text(address);
  writer.integer(minIndex ?? 0);
  writer.raw(body);
  return writer.view();
}

export function decodePassedOn(payload: Uint8Array): PassedOn {
  const reader = new ByteReader(payload);
  const operation = operations[reader.uint8()] ?? "pipeline";
  const [user, rights, address] = [reader.text(), reader.text(), reader.text()];
  const minIndex = reader.integer();
  return {
    operation,
    user,
    rights: rights === "" ? undefined : rights,
    address,
    minIndex: minIndex === 0 ? undefined : minIndex,
    body: reader.raw(reader.remaining).slice(),
  };
}

/** status u32, index u64 (0 for none); then the body, all of it. */
export async function encodeReply({ status, index, body }: Reply): Promise<Uint8Array> {
  const writer = new ByteWriter();
  writer.uint32(status);
  writer.integer(index ?? 0);
  writer.raw(await gathered(body));
  return writer.view();
}

export function decodeReply(payload: Uint8Array): Reply {
  const reader = new ByteReader(payload);
  return {
    status: reader.uint32(),
    index: reader.integer(),
    body: reader.raw(reader.remaining).slice(),
  };
}

/** Bytes of an answer that another node passes on. */
const gatheredMax = 32 * 1024 * 1024;

/** All of a body in one piece. */
async function gathered(body: Reply["body"]): Promise<Uint8Array> {
  if (typeof body === "string") return encoder.encode(body);
  if (body instanceof Uint8Array) return body;
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > gatheredMax) {
      parts.push(encoder.encode(tooLongLine));
      break;
    }
    parts.push(part);
  }
  return joinBytes(parts);
}

/** The end of a cursor, the only answer that may be so long. */
const tooLongLine = JSON.stringify({
  type: "error",
  error: {
    message:
      `The rows are more than ${gatheredMax} bytes, and the stream is at another node than was asked`,
    code: "RESPONSE_TOO_LARGE",
  },
}) + "\n";
