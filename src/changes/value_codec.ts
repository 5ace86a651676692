import { ByteReader, ByteWriter } from "../base/bytes.ts";
import { ColumnType, type Statement } from "../sqlite/mod.ts";
import { type ChangedValue, RawText } from "./types.ts";

// A value is written as `PreupdateHook.writeValue` does: its type's byte, and what that needs.

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function readValue(reader: ByteReader): ChangedValue {
  switch (reader.uint8()) {
    case ColumnType.integer:
      return reader.int64();
    case ColumnType.float:
      return reader.float64();
    case ColumnType.text:
      return textOf(reader.bytes());
    case ColumnType.blob:
      return reader.bytes().slice();
    default:
      return null;
  }
}

function textOf(bytes: Uint8Array): string | RawText {
  try {
    return decoder.decode(bytes);
  } catch {
    return new RawText(bytes.slice());
  }
}

/** Passes over a value. */
export function skipValue(reader: ByteReader): void {
  switch (reader.uint8()) {
    case ColumnType.integer:
    case ColumnType.float:
      reader.raw(8);
      break;
    case ColumnType.text:
    case ColumnType.blob:
      reader.bytes();
      break;
  }
}

/** The bytes of a value, as they are written. */
export function nextValue(reader: ByteReader): Uint8Array {
  const { offset } = reader;
  skipValue(reader);
  return reader.since(offset);
}

/** The row that a statement stands at, its values written the same way. */
export function writtenRow(statement: Statement): Uint8Array {
  const writer = new ByteWriter();
  const count = statement.columnCount;
  for (let column = 0; column < count; column++) writeColumn(statement, column, writer);
  return writer.copy();
}

function writeColumn(statement: Statement, column: number, writer: ByteWriter): void {
  const type = statement.columnType(column);
  writer.uint8(type);
  switch (type) {
    case ColumnType.integer:
      return writer.int64(statement.columnInt64(column));
    case ColumnType.float:
      return writer.float64(statement.columnDouble(column));
    case ColumnType.text:
      return writer.bytes(statement.columnTextBytes(column));
    case ColumnType.blob:
      return writer.bytes(statement.columnBlobBytes(column));
  }
}

/** Binds those of a row's written values that are wanted, one after the other. */
export function bindWanted(
  statement: Statement,
  row: Uint8Array,
  isWanted: readonly boolean[],
): void {
  const reader = new ByteReader(row);
  let parameter = 1;
  for (const wanted of isWanted) {
    if (wanted) bindNext(statement, parameter++, reader);
    else skipValue(reader);
  }
}

/** Binds a value that is written at the reader's place. */
function bindNext(statement: Statement, parameter: number, reader: ByteReader): void {
  switch (reader.uint8()) {
    case ColumnType.integer:
      return statement.bindInt64(parameter, reader.int64());
    case ColumnType.float:
      return statement.bindDouble(parameter, reader.float64());
    case ColumnType.text:
      return statement.bindTextBytes(parameter, reader.bytes());
    case ColumnType.blob:
      return statement.bindBlob(parameter, reader.bytes());
    default:
      return statement.bindNull(parameter);
  }
}
