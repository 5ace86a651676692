import { assert } from "../base/assert.ts";
import { ByteReader, ByteWriter, copySmall } from "../base/bytes.ts";
import type { NodeId } from "../raft/types.ts";
import type { AnswerFormat } from "../store/types.ts";
import { ServiceError, type ServiceErrorKind } from "./types.ts";

/**
 * The requests that nodes make of each other over the transport, beside Raft's own messages. Each
 * payload is described by the functions that write and read it, here, in member_wire.ts for who is a
 * member; integers are little-endian, texts are a 32-bit length and UTF-8.
 */
export const RequestKind = {
  /** Who are you, and who leads? Answered to anyone. */
  identify: 1,
  /** Carry out this write; leader only. */
  write: 2,
  /** Put an empty entry through the log and say its index; leader only. */
  barrier: 3,
  /** Make me a member; passed on to the leader by whoever is asked. */
  join: 4,
  /** Take this member out; leader only. */
  remove: 5,
  /** Hand leadership over; leader only. */
  stepDown: 6,
  /** I am waiting to form a cluster with you. */
  notify: 7,
  /** Form a cluster of these members with me; yes or no. */
  form: 8,
  /** Where do you know members to be? Answered to members. */
  addresses: 9,
  /** Raise the cluster's version; leader only, and of a release that knows it. */
  raise: 10,
  /** Give this transaction the turn to write, or end it; leader only. */
  turn: 11,
  /** Carry out this write of the transaction that has the turn; leader only. */
  commit: 12,
  /** Do this in a transaction that you have. */
  transaction: 13,
  /** This is what my flags ask for me to be; leader only, of members. */
  wish: 14,
  /** As `write`, of a write that is traced: a text in front says how it is known; leader only. */
  tracedWrite: 15,
  /** How far have you come, and how are you? Answered to members. */
  figures: 16,
  /** Carry on for this client what you have of it: a stream of libSQL's protocol (http/hrana). */
  relayed: 17,
  /** What a leader that compares all copies asks of a member: copy_wire.ts has its calls. */
  copies: 18,
  /** Compare all copies, or say how far that is; leader only. */
  verify: 19,
  /** My copy of the database is damaged: send me one; leader only. */
  freshCopy: 20,
  /** Store a backup now; leader only. */
  backUp: 21,
} as const;

/**
 * Bytes of results that one node tells another: a frame takes little more, and what was done and
 * cannot be sent must not pass for not done.
 */
export const passedOnBytesMax = 64 * 1024 * 1024;

/** What a node that has no cluster yet may ask. */
export const strangersMay: readonly number[] = [
  RequestKind.identify,
  RequestKind.join,
  RequestKind.notify,
  RequestKind.form,
];

const errorKinds: readonly ServiceErrorKind[] = [
  "no_leader",
  "overloaded",
  "unavailable",
  "unknown_outcome",
  "stale",
  "timeout",
  "invalid",
  "failed",
  "too_large",
  "conflict",
  "no_transaction",
  "transaction_over",
];

/** An answer: u8 0 and the body, or u8 (1 + kind of error) and its message. */
export function encodeFailure(error: ServiceError): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  const number = errorKinds.indexOf(error.kind);
  assert(number >= 0, `Errors of kind ${error.kind} have no number, and would read as success`);
  writer.uint8(1 + number);
  writer.text(error.message);
  return writer.copy();
}

/** An answer's body writer, begun with success. */
export function beginAnswer(writer = new ByteWriter()): ByteWriter {
  writer.uint8(0);
  return writer;
}

/** The body of an answer; throws the ServiceError that it carries instead. */
export function readAnswer(bytes: Uint8Array): ByteReader {
  const reader = new ByteReader(bytes);
  const status = reader.uint8();
  if (status === 0) return reader;
  throw new ServiceError(errorKinds[status - 1] ?? "failed", reader.text());
}

/** One bit for each field, in this order from bit 0. */
const formatFields = [
  "associative",
  "timings",
  "blobArray",
  "qualifyColumns",
  "unified",
  "exact",
  "typed",
] as const satisfies readonly (keyof AnswerFormat)[];

