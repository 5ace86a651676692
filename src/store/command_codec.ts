import { ByteReader, ByteWriter, FormatError } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import { allocateSmall } from "../base/slab.ts";
import {
  type Command,
  type RequestId,
  SqlReal,
  type SqlValue,
  type Stamp,
  type Statement,
} from "./types.ts";

// The format, byte by byte, is in README.md.

/** Bytes that the leader puts before a command: clock, flags and seed. */
export const stampBytes = 16;
const stampFlagsAt = 6;
const StampFlag = { foreignKeys: 1 } as const;

/** Bytes from a command's start to what its type defines, without a request id. */
export const headerBytes = 8;
/** Bytes of a request id behind the header. */
export const requestBytes = 24;
const version = 1;

export const CommandType = {
  execute: 1,
  load_chunk: 2,
  load_commit: 3,
  load_abort: 4,
  load_sql: 5,
} as const;

export const CommandFlag = { transaction: 1, unified: 2, request: 4 } as const;

/** The byte before a parameter's value. */
export const ValueTag = { null: 0, integer: 1, real: 2, text: 3, blob: 4 } as const;

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/** Commands up to this size are written into the same buffer, one after the other. */
const scratchBytes = 64 * 1024;
const scratch = new ByteWriter(scratchBytes);

/** A command as bytes, with a checksum over everything in front. */
export function encodeCommand(command: Command): Uint8Array<ArrayBuffer> {
  const writer = scratch;
  writer.reset(scratchBytes);
  writer.uint32(0);
  writer.uint8(version);
  writer.uint8(CommandType[command.type]);
  writer.uint8(flagsOf(command));
  writer.uint8(0);
  if (command.request !== undefined) {
    writer.uint64(command.request.origin);
    writer.integer(command.request.sequence);
    writer.integer(command.request.floor);
  }
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
  }
  const written = writer.view();
  writer.setUint32(0, checksum(written.subarray(4)));
  const bytes = allocateSmall(written.length);
  bytes.set(written);
  return bytes;
}

function flagsOf(command: Command): number {
  let flags = command.request === undefined ? 0 : CommandFlag.request;
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
  const reader = new ByteReader(bytes, 5);
  const type = reader.uint8();
  const flags = reader.uint8();
  reader.uint8();
  const request = (flags & CommandFlag.request) === 0 ? undefined : {
    origin: reader.uint64(),
    sequence: reader.integer(),
    floor: reader.integer(),
  };
  const command = readBody(reader, type, flags, request);
  reader.end();
  return command;
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
    default:
      throw new FormatError(`Unknown command type ${type}`);
  }
}

/** Throws a FormatError unless the checksum in front of a command is that of what follows. */
export function verifyCommand(bytes: Uint8Array): void {
  if (bytes.length < headerBytes) {
    throw new FormatError(`Command cut short: ${bytes.length} bytes`);
  }
  const expected = (bytes[0] ?? 0) + (bytes[1] ?? 0) * 0x100 + (bytes[2] ?? 0) * 0x1_0000 +
    (bytes[3] ?? 0) * 0x100_0000;
  if (checksum(bytes.subarray(4)) !== expected) {
    throw new FormatError("Command damaged: its checksum does not match");
  }
  if (bytes[4] !== version) throw new FormatError(`Unknown command version ${bytes[4]}`);
}

/**
 * The command as it goes into the log: the leader's clock and seed, whether it enforces foreign
 * keys, and the bytes unchanged. A clock before 1970 counts as 1970.
 */
export function stampCommand(
  command: Uint8Array,
  stamp: Stamp,
  foreignKeys: boolean,
): Uint8Array<ArrayBuffer> {
  const data = allocateSmall(stampBytes + command.length);
  writeStamp(data, stamp, foreignKeys);
  data.set(command, stampBytes);
  return data;
}

/** Writes what {@linkcode stampCommand} puts before a command. */
export function writeStamp(data: Uint8Array, stamp: Stamp, foreignKeys: boolean): void {
  const view = new DataView(data.buffer, data.byteOffset);
  const clock = Math.max(0, Math.trunc(stamp.clock));
  view.setUint32(0, clock % 0x1_0000_0000, true);
  view.setUint16(4, Math.floor(clock / 0x1_0000_0000), true);
  view.setUint16(stampFlagsAt, foreignKeys ? StampFlag.foreignKeys : 0, true);
  view.setBigUint64(8, BigInt.asUintN(64, stamp.seed), true);
}

