import { ByteReader, ByteWriter, copySmall, FormatError, PartsWriter } from "../../base/bytes.ts";
import { checksum } from "../../base/checksum.ts";
import { checksumInSlices, joinInSlices, type NextTurn, sliceBytes } from "../../base/slices.ts";
import { readRights } from "../../access/table_rights.ts";
import { type Command, EncodedStatements, type IdempotencyKey, type RequestId } from "../types.ts";
import { decodeFormat, encodeFormat } from "./answer_format.ts";
import { stampBytes } from "./stamp.ts";
import { readSteps, writeSteps } from "./script_codec.ts";
import { readUpkeep, upkeepTaskNumber, writeUpkeep } from "./upkeep_codec.ts";
import { encodedInSlices, readStatements, writeStatements } from "./statement_codec.ts";

// The format, byte by byte, is in README.md.

/** Bytes from a command's start to what its type defines, without a request id. */
export const headerBytes = 8;
/** Bytes of a request id behind the header. */
export const requestBytes = 24;
/**
 * Of a command; of one with a user's rights by table; and of one whose flags say whether it has
 * rights, and whether a key. Older programs must not take them for commands without.
 */
const version = 1;
const versionWithRights = 2;
const versionWithKey = 3;

export const CommandType = {
  execute: 1,
  load_chunk: 2,
  load_commit: 3,
  load_abort: 4,
  load_sql: 5,
  script: 6,
  upkeep: 7,
  changes_cursor: 8,
} as const;
const newestType = Math.max(...Object.values(CommandType));

export const CommandFlag = {
  transaction: 1,
  unified: 2,
  request: 4,
  /** These only in version 3. */
  rights: 8,
  key: 16,
} as const;

/** Of so many statements at most the texts are looked at for a long one. */
const longTextsMax = 16;

/** Commands up to this size are written into the same buffer, one after the other. */
const scratchBytes = 64 * 1024;
const scratch = new ByteWriter(scratchBytes);

/** A command as bytes, with a checksum over everything in front. */
export function encodeCommand(command: Command): Uint8Array<ArrayBuffer> {
  const writer = scratch;
  writer.reset(scratchBytes);
  writeCommand(writer, command);
  const written = writer.view();
  writer.setUint32(0, checksum(written.subarray(4)));
  // A buffer that has grown is not kept.
  if (writer.capacity > scratchBytes) return written;
  return copySmall(written);
}

/** Whether a command is so long that it should be encoded with pauses. */
export function isLongCommand(command: Command): boolean {
  if (command.type === "load_sql") return command.sql.length > sliceBytes;
  if (command.type === "script") {
    return command.steps.reduce((sum, { length }) => sum + length, 0) > sliceBytes;
  }
  if (command.type !== "execute") return false;
  const { statements } = command;
  if (statements instanceof EncodedStatements) return statements.bytes.length > sliceBytes;
  return statements.length <= longTextsMax && statements.some(({ sql }) => sql.length > sliceBytes);
}

/** As {@linkcode encodeCommand}, with pauses. */
export async function encodeLongCommand(
  command: Command,
  nextTurn: NextTurn,
): Promise<Uint8Array<ArrayBuffer>> {
  const writer = new PartsWriter();
  if (command.type === "execute") {
    const statements = await encodedInSlices(command.statements, nextTurn);
    writeCommand(writer, { ...command, statements });
  } else writeCommand(writer, command);
  const bytes = await joinInSlices(writer.parts(), nextTurn);
  const sum = await checksumInSlices(bytes.subarray(4), nextTurn);
  new DataView(bytes.buffer).setUint32(0, sum, true);
  return bytes;
}

/** Writes a command but for its checksum. */
function writeCommand(writer: ByteWriter, command: Command): void {
  writer.uint32(0);
  const rights = "rights" in command ? command.rights : undefined;
  const key = "key" in command ? command.key : undefined;
  if (isOfVersion3(command)) writer.uint8(versionWithKey);
  else writer.uint8(rights === undefined ? version : versionWithRights);
  writer.uint8(CommandType[command.type]);
  writer.uint8(flagsOf(command));
  writer.uint8(0);
  if (command.request !== undefined) {
    writer.uint64(command.request.origin);
    writer.integer(command.request.sequence);
    writer.integer(command.request.floor);
  }
  if (rights !== undefined) writer.text(rights);
  if (key !== undefined) writeKey(writer, key);
  switch (command.type) {
    case "execute":
      writer.uint32(Math.min(Math.max(0, Math.round(command.timeoutMs)), 0xffff_ffff));
      writeStatements(writer, command.statements);
      break;
    case "load_sql":
      // As an execute of one statement, without limit and parameters.
      writer.uint32(0);
      writer.uint32(1);
      writer.bytes(command.sql);
      writer.uint32(0);
      writer.uint32(0);
      break;
    case "load_chunk":
      writer.uint64(command.loadId);
      writer.integer(command.offset);
      writer.bytes(command.bytes);
      break;
    case "load_commit":
      writer.uint64(command.loadId);
      writer.integer(command.size);
      writer.uint32(command.checksum);
      break;
    case "load_abort":
      writer.uint64(command.loadId);
      break;
    case "script":
      writeSteps(writer, command.steps);
      break;
    case "upkeep":
      writeUpkeep(writer, command);
      break;
    case "changes_cursor":
      writer.integer(command.delivered);
      break;
  }
}

