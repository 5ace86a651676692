import { fitsInt64, int64Min } from "../base/int64.ts";
import { SqlReal, type SqlValue, type Statement } from "../store/types.ts";
import { endOfValue, skipSpace } from "./json_scanner.ts";
import { LargeStatements } from "./large_statements.ts";
import { RequestError } from "./request_error.ts";

/** A number whose exact text matters: JavaScript's own reading of it would lose something. */
class JsonNumber {
  constructor(readonly text: string) {}
}

/**
 * Matches every body with a number that JSON.parse would not give back as it was written: an
 * exponent, a fraction of zeros, or so many digits that they may not fit. It also matches such text
 * inside of strings; then the slower way is taken for nothing.
 */
const riskyNumber = /\d[eE]|\.0+(?!\d)|[\d.]{16}/;
/** The same for the text of one number. */
const inexactNumber = /[eE]|\.0+$|[\d.]{16}/;

/**
 * Reads the body of a request: a JSON array of statements, each a string, or an array of the SQL and
 * its parameters. Text after the array is passed over. `exact`: a string is always a text, and a
 * number beyond all that there are is infinite. Throws a RequestError (400) with rqlite's words.
 */
export function parseStatements(body: string, exact = false): Statement[] {
  const elements = parseArray(body);
  if (elements === undefined) return parseLeadingArray(body, exact);
  const statements: Statement[] = [];
  for (const element of elements) statements.push(toStatement(element, exact));
  return statements;
}

/** The same one by one, so that not all need be there at a time. */
export function* parsedStatements(body: string, exact: boolean): IterableIterator<Statement> {
  const elements = parseArray(body);
  if (elements === undefined) yield* parseLeadingArray(body, exact);
  else for (const element of elements) yield toStatement(element, exact);
}

/** The elements of an array that has some; undefined when the body is not JSON as a whole. */
function parseArray(body: string): unknown[] | undefined {
  let value: unknown;
  try {
    value = parseJson(body);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
  if (!Array.isArray(value)) throw invalidRequest();
  if (value.length === 0) throw noStatements();
  return value;
}

function invalidRequest(): RequestError {
  return new RequestError(400, "invalid request");
}

function invalidJson(): RequestError {
  return new RequestError(400, "invalid JSON body");
}

/** What rqlite answers to `[]`; the queue must tell it from other errors. */
export class NoStatementsError extends RequestError {
  constructor() {
    super(400, "no statements");
  }
}

function noStatements(): RequestError {
  return new NoStatementsError();
}

type ReviverContext = { readonly source?: string };

/** JSON.parse, with JsonNumber in place of the numbers that it would not give back exactly. */
function parseJson(text: string): unknown {
  if (!riskyNumber.test(text)) return JSON.parse(text);
  return JSON.parse(
    text,
    ((_key: string, value: unknown, context: ReviverContext) => {
      if (typeof value !== "number" || context.source === undefined) return value;
      return inexactNumber.test(context.source) ? new JsonNumber(context.source) : value;
    }) as (key: string, value: unknown) => unknown,
  );
}

function toStatement(element: unknown, exact: boolean): Statement {
  if (typeof element === "string") return { sql: element };
  if (!Array.isArray(element)) throw invalidRequest();
  const sql: unknown = element[0];
  if (typeof sql !== "string") throw invalidRequest();
  if (element.length === 1) return { sql };
  const positional: SqlValue[] = [];
  let named: Map<string, SqlValue> | undefined;
  // A position counts all values before it, the named ones too.
  let position = 0;
  const addPositional = (value: unknown) => {
    while (positional.length < position) positional.push(null);
    positional.push(toSqlValue(value, exact));
    position++;
  };
  for (let i = 1; i < element.length; i++) {
    const parameter: unknown = element[i];
    if (!isObject(parameter)) {
      addPositional(parameter);
      continue;
    }
    for (const [name, value] of Object.entries(parameter)) {
      if (name === "") {
        addPositional(value);
        continue;
      }
      (named ??= new Map()).set(name, toSqlValue(value, exact));
      position++;
    }
  }
  if (named === undefined) return { sql, positional };
  return positional.length === 0 ? { sql, named } : { sql, positional, named };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof JsonNumber);
}

