import { ByteWriter, joinBytes } from "../base/bytes.ts";
import { setsContext } from "../cluster/request_context.ts";
import { writeStatement } from "../store/codec/statement_codec.ts";
import type { Statement } from "../store/types.ts";
import { jsonText, jsonValue, sqlText } from "./request_body.ts";
import { RequestError } from "./request_error.ts";
import { isBreakingPragma, NoStatementsError, parsedStatements } from "./statements.ts";

/** What is to be read of a large body, in a Worker. */
export interface BodyTask {
  readonly id: number;
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
  /** SQL itself, JSON of statements, or any JSON, of which all is wanted. */
  readonly type: "sql" | "json" | "value";
  /** What is wanted: the statements, those and their texts alone, or only the texts, twice. */
  readonly wanted: "statements" | "both" | "texts";
  /** See parseStatements. */
  readonly exact: boolean;
  /** The longest text that is read, in characters. */
  readonly charactersMax: number;
}

export type BodyReading =
  | {
    readonly type: "statements";
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly count: number;
    readonly breaking: boolean;
    readonly context: boolean;
    readonly inspection: Uint8Array<ArrayBuffer> | undefined;
    readonly characters: number;
  }
  | { readonly type: "value"; readonly value: unknown }
  | { readonly type: "too_long"; readonly characters: number }
  | { readonly type: "not_utf8" }
  | { readonly type: "no_statements" }
  | { readonly type: "refused"; readonly status: number; readonly message: string };

/** Reads a large body and encodes its statements one by one, each forgotten when it is. */
export function readLargeBody(task: BodyTask): BodyReading {
  const body = joinBytes(task.parts);
  if (task.type === "value") return valueIn(body);
  const text = task.type === "sql" ? sqlText(body) : jsonText(body);
  if (text === undefined) return { type: "not_utf8" };
  if (text.length > task.charactersMax) return { type: "too_long", characters: text.length };
  try {
    const statements = task.type === "sql" ? [{ sql: text }] : parsedStatements(text, task.exact);
    return { ...encoded(statements, task.wanted), characters: text.length };
  } catch (error) {
    if (error instanceof NoStatementsError) return { type: "no_statements" };
    if (!(error instanceof RequestError)) throw error;
    return { type: "refused", status: error.status, message: error.message };
  }
}

/** Values, objects and lists in a body of JSON: the main thread takes them over one by one. */
const partsMax = 200_000;
/** How deep they may nest: to hand them over takes of the stack. */
const nestingMax = 256;

/** How many parts JSON has, as far as it matters; more than `partsMax`, too, if it nests too deep. */
function partsOf(value: unknown, nesting = nestingMax): number {
  if (typeof value !== "object" || value === null) return 1;
  if (nesting === 0) return partsMax + 1;
  let parts = 1;
  for (const inner of Object.values(value)) {
    parts += partsOf(inner, nesting - 1);
    if (parts > partsMax) break;
  }
  return parts;
}

function valueIn(body: Uint8Array): BodyReading {
  try {
    const value = jsonValue(body);
    if (partsOf(value) > partsMax) {
      const message = `The body has more than ${partsMax} values, or they nest too deep`;
      return { type: "refused", status: 413, message };
    }
    return { type: "value", value };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    return { type: "refused", status: error.status, message: error.message };
  }
}

function encoded(statements: Iterable<Statement>, wanted: BodyTask["wanted"]) {
  const writer = new ByteWriter(1024 * 1024);
  const inspection = wanted === "statements" ? undefined : new ByteWriter();
  let count = 0;
  let breaking = false;
  let context = false;
  writer.uint32(0);
  inspection?.uint32(0);
  for (const statement of statements) {
    const { sql } = statement;
    writeStatement(writer, wanted === "texts" ? { sql } : statement);
    if (inspection !== undefined) writeStatement(inspection, { sql });
    breaking ||= isBreakingPragma(sql);
    context ||= setsContext([statement]);
    count++;
  }
  writer.setUint32(0, count);
  inspection?.setUint32(0, count);
  // Each alone in its buffer: they are handed over.
  return {
    type: "statements",
    bytes: writer.view(),
    inspection: inspection?.view(),
    count,
    breaking,
    context,
  } as const;
}
