import type { AnswerFormat } from "../../store/types.ts";
import {
  answerFormat,
  clusterTimeout,
  type QueryParameters,
  statementTimeout,
} from "../query_parameters.ts";
import { headerOf } from "../request_header.ts";
import { UrlMemo } from "./url_memo.ts";

/** A request for /db/execute whose statements a thread can make ready for the log. */
export interface PointWrite {
  readonly parameters: QueryParameters;
  readonly transaction: boolean;
  readonly format: AnswerFormat;
  readonly statementTimeoutMs: number;
  readonly timeoutMs: number;
}

/** With any other a request is passed on as it is. `level` and what belongs to it say nothing of writes. */
const known = [
  "transaction",
  "timings",
  "associative",
  "pretty",
  "blob_array",
  "exact",
  "qualify_columns",
  "raft_index",
  "timeout",
  "db_timeout",
  "level",
  "linearizable_timeout",
];

const memo = new UrlMemo<PointWrite>("/db/execute", known, (parameters) => ({
  parameters,
  transaction: parameters.has("transaction"),
  format: answerFormat(parameters, true),
  statementTimeoutMs: statementTimeout(parameters),
  timeoutMs: clusterTimeout(parameters),
}));

/** What it asks for but for its statements; undefined when it is for the main thread as it is. */
export function pointWrite(request: Request): PointWrite | undefined {
  if (request.method !== "POST") return undefined;
  const write = memo.get(request.url);
  if (write === undefined || headerOf(request, "content-type")?.startsWith("text/plain")) {
    return undefined;
  }
  return write;
}
