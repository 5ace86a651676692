import type { Statement } from "../store/types.ts";
import type { AppState } from "./app_state.ts";
import { elapsed, startOf } from "./data_request.ts";
import { goJson } from "./go_json.ts";
import { indentText } from "./indent.ts";
import type { QueryParameters } from "./query_parameters.ts";
import { jsonText, readBody } from "./request_body.ts";
import { RequestError } from "./request_error.ts";
import { parseStatements } from "./statements.ts";

/** The errors of SQLite that are about the text itself and not about what it names. */
const syntaxError = /syntax error|incomplete input|unrecognized token/;

/** /db/sql: how statements would be rewritten. Here none ever is, so that each comes back as it was. */
export async function analyzeSql(
  app: AppState,
  request: Request,
  parameters: QueryParameters,
): Promise<Response> {
  const { answers, service } = app;
  const startedAt = startOf(parameters);
  let statements: readonly Statement[];
  if (request.method === "GET") {
    const sql = parameters.get("q");
    if (sql === undefined) throw new RequestError(400, "query not specified");
    statements = [{ sql }];
  } else {
    statements = parseStatements(jsonText(await readBody(app, request)));
  }
  const verdicts = await service.inspect(statements);
  const results = statements.map(({ sql }, i) => {
    const verdict = verdicts[i];
    return typeof verdict === "string" && syntaxError.test(verdict)
      ? { original: sql, error: verdict }
      : { original: sql, rewritten: sql };
  });
  const time = elapsed(parameters, startedAt);
  const text = goJson(time > 0 ? { results, time } : { results });
  return answers.json(parameters.has("pretty") ? indentText(text) : text);
}