function isOfVersion3(command: Command): boolean {
  return command.type === "script" || command.type === "upkeep" ||
    command.type === "changes_cursor" ||
    ("key" in command && command.key !== undefined);
}

function writeKey(writer: ByteWriter, { user, name, keptSeconds, format, asks }: IdempotencyKey) {
  writer.text(user);
  writer.text(name);
  writer.uint32(keptSeconds);
  writer.uint8(encodeFormat(format));
  writer.uint8(asks ? 1 : 0);
}

function flagsOf(command: Command): number {
  let flags = command.request === undefined ? 0 : CommandFlag.request;
  if (isOfVersion3(command)) {
    if ("key" in command && command.key !== undefined) flags |= CommandFlag.key;
    if ("rights" in command && command.rights !== undefined) flags |= CommandFlag.rights;
  }
  if (command.type === "execute") {
    if (command.transaction) flags |= CommandFlag.transaction;
    if (command.unified) flags |= CommandFlag.unified;
  }
  if (command.type === "load_sql") flags |= CommandFlag.transaction;
  return flags;
}

/** What {@linkcode encodeCommand} made; throws a FormatError when the bytes are anything else. */
export function decodeCommand(bytes: Uint8Array): Command {
  verifyCommand(bytes);
  const reader = new ByteReader(bytes, 4);
  const { type, flags, request, rights, key } = readHead(reader);
  const command = readBody(reader, type, flags, request);
  reader.end();
  if (command.type === "execute" || command.type === "script") {
    return {
      ...command,
      ...(rights === undefined ? {} : { rights }),
      ...(key === undefined ? {} : { key }),
    };
  }
  return command.type === "load_sql" && key !== undefined ? { ...command, key } : command;
}

/** Reads what stands before a command's body, from its version on. */
export function readHead(reader: ByteReader) {
  const written = reader.uint8();
  if (!isKnownVersion(written)) throw new FormatError(`Unknown command version ${written}`);
  const type = reader.uint8();
  const flags = reader.uint8();
  reader.uint8();
  const request: RequestId | undefined = (flags & CommandFlag.request) === 0 ? undefined : {
    origin: reader.uint64(),
    sequence: reader.integer(),
    floor: reader.integer(),
  };
  const extras = readExtras(reader, written, flags);
  if (extras.rights !== undefined) {
    if (type !== CommandType.execute && type !== CommandType.script) {
      throw new FormatError(`Rights in a command of type ${type}`);
    }
    readRights(extras.rights);
  }
  if (extras.key !== undefined && !keyedTypes.includes(type)) {
    throw new FormatError(`A key in a command of type ${type}`);
  }
  return { type, flags, request, ...extras };
}

const keyedTypes: readonly number[] = [
  CommandType.execute,
  CommandType.load_sql,
  CommandType.script,
];

/** What stands between a command's request id and its body. */
export interface CommandExtras {
  /** Of its user, by table; undefined for one of all tables. */
  readonly rights: string | undefined;
  readonly key: IdempotencyKey | undefined;
}

const noExtras: CommandExtras = { rights: undefined, key: undefined };

/** Reads them, where a command of that version and those flags has some. */
function readExtras(reader: ByteReader, written: number, flags: number): CommandExtras {
  if (written === version) return noExtras;
  const hasRights = written === versionWithRights || (flags & CommandFlag.rights) !== 0;
  const hasKey = written === versionWithKey && (flags & CommandFlag.key) !== 0;
  return {
    rights: hasRights ? reader.text() : undefined,
    key: hasKey ? readKey(reader) : undefined,
  };
}

function readKey(reader: ByteReader): IdempotencyKey {
  const user = reader.text();
  const name = reader.text();
  const keptSeconds = reader.uint32();
  const format = decodeFormat(reader.uint8());
  if (format === undefined) throw new FormatError("A key without an answer's format");
  return { user, name, keptSeconds, format, asks: reader.uint8() !== 0 };
}

function isKnownVersion(written: number | undefined): boolean {
  return written !== undefined && written >= version && written <= versionWithKey;
}

