import type { Library } from "./library.ts";
import {
  type BindValue,
  ColumnType,
  type ColumnValue,
  decodeText,
  encodeText,
  isInt64,
  scratch,
  toInt64,
  transient,
} from "./memory.ts";

type Symbols = Library["symbols"];

/** The arguments of an SQL function's call. */
export function readArguments(
  c: Symbols,
  argc: number,
  argv: Deno.PointerValue,
): ColumnValue[] {
  if (argv === null || argc === 0) return [];
  const pointers = new Deno.UnsafePointerView(argv);
  return Array.from({ length: argc }, (_, i) => readArgument(c, pointers.getPointer(i * 8)));
}

function readArgument(c: Symbols, value: Deno.PointerValue): ColumnValue {
  switch (c.sqlite3_value_type(value)) {
    case ColumnType.integer: {
      const integer = c.sqlite3_value_int64(value);
      const number = Number(integer);
      return Number.isSafeInteger(number) ? number : integer;
    }
    case ColumnType.float:
      return c.sqlite3_value_double(value);
    case ColumnType.text: {
      const bytes = copyBytes(c.sqlite3_value_text(value), c.sqlite3_value_bytes(value));
      return decodeText(bytes, bytes.length);
    }
    case ColumnType.blob:
      return copyBytes(c.sqlite3_value_blob(value), c.sqlite3_value_bytes(value));
    default:
      return null;
  }
}

function copyBytes(pointer: Deno.PointerValue, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  if (pointer !== null && length > 0) Deno.UnsafePointerView.copyInto(pointer, bytes);
  return bytes;
}

/** Makes `value` the result of the call. */
export function setResult(c: Symbols, context: Deno.PointerValue, value: BindValue): void {
  switch (typeof value) {
    case "string": {
      const { buffer, length } = encodeText(value);
      return c.sqlite3_result_text(context, buffer, length, transient);
    }
    case "number":
      if (!isInt64(value)) return c.sqlite3_result_double(context, value);
      return c.sqlite3_result_int64(context, BigInt(value));
    case "bigint":
      return c.sqlite3_result_int64(context, toInt64(value));
    case "boolean":
      return c.sqlite3_result_int64(context, value ? 1n : 0n);
    default: {
      if (value === null || value === undefined) return c.sqlite3_result_null(context);
      const { length } = value;
      const bytes = length === 0 ? scratch : value as Uint8Array<ArrayBuffer>;
      return c.sqlite3_result_blob(context, bytes, length, transient);
    }
  }
}
