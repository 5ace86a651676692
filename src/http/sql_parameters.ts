import { fitsInt64, int64Min } from "../base/int64.ts";
import { SqlReal, type SqlValue } from "../store/types.ts";
import { RequestError } from "./request_error.ts";

/** A number whose exact text matters: JavaScript's own reading of it would lose something. */
export class JsonNumber {
  constructor(readonly text: string) {}
}

const integerLengthMax = String(int64Min).length;
/** Between what Go's strings.TrimSpace takes off. */
const blobLiteral = /^\p{White_Space}*[xX]'((?:[0-9a-fA-F]{2})*)'\p{White_Space}*$/u;
const wholeNumber = /^-?\d+$/;

/**
 * What a JSON value binds as: booleans as 1 and 0, `X'…'` strings and arrays of bytes as blobs,
 * numbers written with a point or an exponent as reals.
 * Throws a RequestError (400) with rqlite's words.
 */
export function toSqlValue(value: unknown): SqlValue {
  switch (typeof value) {
    case "string":
      return blobFromLiteral(value) ?? value;
    case "number":
      return value === 0 ? 0 : value; // never -0, which would be a real
    case "boolean":
      return value ? 1 : 0;
    default:
      if (value === null) return null;
      if (value instanceof JsonNumber) return fromJsonNumber(value);
      if (Array.isArray(value)) return blobFromArray(value);
      throw new RequestError(400, `unsupported type ${goTypeName(value)}`);
  }
}

function blobFromLiteral(text: string): Uint8Array | undefined {
  if (text.length < 3 || text.indexOf("'") < 0) return undefined;
  const hex = blobLiteral.exec(text)?.[1];
  if (hex === undefined) return undefined;
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

function fromJsonNumber({ text }: JsonNumber): SqlValue {
  const number = Number(text);
  if (wholeNumber.test(text)) {
    if (Number.isSafeInteger(number)) return number === 0 ? 0 : number;
    // To read millions of digits would take minutes.
    const exact = text.length <= integerLengthMax ? BigInt(text) : undefined;
    if (exact !== undefined && fitsInt64(exact)) return exact;
  }
  if (!Number.isFinite(number)) throw new RequestError(400, `invalid number ${text}`);
  return Number.isInteger(number) ? new SqlReal(number) : number;
}

function blobFromArray(elements: readonly unknown[]): Uint8Array {
  const bytes = new Uint8Array(elements.length);
  for (const [i, element] of elements.entries()) {
    if (typeof element !== "number" || !(element >= 0 && element <= 255 && element % 1 === 0)) {
      throw new RequestError(400, `unsupported type ${goTypeName(element)}`);
    }
    bytes[i] = element;
  }
  return bytes;
}

/** A number's text, or what Go's `%T` prints for any other value out of JSON. */
function goTypeName(value: unknown): string {
  if (value === null) return "<nil>";
  if (value instanceof JsonNumber) return value.text;
  if (Array.isArray(value)) return "[]interface {}";
  switch (typeof value) {
    case "number":
      return String(value);
    case "boolean":
      return "bool";
    case "string":
      return "string";
    default:
      return "map[string]interface {}";
  }
}
