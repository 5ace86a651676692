import { rightsOf } from "../access/table_rights.ts";
import { sqlTexts } from "../store/codec/statement_codec.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { inspect, readInspected, type RequestStatements } from "./data_request.ts";
import { goJson } from "../base/go_json.ts";
import { laidOut } from "./indent.ts";
import { LargeStatements } from "./large_statements.ts";
import { paced } from "./paced.ts";
import { elapsed, startOf } from "./query_parameters.ts";
import { RequestError } from "./request_error.ts";

/** The errors of SQLite that are about the text itself and not about what it names. */
const syntaxError = /syntax error|incomplete input|unrecognized token/;

/** /db/sql: how statements would be rewritten. Here none ever is, so that each comes back as it was. */
export async function analyzeSql(
  app: AppState,
  admitted: AdmittedRequest<"statements">,
): Promise<Response> {
  const { request, parameters, identity } = admitted;
  const { answers } = app;
  const startedAt = startOf(parameters);
  let statements: RequestStatements;
  if (request.method === "GET") {
    const sql = parameters.get("q");
    if (sql === undefined) throw new RequestError(400, "query not specified");
    statements = [{ sql }];
  } else {
    statements = await readInspected(app, admitted, "texts");
  }
  const verdicts = await inspect(app, statements, rightsOf(identity));
  if (statements instanceof LargeStatements) {
    const pieces = largeAnalysis(statements, verdicts, () => elapsed(parameters, startedAt));
    return answers.json(paced(pieces, parameters.has("pretty")));
  }
  const results = statements.map(({ sql }, i) => {
    const verdict = verdicts[i];
    return typeof verdict === "string" && syntaxError.test(verdict)
      ? { original: sql, error: verdict }
      : { original: sql, rewritten: sql };
  });
  const time = elapsed(parameters, startedAt);
  const text = goJson(time > 0 ? { results, time } : { results });
  return answers.json(laidOut(text, parameters.has("pretty")));
}

const encoder = new TextEncoder();
const whole = new TextDecoder("utf-8", { ignoreBOM: true });
/** Pieces of about that many characters, and bytes of SQL that are looked at together. */
const pieceLength = 16 * 1024;

/** The same answer piece by piece: it may be ten times as long as the body. */
function* largeAnalysis(
  statements: LargeStatements,
  verdicts: readonly (boolean | string)[],
  seconds: () => number,
): IterableIterator<Uint8Array> {
  let text = "";
  for (const part of analysisParts(statements, verdicts)) {
    text += part;
    if (text.length < pieceLength) continue;
    yield encoder.encode(text);
    text = "";
  }
  const time = seconds();
  yield encoder.encode(time > 0 ? `${text}],"time":${time}}` : `${text}]}`);
}

function* analysisParts(
  statements: LargeStatements,
  verdicts: readonly (boolean | string)[],
): IterableIterator<string> {
  let index = 0;
  yield '{"results":[';
  for (const sql of sqlTexts(statements)) {
    const verdict = verdicts[index];
    yield `${index++ > 0 ? "," : ""}{"original":"`;
    yield* jsonParts(sql);
    if (typeof verdict === "string" && syntaxError.test(verdict)) {
      yield `","error":${goJson(verdict)}}`;
    } else {
      yield '","rewritten":"';
      yield* jsonParts(sql);
      yield '"}';
    }
  }
}

/** What stands between the quotes of a JSON string. */
function* jsonParts(utf8: Uint8Array): IterableIterator<string> {
  if (utf8.length <= pieceLength) {
    yield goJson(whole.decode(utf8)).slice(1, -1);
    return;
  }
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  for (let at = 0; at < utf8.length; at += pieceLength) {
    const part = utf8.subarray(at, at + pieceLength);
    yield goJson(decoder.decode(part, { stream: true })).slice(1, -1);
  }
  yield decoder.decode();
}