export interface WriteCall {
  readonly timeoutMs: number;
  readonly format: AnswerFormat;
  readonly command: Uint8Array;
}

/**
 * What is written for each write, one after the other: a buffer of its own for each would take longer
 * than what goes into it.
 */
const scratchBytes = 16 * 1024;
const scratch = new ByteWriter(scratchBytes);

/**
 * timeoutMs u64, format u8, and the command as the rest, which the caller puts behind it where it is
 * not given. The commit of a transaction that has the turn to write begins with its id, a text.
 */
export function encodeWrite(
  { timeoutMs, format, command }: Omit<WriteCall, "command"> & Partial<WriteCall>,
  turn?: string,
): Uint8Array<ArrayBuffer> {
  scratch.reset(scratchBytes);
  if (turn !== undefined) scratch.text(turn);
  scratch.integer(timeoutMs);
  scratch.uint8(formatFields.reduce((bits, field, i) => bits | (format[field] ? 1 << i : 0), 0));
  if (command !== undefined) scratch.raw(command);
  return copySmall(scratch.view());
}

/** The answer to a write: index u64, u8 1 for one that was applied and comes without its results, and those as the rest. */
export function encodeWriteAnswer(
  index: number,
  comesWithout: boolean,
  results: string,
): Uint8Array<ArrayBuffer> {
  scratch.reset(scratchBytes);
  beginAnswer(scratch);
  scratch.integer(index);
  scratch.uint8(comesWithout ? 1 : 0);
  scratch.rawText(results);
  return copySmall(scratch.view());
}

export function decodeCommit(payload: Uint8Array): WriteCall & { readonly turn: string } {
  const reader = new ByteReader(payload);
  const turn = reader.text();
  return { turn, ...readWrite(reader) };
}

/** The trace of a `tracedWrite`, in front of what a `write` has. */
export function encodeTraceparent(traceparent: string): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.text(traceparent);
  return writer.copy();
}

export function decodeTracedWrite(
  payload: Uint8Array,
): { readonly traceparent: string; readonly write: Uint8Array } {
  const reader = new ByteReader(payload);
  return { traceparent: reader.text(), write: reader.raw(reader.remaining) };
}

export function decodeWrite(payload: Uint8Array): WriteCall {
  return readWrite(new ByteReader(payload));
}

function readWrite(reader: ByteReader): WriteCall {
  const timeoutMs = reader.integer();
  const bits = reader.uint8();
  const [associative, timings, blobArray, qualifyColumns, unified, exact, typed] = formatFields
    .map((_, i) => (bits & (1 << i)) !== 0);
  const format = {
    associative: associative === true,
    timings: timings === true,
    blobArray: blobArray === true,
    qualifyColumns: qualifyColumns === true,
    unified: unified === true,
    exact: exact === true,
    ...(typed === true ? { typed } : {}),
  };
  return { timeoutMs, format, command: reader.raw(reader.remaining) };
}

export interface Identification {
  readonly clusterId: string;
  readonly id: NodeId;
  readonly address: string;
  readonly httpAddress: string;
  /** "" when it knows of none. */
  readonly leader: NodeId;
  readonly leaderAddress: string;
  readonly version: string;
}

const identificationFields = [
  "clusterId",
  "id",
  "address",
  "httpAddress",
  "leader",
  "leaderAddress",
  "version",
] as const satisfies readonly (keyof Identification)[];

/** Each field as a text, in the order above. */
export function writeIdentification(writer: ByteWriter, identification: Identification): void {
  for (const field of identificationFields) writer.text(identification[field]);
}

export function readIdentification(reader: ByteReader): Identification {
  const text = () => reader.text();
  return {
    clusterId: text(),
    id: text(),
    address: text(),
    httpAddress: text(),
    leader: text(),
    leaderAddress: text(),
    version: text(),
  };
}

/** timeoutMs u64. */
export function encodeBarrier(timeoutMs: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(8);
  writer.integer(timeoutMs);
  return writer.copy();
}

export function decodeBarrier(payload: Uint8Array): number {
  return new ByteReader(payload).integer();
}