/** What {@linkcode stampCommand} put before the command in `data`. */
export function stampOf(view: DataView): Stamp {
  return {
    clock: view.getUint16(4, true) * 0x1_0000_0000 + view.getUint32(0, true),
    seed: view.getBigUint64(8, true),
  };
}

/** Whether a stamped command is to be applied with foreign keys enforced, on every node. */
export function enforcesForeignKeys(view: DataView): boolean {
  return (view.getUint8(stampFlagsAt) & StampFlag.foreignKeys) !== 0;
}

/** The request id of a stamped command, read without decoding or verifying the rest. */
export function requestIdOf(data: Uint8Array): RequestId | undefined {
  const flags = data[stampBytes + 6] ?? 0;
  if ((flags & CommandFlag.request) === 0) return undefined;
  if (data.length < stampBytes + headerBytes + requestBytes) return undefined;
  const reader = new ByteReader(data, stampBytes + headerBytes);
  return { origin: reader.uint64(), sequence: reader.integer(), floor: reader.integer() };
}

/** A 32-bit count and each statement: its SQL, then its parameters by position and by name. */
export function writeStatements(writer: ByteWriter, statements: readonly Statement[]): void {
  writer.uint32(statements.length);
  for (const { sql, positional, named } of statements) {
    writer.text(sql);
    writer.uint32(positional?.length ?? 0);
    for (const value of positional ?? []) writeValue(writer, value);
    writer.uint32(named?.size ?? 0);
    for (const [name, value] of named ?? []) {
      writer.text(name);
      writeValue(writer, value);
    }
  }
}

function readStatements(reader: ByteReader): Statement[] {
  const statements: Statement[] = [];
  for (let left = reader.uint32(); left > 0; left--) {
    const sql = reader.text();
    const positional: SqlValue[] = [];
    for (let values = reader.uint32(); values > 0; values--) positional.push(readValue(reader));
    const named = new Map<string, SqlValue>();
    for (let values = reader.uint32(); values > 0; values--) {
      const name = reader.text();
      named.set(name, readValue(reader));
    }
    statements.push({
      sql,
      ...(positional.length > 0 ? { positional } : {}),
      ...(named.size > 0 ? { named } : {}),
    });
  }
  return statements;
}

function writeValue(writer: ByteWriter, value: SqlValue): void {
  if (value === null) {
    writer.uint8(ValueTag.null);
  } else if (typeof value === "string") {
    writer.uint8(ValueTag.text);
    writer.text(value);
  } else if (value instanceof Uint8Array) {
    writer.uint8(ValueTag.blob);
    writer.bytes(value);
  } else {
    writeNumber(writer, value);
  }
}

/** A number is an integer when it is whole and SQLite's 64 bits hold it. */
function writeNumber(writer: ByteWriter, value: number | bigint | SqlReal): void {
  const plain = value instanceof SqlReal ? value.value : value;
  const integer = !(value instanceof SqlReal) &&
    (typeof plain === "bigint" || Number.isInteger(plain)) && plain >= int64Min &&
    plain <= int64Max;
  if (integer) {
    writer.uint8(ValueTag.integer);
    writer.int64(BigInt(plain));
  } else {
    writer.uint8(ValueTag.real);
    writer.float64(Number(plain));
  }
}

function readValue(reader: ByteReader): SqlValue {
  const tag = reader.uint8();
  switch (tag) {
    case ValueTag.null:
      return null;
    case ValueTag.integer: {
      const value = reader.int64();
      return Number.isSafeInteger(Number(value)) ? Number(value) : value;
    }
    case ValueTag.real: {
      const value = reader.float64();
      return Number.isInteger(value) ? new SqlReal(value) : value;
    }
    case ValueTag.text:
      return reader.text();
    case ValueTag.blob:
      return reader.bytes();
    default:
      throw new FormatError(`Unknown value type ${tag}`);
  }
}
