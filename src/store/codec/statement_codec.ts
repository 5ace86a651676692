import { int64Max, int64Min } from "../../base/int64.ts";
import { ByteReader, type ByteWriter, FormatError, PartsWriter } from "../../base/bytes.ts";
import { joinInSlices, type NextTurn, sliceBytes, Slices } from "../../base/slices.ts";
import {
  EncodedStatements,
  SqlReal,
  type SqlValue,
  type Statement,
  type Statements,
} from "../types.ts";

// The format, byte by byte, is in README.md.

/** The byte before a parameter's value. */
export const ValueTag = { null: 0, integer: 1, real: 2, text: 3, blob: 4 } as const;

/** A 32-bit count and each statement: its SQL, then its parameters by position and by name. */
export function writeStatements(writer: ByteWriter, statements: Statements): void {
  if (statements instanceof EncodedStatements) {
    writer.raw(statements.bytes);
    return;
  }
  writer.uint32(statements.length);
  for (const statement of statements) writeStatement(writer, statement);
}

/** One of the statements behind their count. */
export function writeStatement(writer: ByteWriter, { sql, positional, named }: Statement): void {
  writer.text(sql);
  writeParameters(writer, positional, named);
}

function writeParameters(
  writer: ByteWriter,
  positional: Statement["positional"],
  named: Statement["named"],
): void {
  writer.uint32(positional?.length ?? 0);
  for (const value of positional ?? []) writeValue(writer, value);
  writer.uint32(named?.size ?? 0);
  for (const [name, value] of named ?? []) {
    writer.text(name);
    writeValue(writer, value);
  }
}

/** Encodes statements with pauses: between them, and within long texts of SQL. */
export async function encodedInSlices(
  statements: Statements,
  nextTurn: NextTurn,
): Promise<EncodedStatements> {
  if (statements instanceof EncodedStatements) return statements;
  return await joinStatements([statements], nextTurn);
}

/** All of some requests' statements in a row, encoded with pauses. */
export async function joinStatements(
  requests: readonly Statements[],
  nextTurn: NextTurn,
): Promise<EncodedStatements> {
  const slices = new Slices(nextTurn);
  const writer = new PartsWriter();
  const count = requests.reduce((sum, { length }) => sum + length, 0);
  writer.uint32(count);
  for (const statements of requests) {
    if (statements instanceof EncodedStatements) {
      writer.raw(statements.bytes.subarray(4));
      continue;
    }
    for (const { sql, positional, named } of statements) {
      const start = writer.size;
      if (sql.length <= sliceBytes) writer.text(sql);
      else await writeLongText(writer, sql, nextTurn);
      writeParameters(writer, positional, named);
      const pause = slices.spent(writer.size - start);
      if (pause !== undefined) await pause;
    }
  }
  return new EncodedStatements(await joinInSlices(writer.parts(), nextTurn), count);
}

const encoder = new TextEncoder();

/** As `writer.text`, with pauses. */
async function writeLongText(writer: PartsWriter, text: string, nextTurn: NextTurn): Promise<void> {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < text.length;) {
    let end = Math.min(text.length, at + sliceBytes);
    // Not between the halves of a character.
    if (end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1))) end++;
    parts.push(encoder.encode(text.slice(at, end)));
    at = end;
    await nextTurn();
  }
  writer.uint32(parts.reduce((sum, { length }) => sum + length, 0));
  for (const part of parts) writer.raw(part);
}

/** The SQL of each statement, in UTF-8. */
export function* sqlTexts({ bytes }: EncodedStatements): IterableIterator<Uint8Array> {
  const reader = new ByteReader(bytes);
  for (let left = reader.uint32(); left > 0; left--) {
    yield reader.bytes();
    for (let values = reader.uint32(); values > 0; values--) passValue(reader);
    for (let values = reader.uint32(); values > 0; values--) {
      reader.bytes();
      passValue(reader);
    }
  }
}

/** As objects, in whichever form they come. */
export function plainStatements(statements: Statements): readonly Statement[] {
  if (!(statements instanceof EncodedStatements)) return statements;
  const reader = new ByteReader(statements.bytes);
  const plain = readStatements(reader);
  reader.end();
  return plain;
}

/** What {@linkcode writeStatements} wrote. */
export function readStatements(reader: ByteReader): Statement[] {
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
  if (typeof value === "number" && Number.isSafeInteger(value)) {
    writer.uint8(ValueTag.integer);
    writer.safeInteger(value);
    return;
  }
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

/** Moves on behind statements that are sound; throws a FormatError for any other. */
export function passStatements(reader: ByteReader): void {
  for (let statements = reader.uint32(); statements > 0; statements--) {
    reader.bytes();
    for (let values = reader.uint32(); values > 0; values--) passValue(reader);
    for (let values = reader.uint32(); values > 0; values--) {
      reader.text();
      passValue(reader);
    }
  }
}

function passValue(reader: ByteReader): void {
  const tag = reader.uint8();
  switch (tag) {
    case ValueTag.null:
      break;
    case ValueTag.integer:
    case ValueTag.real:
      reader.raw(8);
      break;
    case ValueTag.text:
    case ValueTag.blob:
      reader.bytes();
      break;
    default:
      throw new FormatError(`Unknown value type ${tag}`);
  }
}
