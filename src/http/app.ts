import { type Context, Hono } from "hono";
import { AppState } from "./app_state.ts";
import { errorAnswer } from "./error_answer.ts";
import { parseQueryParameters } from "./query_parameters.ts";
import { type Route, routes } from "./routes.ts";
import type { AppOptions } from "./types.ts";

/** The HTTP API: a client written for rqlite 10 notices no difference. */
export function createApp(options: AppOptions): Hono {
  const state = new AppState(options);
  const app = new Hono();
  for (const route of routes) {
    app.all(route.path, ({ req }: Context) => letIn(state, route, req.raw));
  }
  // Routes with patterns would make Hono take a slower router for all of them.
  app.notFound(({ req }) => letIn(state, routeByPrefix(req.path, req.raw.url), req.raw));
  return app;
}

const prefixes = routes.filter(({ match }) => match === "prefix");

function routeByPrefix(path: string, url: string): Route | undefined {
  if (brokenPath.test(url)) return undefined;
  return prefixes.find((route) => path.startsWith(route.path));
}

const brokenPath = /^[^?]*%(?![0-9a-fA-F]{2})/;

/** A path that leads nowhere; Go's server answers a broken one before any handler is asked. */
function nowhere({ answers }: AppState, url: string): Response {
  return brokenPath.test(url) ? answers.text(400, "400 Bad Request") : answers.empty(404);
}

/**
 * The one way in, for every request, and the one way out for its answer: what a request must not
 * get past is checked here, in this order, and what fails behind it becomes an answer here. What the
 * route asks of its client belongs behind its method, before any of the body is read.
 */
async function letIn(
  app: AppState,
  route: Route | undefined,
  request: Request,
): Promise<Response> {
  const { method, url } = request;
  if (method === "OPTIONS") return app.answers.empty(200);
  try {
    const queryAt = url.indexOf("?");
    const parameters = parseQueryParameters(queryAt < 0 ? "" : url.slice(queryAt + 1));
    if (route === undefined) return nowhere(app, url);
    if (route.counter !== undefined) app.counters[route.counter]++;
    if (route.methods !== "any" && !route.methods.includes(method)) {
      return app.answers.empty(405, route.refusalType);
    }
    return await route.endpoint(app, request, parameters);
  } catch (error) {
    return errorAnswer(app, error);
  }
}
