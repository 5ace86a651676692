import { assert, unreachable } from "../base/assert.ts";
import { ByteReader, type ByteWriter, FormatError } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import { checksumInSlices, type NextTurn, Slices } from "../base/slices.ts";
import { type AppendRequest, type Entry, EntryType, type Message } from "../raft/types.ts";

/** First byte of an encoded message. */
const MessageCode = {
  voteRequest: 1,
  voteResponse: 2,
  appendRequest: 3,
  appendResponse: 4,
  heartbeatRequest: 5,
  heartbeatResponse: 6,
  snapshotRequest: 7,
  readIndexRequest: 8,
  readIndexResponse: 9,
  timeoutNow: 10,
} as const;

/** Term, type, checksum and length before an entry's data; its index follows from its place. */
const entryHeaderBytes = 8 + 1 + 4 + 4;
/** More than any message takes besides its ids and entries. */
const fixedBytesMax = 64;

/** About how many bytes {@linkcode encodeMessage} will write; never fewer for ids in ASCII. */
export function messageSize(message: Message): number {
  let size = fixedBytesMax + message.from.length + message.to.length;
  if (message.type === "append_request") {
    for (const entry of message.entries) size += entryHeaderBytes + entry.data.length;
  }
  return size;
}

/** Appends `message` to `writer`; README.md has the layout. */
export function encodeMessage(writer: ByteWriter, message: Message): void {
  switch (message.type) {
    case "vote_request":
      writeEnvelope(writer, MessageCode.voteRequest, message);
      writer.uint8(message.preVote ? 1 : 0);
      writer.integer(message.lastLogIndex);
      writer.integer(message.lastLogTerm);
      writer.uint8(message.leadershipTransfer ? 1 : 0);
      return;
    case "vote_response":
      writeEnvelope(writer, MessageCode.voteResponse, message);
      writer.uint8(message.preVote ? 1 : 0);
      writer.uint8(message.granted ? 1 : 0);
      return;
    case "append_request":
      writeEnvelope(writer, MessageCode.appendRequest, message);
      writeAppend(writer, message);
      return;
    case "append_response":
      writeEnvelope(writer, MessageCode.appendResponse, message);
      writer.uint8(message.success ? 1 : 0);
      writer.integer(message.matchIndex);
      writer.integer(message.rejectedIndex);
      writer.integer(message.hintIndex);
      writer.integer(message.hintTerm);
      return;
    case "heartbeat_request":
      writeEnvelope(writer, MessageCode.heartbeatRequest, message);
      writer.integer(message.commitIndex);
      writer.integer(message.round);
      return;
    case "heartbeat_response":
      writeEnvelope(writer, MessageCode.heartbeatResponse, message);
      writer.integer(message.round);
      writer.integer(message.promiseMs);
      return;
    case "snapshot_request":
      writeEnvelope(writer, MessageCode.snapshotRequest, message);
      writer.integer(message.index);
      writer.integer(message.indexTerm);
      return;
    case "read_index_request":
      writeEnvelope(writer, MessageCode.readIndexRequest, message);
      writer.integer(message.context);
      writer.uint8(message.mode === "lease" ? 1 : 0);
      return;
    case "read_index_response":
      writeEnvelope(writer, MessageCode.readIndexResponse, message);
      writer.integer(message.context);
      writer.integer(message.index);
      return;
    case "timeout_now":
      writeEnvelope(writer, MessageCode.timeoutNow, message);
      return;
    default:
      unreachable(message);
  }
}

function writeEnvelope(writer: ByteWriter, code: number, message: Message): void {
  writer.uint8(code);
  writer.text(message.from);
  writer.text(message.to);
  writer.integer(message.term);
}

function writeAppend(writer: ByteWriter, message: AppendRequest): void {
  writer.integer(message.prevLogIndex);
  writer.integer(message.prevLogTerm);
  writer.integer(message.commitIndex);
  writer.uint32(message.entries.length);
  let index = message.prevLogIndex;
  for (const entry of message.entries) {
    index += 1;
    assert(entry.index === index, `Entry ${entry.index} stands at ${index} of an append_request`);
    writer.integer(entry.term);
    writer.uint8(entry.type);
    writer.uint32(entry.checksum);
    writer.bytes(entry.data);
  }
}

/**
 * Reads one message that takes up all of `bytes`; its entries' data are views of them. Throws a
 * FormatError at anything that no sound node sends, entries with a wrong checksum among it.
 */
export function decodeMessage(bytes: Uint8Array): Message {
  const message = decodeUnverified(bytes);
  for (const entry of entriesOf(message)) check(entry, checksum(entry.data));
  return message;
}

