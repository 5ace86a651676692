import { Buffer } from "node:buffer";
import { fitsInt64 } from "../../base/int64.ts";
import { SqlReal, type SqlValue } from "../../store/types.ts";
import { ProtocolError } from "./errors.ts";
import type {
  Batch,
  BatchStep,
  Condition,
  CursorRequest,
  HranaStatement,
  PipelineRequest,
  SqlSource,
  StreamRequest,
} from "./types.ts";

/** How deep conditions may nest. */
const nestingMax = 32;

type Members = Readonly<Record<string, unknown>>;

/** The body of POST /v2/pipeline; once it is parsed; throws a ProtocolError for what is none. */
export function pipelineIn(body: unknown): PipelineRequest {
  const message = membersOf(body);
  return {
    baton: batonIn(message),
    requests: listIn(message, "requests").map((request) => streamRequest(membersOf(request))),
  };
}

/** The body of POST /v3/cursor. */
export function cursorIn(body: unknown): CursorRequest {
  const message = membersOf(body);
  return { baton: batonIn(message), batch: batchIn(message) };
}

/** The body of POST /v1/execute. */
export function executeIn(body: unknown): HranaStatement {
  return statementIn(membersOf(body));
}

/** The body of POST /v1/batch. */
export function batchOf(body: unknown): Batch {
  return batchIn(membersOf(body));
}

function streamRequest(message: Members): StreamRequest {
  const { type } = message;
  switch (type) {
    case "execute":
      return { type, statement: statementIn(message) };
    case "batch":
      return { type, batch: batchIn(message) };
    case "sequence":
    case "describe":
      return { type, source: sourceIn(message) };
    case "store_sql":
      return { type, sqlId: integerIn(message, "sql_id"), sql: textIn(message, "sql") };
    case "close_sql":
      return { type, sqlId: integerIn(message, "sql_id") };
    case "get_autocommit":
    case "close":
      return { type };
    default:
      throw broken(`A request of type ${JSON.stringify(type)}`);
  }
}

function statementIn(message: Members): HranaStatement {
  const statement = membersOf(message.stmt);
  // Rows that are not wanted (want_rows) are given all the same, as libSQL's server does.
  return {
    source: sourceIn(statement),
    args: listIn(statement, "args", []).map(valueOf),
    namedArgs: listIn(statement, "named_args", []).map((argument) => {
      const { name, value } = membersOf(argument);
      if (typeof name !== "string") throw broken("An argument without a name in named_args");
      return { name, value: valueOf(value) };
    }),
  };
}

function sourceIn(message: Members): SqlSource {
  const hasSql = isThere(message.sql);
  if (hasSql === isThere(message.sql_id)) {
    throw broken("A statement has either sql or sql_id, and not both");
  }
  return hasSql ? { sql: textIn(message, "sql") } : { sqlId: integerIn(message, "sql_id") };
}

function batchIn(message: Members): Batch {
  return listIn(membersOf(message.batch), "steps").map((step, i) => stepOf(membersOf(step), i));
}

function stepOf(message: Members, index: number): BatchStep {
  const { condition } = message;
  return {
    condition: isThere(condition) ? conditionOf(condition, index, nestingMax) : undefined,
    statement: statementIn(message),
  };
}

/** Of step `index`. */
function conditionOf(value: unknown, index: number, nesting: number): Condition {
  if (nesting === 0) throw broken(`Conditions nest deeper than ${nestingMax}`);
  const message = membersOf(value);
  const { type } = message;
  switch (type) {
    case "ok":
    case "error": {
      const step = integerIn(message, "step");
      if (step < 0 || step >= index) {
        throw broken(`A condition of step ${index} on step ${step}, which is not before it`);
      }
      return { type, step };
    }
    case "not":
      return { type, condition: conditionOf(message.cond, index, nesting - 1) };
    case "and":
    case "or":
      return {
        type,
        conditions: listIn(message, "conds").map((one) => conditionOf(one, index, nesting - 1)),
      };
    case "is_autocommit":
      return { type };
    default:
      throw broken(`A condition of type ${JSON.stringify(type)}`);
  }
}

const wholeNumber = /^[-+]?\d{1,20}$/;

/** A float is a real, whatever its value: @libsql/client sends every number of JavaScript as one. */
function valueOf(value: unknown): SqlValue {
  const message = membersOf(value);
  const { type } = message;
  switch (type) {
    case "null":
      return null;
    case "integer":
      return integerOf(message.value);
    case "float":
      if (typeof message.value !== "number") throw broken("A float that is no number");
      return new SqlReal(message.value);
    case "text":
      return textIn(message, "value");
    case "blob":
      return blobOf(message.base64);
    default:
      throw broken(`A value of type ${JSON.stringify(type)}`);
  }
}

function integerOf(value: unknown): SqlValue {
  if (typeof value !== "string" || !wholeNumber.test(value)) {
    throw broken("An integer that is no decimal text");
  }
  const exact = BigInt(value);
  if (!fitsInt64(exact)) throw broken(`Integer ${value} does not fit into 64 bits`);
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}

const base64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** With padding or without. */
function blobOf(value: unknown): Uint8Array {
  if (typeof value !== "string" || !base64.test(value)) throw broken("A blob that is no base64");
  const digits = value.replace(/=+$/, "").length;
  const isWhole = digits === value.length || value.length % 4 === 0;
  if (digits % 4 === 1 || !isWhole) throw broken("A blob whose base64 is cut off");
  return new Uint8Array(Buffer.from(value, "base64"));
}

function batonIn({ baton }: Members): string | undefined {
  if (!isThere(baton)) return undefined;
  if (typeof baton !== "string") throw broken("A baton that is no text");
  return baton;
}

function membersOf(value: unknown): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw broken("Something else where an object should be");
  }
  return value as Members;
}

function listIn(message: Members, name: string, otherwise?: unknown[]): readonly unknown[] {
  const value = message[name] ?? otherwise;
  if (!Array.isArray(value)) throw broken(`No list of ${name}`);
  return value;
}

function textIn(message: Members, name: string): string {
  const value = message[name];
  if (typeof value !== "string") throw broken(`No text as ${name}`);
  return value;
}

function integerIn(message: Members, name: string): number {
  const value = message[name];
  if (!Number.isInteger(value)) throw broken(`No whole number as ${name}`);
  return value as number;
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function broken(what: string): ProtocolError {
  return new ProtocolError(`The request cannot be read: ${what}`);
}