function readBody(
  reader: ByteReader,
  type: number,
  flags: number,
  request: RequestId | undefined,
): Command {
  switch (type) {
    case CommandType.execute:
      return {
        type: "execute",
        timeoutMs: reader.uint32(),
        statements: readStatements(reader),
        transaction: (flags & CommandFlag.transaction) !== 0,
        unified: (flags & CommandFlag.unified) !== 0,
        request,
      };
    case CommandType.load_sql: {
      reader.uint32();
      reader.uint32();
      const sql = reader.bytes();
      reader.uint32();
      reader.uint32();
      return { type: "load_sql", sql, request };
    }
    case CommandType.load_chunk:
      return {
        type: "load_chunk",
        loadId: reader.uint64(),
        offset: reader.integer(),
        bytes: reader.bytes(),
        request,
      };
    case CommandType.load_commit:
      return {
        type: "load_commit",
        loadId: reader.uint64(),
        size: reader.integer(),
        checksum: reader.uint32(),
        request,
      };
    case CommandType.load_abort:
      return { type: "load_abort", loadId: reader.uint64(), request };
    case CommandType.script:
      return { type: "script", steps: readSteps(reader), request };
    case CommandType.upkeep:
      return { ...readUpkeep(reader), request };
    case CommandType.changes_cursor:
      return { type: "changes_cursor", delivered: reader.integer(), request };
    default:
      throw new FormatError(`Unknown command type ${type}`);
  }
}

/** Throws a FormatError unless the checksum in front of a command is that of what follows. */
export function verifyCommand(bytes: Uint8Array): void {
  if (bytes.length < headerBytes) {
    throw new FormatError(`Command cut short: ${bytes.length} bytes`);
  }
  const expected = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (checksum(bytes.subarray(4)) !== expected) {
    throw new FormatError("Command damaged: its checksum does not match");
  }
}

/** The cluster's version from which on all nodes know commands of this one's version. */
export function versionNeeded(command: Uint8Array): number {
  return (command[4] ?? 0) < versionWithKey ? 1 : 2;
}

/** Why this version cannot apply a stamped command, as its first bytes tell. */
export function unknownCommand(data: Uint8Array): string | undefined {
  const [written, type] = [data[stampBytes + 4], data[stampBytes + 5]];
  if (isKnownVersion(written) && type !== undefined && type >= 1 && type <= newestType) {
    return undefined;
  }
  return `its command has version ${written} and type ${type}, which this raftlite does not know: install the one that wrote it`;
}

/**
 * Whether what a stamped command does shows in no query: it is a piece of a load, gives one up, is
 * upkeep, or says what is delivered.
 */
export function isUnseen(data: Uint8Array): boolean {
  const type = data[stampBytes + 5];
  return type === CommandType.load_chunk || type === CommandType.load_abort ||
    type === CommandType.upkeep || type === CommandType.changes_cursor;
}

/** Whether a stamped command marks where all nodes' copies are compared. */
export function isScrub(data: Uint8Array): boolean {
  if (data[stampBytes + 5] !== CommandType.upkeep) return false;
  const identified = (flagsIn(data) & CommandFlag.request) !== 0;
  const task = data[stampBytes + headerBytes + (identified ? requestBytes : 0)];
  return task === upkeepTaskNumber("scrub");
}

/** Of a stamped command; one that is cut off before them has none. */
function flagsIn(data: Uint8Array): number {
  return data[stampBytes + 6] ?? 0;
}

/** What a stamped command, which this version knows, has behind its request id; moves on behind it. */
export function extrasIn(data: Uint8Array, reader: ByteReader): CommandExtras {
  return readExtras(reader, data[stampBytes + 4] ?? 0, flagsIn(data));
}

/** Whether a stamped command is more than its type, flags and request id before its body. */
export function hasExtras(data: Uint8Array): boolean {
  return data[stampBytes + 4] !== version;
}

/** Whether a stamped command has an idempotency key, read without verifying it. */
export function hasKey(data: Uint8Array): boolean {
  return data[stampBytes + 4] === versionWithKey &&
    (flagsIn(data) & CommandFlag.key) !== 0;
}

/** The request id of a stamped command, read without decoding or verifying the rest. */
export function requestIdOf(data: Uint8Array): RequestId | undefined {
  if ((flagsIn(data) & CommandFlag.request) === 0) return undefined;
  if (data.length < stampBytes + headerBytes + requestBytes) return undefined;
  const reader = new ByteReader(data, stampBytes + headerBytes);
  try {
    return { origin: reader.uint64(), sequence: reader.integer(), floor: reader.integer() };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    // Numbers that nobody gives a request: it answers nobody's.
    return undefined;
  }
}