/** The same for a large one, with pauses. */
export async function decodeLargeMessage(bytes: Uint8Array, nextTurn: NextTurn): Promise<Message> {
  const message = decodeUnverified(bytes);
  const slices = new Slices(nextTurn);
  for (const entry of entriesOf(message)) {
    check(entry, await checksumInSlices(entry.data, nextTurn));
    await slices.spent(entry.data.length);
  }
  return message;
}

function decodeUnverified(bytes: Uint8Array): Message {
  const reader = new ByteReader(bytes);
  const message = readMessage(reader);
  reader.end();
  return message;
}

function entriesOf(message: Message): readonly Entry[] {
  return message.type === "append_request" ? message.entries : [];
}

function check(entry: Entry, sum: number): void {
  if (sum === entry.checksum) return;
  throw new FormatError(`Entry ${entry.index} is damaged: wrong checksum`);
}

function readMessage(reader: ByteReader): Message {
  const code = reader.uint8();
  const from = reader.text();
  const to = reader.text();
  const term = reader.integer();
  switch (code) {
    case MessageCode.voteRequest:
      return {
        type: "vote_request",
        from,
        to,
        term,
        preVote: readBoolean(reader),
        lastLogIndex: reader.integer(),
        lastLogTerm: reader.integer(),
        leadershipTransfer: readBoolean(reader),
      };
    case MessageCode.voteResponse: {
      const preVote = readBoolean(reader);
      return { type: "vote_response", from, to, term, preVote, granted: readBoolean(reader) };
    }
    case MessageCode.appendRequest: {
      const prevLogIndex = reader.integer();
      const prevLogTerm = reader.integer();
      const commitIndex = reader.integer();
      const entries = readEntries(reader, prevLogIndex, prevLogTerm, term);
      return {
        type: "append_request",
        from,
        to,
        term,
        prevLogIndex,
        prevLogTerm,
        commitIndex,
        entries,
      };
    }
    case MessageCode.appendResponse:
      return {
        type: "append_response",
        from,
        to,
        term,
        success: readBoolean(reader),
        matchIndex: reader.integer(),
        rejectedIndex: reader.integer(),
        hintIndex: reader.integer(),
        hintTerm: reader.integer(),
      };
    case MessageCode.heartbeatRequest: {
      const commitIndex = reader.integer();
      return { type: "heartbeat_request", from, to, term, commitIndex, round: reader.integer() };
    }
    case MessageCode.heartbeatResponse: {
      const round = reader.integer();
      return { type: "heartbeat_response", from, to, term, round, promiseMs: reader.integer() };
    }
    case MessageCode.snapshotRequest: {
      const index = reader.integer();
      return { type: "snapshot_request", from, to, term, index, indexTerm: reader.integer() };
    }
    case MessageCode.readIndexRequest: {
      const context = reader.integer();
      const mode = readBoolean(reader) ? "lease" : "quorum";
      return { type: "read_index_request", from, to, term, context, mode };
    }
    case MessageCode.readIndexResponse: {
      const context = reader.integer();
      return { type: "read_index_response", from, to, term, context, index: reader.integer() };
    }
    case MessageCode.timeoutNow:
      return { type: "timeout_now", from, to, term };
    default:
      throw new FormatError(`Message of unknown type ${code}`);
  }
}

/** Entries as the log matching property (3.5) has them: one behind the other, terms never falling. */
function readEntries(
  reader: ByteReader,
  prevLogIndex: number,
  prevLogTerm: number,
  leaderTerm: number,
): Entry[] {
  const count = reader.uint32();
  if (count * entryHeaderBytes > reader.remaining) {
    throw new FormatError(`${count} entries cannot fit in ${reader.remaining} bytes`);
  }
  if (prevLogIndex + count > Number.MAX_SAFE_INTEGER) {
    throw new FormatError(`Entries after index ${prevLogIndex} are out of range`);
  }
  const entries: Entry[] = [];
  let termBefore = Math.max(prevLogTerm, 1);
  for (let index = prevLogIndex + 1; index <= prevLogIndex + count; index++) {
    const term = reader.integer();
    const type = reader.uint8();
    const sum = reader.uint32();
    const data = reader.bytes();
    if (term < termBefore || term > leaderTerm) {
      throw new FormatError(`Entry ${index} has term ${term}, outside ${termBefore}–${leaderTerm}`);
    }
    if (!isEntryType(type)) throw new FormatError(`Entry ${index} has unknown type ${type}`);
    entries.push({ term, index, type, data, checksum: sum });
    termBefore = term;
  }
  return entries;
}

function isEntryType(type: number): type is EntryType {
  return type === EntryType.noop || type === EntryType.command || type === EntryType.configuration;
}

function readBoolean(reader: ByteReader): boolean {
  const value = reader.uint8();
  if (value > 1) throw new FormatError(`${value} stands where only 0 or 1 may`);
  return value === 1;
}
