import { type Context, Hono } from "hono";
import { AppState, type Endpoint } from "./app_state.ts";
import { backup } from "./backup.ts";
import { debugVars } from "./debug_vars.ts";
import { errorAnswer } from "./error_answer.ts";
import { execute } from "./execute.ts";
import { leader } from "./leader.ts";
import { licenses } from "./licenses.ts";
import { boot, load } from "./load.ts";
import { reap, remove, snapshot } from "./maintenance.ts";
import { nodes } from "./nodes.ts";
import { describe } from "./openapi.ts";
import { query } from "./query.ts";
import { parseQueryParameters } from "./query_parameters.ts";
import { readyz } from "./readyz.ts";
import { analyzeSql } from "./sql_analysis.ts";
import { status } from "./status.ts";
import type { AppOptions } from "./types.ts";
import { unified } from "./unified.ts";

/** rqlite matches these by prefix: /db/querymore is /db/query. */
const prefixes: readonly (readonly [string, Endpoint])[] = [
  ["/db/execute", execute],
  ["/db/query", query],
  ["/db/request", unified],
  ["/db/backup", backup],
  ["/db/load", load],
  ["/db/sql", analyzeSql],
  ["/remove", remove],
  ["/status", status],
  ["/nodes", nodes],
  ["/readyz", readyz],
];

const exactPaths: readonly (readonly [string, Endpoint])[] = [
  ["/", ({ answers }, request) => answers.toConsole(request)],
  ["/boot", boot],
  ["/snapshot", snapshot],
  ["/reap", reap],
  ["/leader", leader],
  ["/licenses", licenses],
  ["/debug/vars", debugVars],
  ["/openapi.json", describe],
];

/** The HTTP API: a client written for rqlite 10 notices no difference. */
export function createApp(options: AppOptions): Hono {
  const state = new AppState(options);
  const app = new Hono();
  const on = (path: string, endpoint: Endpoint) =>
    app.all(path, (context: Context) => respond(state, endpoint, context.req.raw));
  for (const [path, endpoint] of [...exactPaths, ...prefixes]) on(path, endpoint);
  // Routes with patterns would make Hono take a slower router for all of them.
  app.notFound(({ req }) => respond(state, endpointByPrefix(req.path, req.raw.url), req.raw));
  return app;
}

const notFound: Endpoint = ({ answers }) => answers.empty(404);
/** As Go's server answers before any handler is asked. */
const badRequest: Endpoint = ({ answers }) => answers.text(400, "400 Bad Request");
const brokenPath = /^[^?]*%(?![0-9a-fA-F]{2})/;

function endpointByPrefix(path: string, url: string): Endpoint {
  if (brokenPath.test(url)) return badRequest;
  for (const [prefix, endpoint] of prefixes) if (path.startsWith(prefix)) return endpoint;
  return notFound;
}

async function respond(state: AppState, endpoint: Endpoint, request: Request): Promise<Response> {
  if (request.method === "OPTIONS") return state.answers.empty(200);
  try {
    const { url } = request;
    const queryAt = url.indexOf("?");
    const parameters = parseQueryParameters(queryAt < 0 ? "" : url.slice(queryAt + 1));
    return await endpoint(state, request, parameters);
  } catch (error) {
    return errorAnswer(state, error);
  }
}
