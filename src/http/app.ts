import { type Context, Hono } from "hono";
import type { Audit } from "../audit/types.ts";
import { anybody, type Permission, type Verdict } from "../access/types.ts";
import type { Asked } from "./admitted_request.ts";
import { AuditedRequest, recordKeptOut } from "./audited_request.ts";
import { AppState } from "./app_state.ts";
import { type Client, unwatched } from "./client.ts";
import { errorAnswer } from "./error_answer.ts";
import { parametersOf, type QueryParameters } from "./query_parameters.ts";
import { carryOut, type Route } from "./route.ts";
import { routes } from "./routes.ts";
import type { AppOptions } from "./types.ts";
import { hasSoundAuthority } from "./url_authority.ts";
import { requireAllTables } from "./whole_database.ts";

/** The HTTP API: a client written for rqlite 10 notices no difference. */
export function createApp(options: AppOptions): Hono {
  return appOf(new AppState(options));
}

/** The same over what its endpoints share. */
export function appOf(state: AppState): Hono {
  const app = new Hono();
  for (const route of routes) {
    app.all(route.path, ({ req, env }: Context) => letIn(state, route, req.raw, clientIn(env)));
  }
  // Routes with patterns would make Hono take a slower router for all of them.
  app.notFound(({ req, env }) => {
    return letIn(state, routeByPrefix(req.path, req.raw.url), req.raw, clientIn(env));
  });
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

/** The server hands over the client beside the request. */
function clientIn(environment: unknown): Client {
  const given = environment as Client | undefined;
  return given?.address === undefined ? unwatched : given;
}

type Answer = Response | Promise<Response>;

/**
 * The one way in, for every request, and the one way out for its answer: what a request must not
 * get past is checked here, in this order, and what fails behind it becomes an answer here. What the
 * route asks of its client belongs behind its method, before any of the body is read; what the route
 * says of its body bounds that. What is known at once is answered at once: promises cost much beside
 * a short read.
 */
function letIn(app: AppState, route: Route | undefined, request: Request, client: Client): Answer {
  const countOut = app.countIn(app.requests.of(route?.path));
  client.begins(request);
  const letOut = (response: Response) => {
    countOut(response.status);
    return client.answered(app.answers.toOrigin(request, response));
  };
  const answer = answerFor({ app, route, request, client });
  return answer instanceof Promise ? answer.then(letOut) : letOut(answer);
}

interface Arrived {
  readonly app: AppState;
  readonly route: Route | undefined;
  readonly request: Request;
  readonly client: Client;
}

/** As Go's server says it. */
const malformedHost = "400 Bad Request: malformed Host header";

/** Neither throws nor rejects: what fails is answered. */
function answerFor(arrived: Arrived): Answer {
  const { app, route, request: { method, url } } = arrived;
  if (method === "OPTIONS") {
    const { requestHeaders } = route ?? {};
    return requestHeaders === undefined
      ? app.answers.empty(200)
      : app.answers.allowing(requestHeaders);
  }
  if (!hasSoundAuthority(url)) return app.answers.text(400, malformedHost);
  try {
    const answer = judged(arrived);
    return answer instanceof Promise ? answer.catch((error) => errorAnswer(app, error)) : answer;
  } catch (error) {
    return errorAnswer(app, error);
  }
}

function judged({ app, route, request, client: { address } }: Arrived): Answer {
  const { url } = request;
  const parameters = parametersOf(url);
  if (route === undefined) return nowhere(app, url);
  if (route.counter !== undefined) app.counters[route.counter]++;
  const asked = { app, request, parameters, address, users: app.gate?.users };
  if (app.gate === undefined || route.permissions.length === 0) {
    return carriedOut(route, { ...asked, identity: anybody });
  }
  const needed = neededFor(route, parameters);
  const verdict = app.gate.judge(needed, request.headers.get("authorization"), address);
  return verdict instanceof Promise
    ? verdict.then((verdict) => decided(route, asked, verdict))
    : decided(route, asked, verdict);
}

function neededFor(
  { permissions, permissionsInTransaction }: Route,
  parameters: QueryParameters,
): readonly Permission[] {
  return permissionsInTransaction !== undefined && parameters.has("tx")
    ? permissionsInTransaction
    : permissions;
}

/** What the gate has decided is done. */
function decided(
  route: Route,
  asked: Omit<Asked, "identity">,
  verdict: Verdict,
): Answer {
  const { app } = asked;
  if (verdict.type !== "admitted") return keptOut(route, asked, verdict);
  app.counters.auth_ok++;
  const { identity } = verdict;
  // Who may see /status finds it there.
  const tellsVersion = identity.username !== undefined || route.permissions.includes("status");
  const tell = (response: Response) => tellsVersion ? app.answers.tellVersion(response) : response;
  const failed = (error: unknown) => tell(errorAnswer(app, error));
  try {
    const answer = carriedOut(route, { ...asked, identity });
    return answer instanceof Promise ? answer.then(tell, failed) : tell(answer);
  } catch (error) {
    return failed(error);
  }
}

function carriedOut(route: Route, asked: Asked): Answer {
  const { app, request, identity } = asked;
  if (route.methods !== "any" && !route.methods.includes(request.method)) {
    return app.answers.empty(405, route.refusalType);
  }
  if (app.audit !== undefined) return audited(app.audit, route, asked);
  if (route.wholeDatabase) requireAllTables(identity);
  return carryOut(route, asked, undefined);
}

/** The same, with the audit told of what it may want to know. */
async function audited(audit: Audit, route: Route, asked: Asked): Promise<Response> {
  const { request, identity, address } = asked;
  const act = route.acts?.[request.method];
  const audited = new AuditedRequest({ audit, act, request, identity, address });
  try {
    if (route.wholeDatabase) requireAllTables(identity);
    const response = await carryOut(route, asked, audited);
    audited.answered(response.status);
    return response;
  } catch (error) {
    audited.failed(error);
    throw error;
  }
}

function keptOut(
  route: Route,
  { app, request, parameters, address }: Omit<Asked, "identity">,
  verdict: Exclude<Verdict, { readonly type: "admitted" }>,
): Response {
  app.counters.auth_fail++;
  if (app.audit !== undefined) {
    const act = route.acts?.[request.method];
    const needed = neededFor(route, parameters);
    recordKeptOut(app.audit, { act, request, address, needed, verdict });
  }
  if (verdict.type === "slowed") return app.answers.later(verdict.seconds, route.refusalType);
  return route.refusal?.(app, 401) ?? app.answers.empty(401, route.refusalType);
}
