import type { ReadLevel } from "../../cluster/types.ts";
import type { AnswerFormat, Statement } from "../../store/types.ts";
import { answerFormat, type QueryParameters, readLevel } from "../query_parameters.ts";
import { jsonText } from "../request_body.ts";
import { headerOf } from "../request_header.ts";
import { indexHeader } from "../session_index.ts";
import { hasBreakingPragma, parseStatements } from "../statements.ts";
import { UrlMemo } from "./url_memo.ts";

/** With any other a request is passed on. */
const known = [
  "level",
  "q",
  "timings",
  "associative",
  "pretty",
  "blob_array",
  "exact",
  "qualify_columns",
  "linearizable_timeout",
  "timeout",
  "db_timeout",
];

/** A request for /db/query of which a thread may be able to answer all by itself. */
export interface PointQuery {
  readonly level: Extract<ReadLevel, "none" | "weak" | "linearizable">;
  readonly parameters: QueryParameters;
  readonly format: AnswerFormat;
  /** The statement of a GET; undefined when they are in the body. */
  readonly statements: readonly Statement[] | undefined;
}

const memo = new UrlMemo<PointQuery>("/db/query", known, (parameters) => {
  const { level } = readLevel(parameters);
  if (level !== "none" && level !== "weak" && level !== "linearizable") return undefined;
  return { level, parameters, format: answerFormat(parameters, false), statements: undefined };
});

/** What it asks for; undefined when it is for the main thread, be it for being wrong. */
export function pointQuery(request: Request): PointQuery | undefined {
  const { method, url } = request;
  if (method !== "GET" && method !== "POST") return undefined;
  // The one header by which a thread would have to know more than it does.
  if (headerOf(request, indexHeader) !== null) return undefined;
  if (method === "GET") {
    const query = memo.read(url);
    const sql = query?.parameters.get("q");
    const statements = sql === undefined ? undefined : checked([{ sql }]);
    return statements && query && { ...query, statements };
  }
  if (headerOf(request, "content-type")?.startsWith("text/plain")) return undefined;
  return memo.get(url);
}

/** The statements of its body; undefined when they are for the main thread, be it for being wrong. */
export function pointStatements(
  body: Uint8Array,
  parameters: QueryParameters,
): readonly Statement[] | undefined {
  try {
    return checked(parseStatements(jsonText(body), parameters.has("exact")));
  } catch {
    return undefined;
  }
}

function checked(statements: readonly Statement[]): readonly Statement[] | undefined {
  return hasBreakingPragma(statements) ? undefined : statements;
}