/**
 * Reads a body that is not JSON as a whole the way Go's json.Decoder does, token by token: what
 * stands after the array does not matter, and of two mistakes the first one is reported.
 */
function parseLeadingArray(body: string, exact: boolean): Statement[] {
  let at = skipSpace(body, 0);
  if (body[at] === "{") throw invalidRequest();
  if (body[at] !== "[") throw isScalarAt(body, at) ? invalidRequest() : invalidJson();
  at = skipSpace(body, at + 1);
  const statements: Statement[] = [];
  while (body[at] !== "]") {
    if (statements.length > 0) {
      if (body[at] !== ",") throw invalidJson();
      at = skipSpace(body, at + 1);
    }
    if (body[at] === "{") throw invalidRequest();
    if (body[at] !== "[" && body[at] !== '"') {
      throw isScalarAt(body, at) ? invalidRequest() : invalidJson();
    }
    const end = endOfValue(body, at);
    let element: unknown;
    try {
      element = parseJson(body.slice(at, end));
    } catch {
      throw invalidJson();
    }
    statements.push(toStatement(element, exact));
    at = skipSpace(body, end);
  }
  if (statements.length === 0) throw noStatements();
  return statements;
}

const scalar = /(?:true|false|null|-?\d)/y;

function isScalarAt(text: string, at: number): boolean {
  if (text[at] === '"') return isString(text.slice(at, endOfValue(text, at)));
  scalar.lastIndex = at;
  return scalar.test(text);
}

/** A regular expression would need more of the stack than there is for a long one. */
function isString(text: string): boolean {
  try {
    return typeof JSON.parse(text) === "string";
  } catch {
    return false;
  }
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
function toSqlValue(value: unknown, exact: boolean): SqlValue {
  switch (typeof value) {
    case "string":
      return exact ? value : blobFromLiteral(value) ?? value;
    case "number":
      return value === 0 ? 0 : value; // never -0, which would be a real
    case "boolean":
      return value ? 1 : 0;
    default:
      if (value === null) return null;
      if (value instanceof JsonNumber) return fromJsonNumber(value, exact);
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

function fromJsonNumber({ text }: JsonNumber, exact: boolean): SqlValue {
  const number = Number(text);
  if (wholeNumber.test(text)) {
    if (Number.isSafeInteger(number)) return number === 0 ? 0 : number;
    // To read millions of digits would take minutes.
    const exact = text.length <= integerLengthMax ? BigInt(text) : undefined;
    if (exact !== undefined && fitsInt64(exact)) return exact;
  }
  if (!exact && !Number.isFinite(number)) throw new RequestError(400, `invalid number ${text}`);
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

/** Characters of a statement: behind more blanks than that a PRAGMA is refused by the store itself. */
const lookedAt = 1000;

const mentionsPragma = /pragma/i;
const breakingPragma =
  /^\s*PRAGMA\s+(?:(?:\w+\.)?(?:(?:journal_mode|synchronous|query_only)\s*=|wal_checkpoint)|wal_autocheckpoint\s*=)/i;

/** Whether a request holds a PRAGMA for which rqlite refuses all of it, reads too. */
export function hasBreakingPragma(statements: readonly Statement[] | LargeStatements): boolean {
  if (statements instanceof LargeStatements) return statements.facts.breaking;
  for (const { sql } of statements) if (isBreakingPragma(sql)) return true;
  return false;
}

/** Whether it is such a PRAGMA. */
export function isBreakingPragma(sql: string): boolean {
  const start = sql.length > lookedAt ? sql.slice(0, lookedAt) : sql;
  return mentionsPragma.test(start) && breakingPragma.test(start);
}
