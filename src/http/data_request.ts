import type { Statement } from "../store/types.ts";
import { assert } from "../base/assert.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { NotUtf8Error } from "./body_reader.ts";
import type { BodyTask } from "./body_task.ts";
import { jsonText, sqlText } from "./request_body.ts";
import { headerOf } from "./request_header.ts";
import { LargeBody } from "./large_body.ts";
import { LargeStatements } from "./large_statements.ts";
import { parseStatements } from "./statements.ts";

type Awaitable<T> = T | Promise<T>;

/** Statements of a request, which a Worker has read if they are many or large. */
export type RequestStatements = readonly Statement[] | LargeStatements;

/**
 * The statements of a body: SQL itself when sent as text/plain, undefined when that is no UTF-8;
 * otherwise JSON.
 */
export function readStatements(
  app: AppState,
  admitted: AdmittedRequest<"statements">,
): Promise<RequestStatements | undefined> {
  const isSql = headerOf(admitted.request, "content-type")?.startsWith("text/plain");
  const exact = admitted.parameters.has("exact");
  return admitted.body().then((body): Awaitable<RequestStatements | undefined> => {
    if (body instanceof LargeBody) {
      return readLarge(app, body, { type: isSql ? "sql" : "json", exact });
    }
    return isSql ? onlyStatement(sqlText(body)) : parseStatements(jsonText(body), exact);
  });
}

/**
 * The statements of a body that is always JSON, so that SQLite can be asked about them; of a large
 * one perhaps only their texts.
 */
export async function readInspected(
  app: AppState,
  admitted: AdmittedRequest<"statements">,
  wanted: "both" | "texts",
): Promise<RequestStatements> {
  const body = await admitted.body();
  const exact = admitted.parameters.has("exact");
  if (!(body instanceof LargeBody)) return parseStatements(jsonText(body), exact);
  using _ = body;
  return await app.bodyReader.read(body, {
    type: "json",
    exact,
    wanted,
    charactersMax: Infinity,
  });
}

/** What SQLite says of each statement, in their order, to a user with these rights by table. */
export function inspect(
  app: AppState,
  statements: RequestStatements,
  rights: string | undefined,
): Promise<(boolean | string)[]> {
  const texts = statements instanceof LargeStatements ? statements.facts.inspection : statements;
  assert(texts !== undefined, "Statements are inspected that were not read for it");
  return app.service.inspect(texts, rights);
}

async function readLarge(
  app: AppState,
  body: LargeBody,
  form: Pick<BodyTask, "type" | "exact">,
): Promise<LargeStatements | undefined> {
  using _ = body;
  try {
    return await app.bodyReader.read(body, {
      ...form,
      wanted: "statements",
      charactersMax: Infinity,
    });
  } catch (error) {
    if (error instanceof NotUtf8Error) return undefined;
    throw error;
  }
}

function onlyStatement(sql: string | undefined): readonly Statement[] | undefined {
  return sql === undefined ? undefined : [{ sql }];
}
