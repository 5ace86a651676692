import type { AuditedAct } from "../audit/types.ts";
import type { Permission } from "../access/types.ts";
import { AdmittedRequest, type Asked, type Bodies } from "./admitted_request.ts";
import { jsonContentType, textContentType } from "./answers.ts";
import type { AppState } from "./app_state.ts";
import type { AuditedRequest } from "./audited_request.ts";
import { backup } from "./backup.ts";
import type { HttpCounters } from "./counters.ts";
import { changes } from "./changes/changes.ts";
import { debugRequests, endRequest } from "./debug_requests.ts";
import { debugStatements } from "./debug_statements.ts";
import { debugVars } from "./debug_vars.ts";
import { consoleRoutes } from "./console/routes.ts";
import { execute, query, unified } from "./data_endpoints.ts";
import { hranaRoutes } from "./hrana/routes.ts";
import { outcome } from "./idempotency_key.ts";
import { leader } from "./leader.ts";
import { boot, load } from "./load.ts";
import { reap, remove, snapshot } from "./maintenance.ts";
import { metrics } from "./metrics.ts";
import { allocationProfile, heapSnapshot, processorProfile, profileIndex } from "./profiles.ts";
import { nodes } from "./nodes.ts";
import { openApiText } from "./openapi.ts";
import { readyz } from "./readyz.ts";
import { promote, refuseOnStandby } from "./standby.ts";
import { analyzeSql } from "./sql_analysis.ts";
import { begin, commit, rollback } from "./transactions.ts";
import { status } from "./status.ts";
import { upgrade } from "./cluster_version.ts";

/** Carries out one request. RequestErrors and ServiceErrors that it throws become answers. */
export type Endpoint<Body extends keyof Bodies> = (
  app: AppState,
  admitted: AdmittedRequest<Body>,
) => Response | Promise<Response>;

/** All that is to be known of a path before a request for it is let in. */
interface RouteTaking<Body extends keyof Bodies> {
  readonly path: string;
  /** rqlite takes some paths for whatever begins with them: /db/querymore is /db/query. */
  readonly match: "exact" | "prefix";
  /** Others are answered with 405; but OPTIONS is let through everywhere. */
  readonly methods: "any" | readonly string[];
  /** What it asks of its client, all of it; nothing: it is there for everybody. */
  readonly permissions: readonly Permission[];
  /** Takes or gives all tables at once: who has rights to some is kept out. */
  readonly wholeDatabase?: true;
  /** The administrative acts that it is asked for, by method: the audit is told of each. */
  readonly acts?: Readonly<Record<string, AuditedAct>>;
  /** Only a leader can do it, here or elsewhere: a standby refuses it by name. */
  readonly needsLeader?: true;
  /** What it takes of a body, and so what bounds that. */
  readonly body: Body;
  /** Counts its requests, also those that its method keeps out. */
  readonly counter?: keyof HttpCounters;
  /** The type that rqlite names when it keeps a request out, with an empty body. */
  readonly refusalType?: string;
  /** Headers that programs in browsers send it beside those that rqlite allows. */
  readonly requestHeaders?: string;
  /** What tells who is kept out why, where an empty body does not. */
  readonly refusal?: (app: AppState, status: number) => Response;
  readonly endpoint: Endpoint<Body>;
}

/** A route that takes a body of one of these kinds. */
export type Route<Kind extends keyof Bodies = keyof Bodies> = {
  [Body in Kind]: RouteTaking<Body>;
}[Kind];

/** Has the route's endpoint answer somebody who was let in; `audited`: undefined without an audit. */
export function carryOut<Kind extends keyof Bodies>(
  route: Route<Kind>,
  asked: Asked,
  audited: AuditedRequest | undefined,
): Response | Promise<Response> {
  if (route.needsLeader) refuseOnStandby(asked.app);
  return route.endpoint(asked.app, new AdmittedRequest(asked, route.body, audited));
}

export const routes: readonly Route[] = [
  {
    path: "/db/execute",
    match: "prefix",
    methods: ["POST"],
    permissions: ["execute"],
    needsLeader: true,
    body: "statements",
    counter: "executions",
    refusalType: jsonContentType,
    endpoint: execute,
  },
  {
    path: "/db/query",
    match: "prefix",
    methods: ["GET", "POST"],
    permissions: ["query"],
    body: "statements",
    counter: "queries",
    refusalType: jsonContentType,
    endpoint: query,
  },
  {
    path: "/db/request",
    match: "prefix",
    methods: ["POST"],
    permissions: ["query", "execute"],
    body: "statements",
    counter: "requests",
    refusalType: jsonContentType,
    endpoint: unified,
  },
  {
    path: "/db/begin",
    match: "exact",
    methods: ["POST"],
    permissions: ["query", "execute"],
    needsLeader: true,
    body: "words",
    refusalType: jsonContentType,
    endpoint: begin,
  },
  {
    path: "/db/commit",
    match: "exact",
    methods: ["POST"],
    permissions: ["query", "execute"],
    needsLeader: true,
    body: "none",
    refusalType: jsonContentType,
    endpoint: commit,
  },
  {
    path: "/db/rollback",
    match: "exact",
    methods: ["POST"],
    permissions: ["query", "execute"],
    needsLeader: true,
    body: "none",
    refusalType: jsonContentType,
    endpoint: rollback,
  },
  {
    path: "/db/outcome",
    match: "exact",
    methods: ["GET"],
    permissions: ["execute"],
    needsLeader: true,
    body: "none",
    refusalType: jsonContentType,
    endpoint: outcome,
  },
  {
    path: "/db/changes",
    match: "exact",
    methods: ["GET"],
    permissions: ["query"],
    body: "none",
    refusalType: textContentType,
    endpoint: changes,
  },
  {
    path: "/db/backup",
    match: "prefix",
    methods: ["GET"],
    permissions: ["backup"],
    wholeDatabase: true,
    acts: { GET: "backup" },
    body: "none",
    counter: "backups",
    endpoint: backup,
  },
  {
    path: "/db/load",
    match: "prefix",
    methods: ["POST"],
    permissions: ["load"],
    wholeDatabase: true,
    acts: { POST: "load" },
    needsLeader: true,
    body: "database",
    counter: "loads",
    endpoint: load,
  },
  {
    path: "/boot",
    match: "exact",
    methods: ["POST"],
    permissions: ["load"],
    wholeDatabase: true,
    acts: { POST: "boot" },
    needsLeader: true,
    body: "database",
    counter: "boot",
    endpoint: boot,
  },
  {
    path: "/db/sql",
    match: "prefix",
    methods: ["GET", "POST"],
    permissions: ["query"],
    body: "statements",
    counter: "sql_analyze",
    refusalType: jsonContentType,
    endpoint: analyzeSql,
  },
  {
    path: "/remove",
    match: "prefix",
    methods: ["DELETE"],
    permissions: ["remove"],
    acts: { DELETE: "remove" },
    needsLeader: true,
    body: "words",
    endpoint: remove,
  },
  {
    path: "/snapshot",
    match: "exact",
    methods: ["POST"],
    permissions: ["snapshot"],
    acts: { POST: "snapshot" },
    needsLeader: true,
    body: "none",
    counter: "user_snapshots",
    endpoint: snapshot,
  },
  {
    path: "/reap",
    match: "exact",
    methods: ["POST"],
    permissions: ["snapshot"],
    acts: { POST: "reap" },
    needsLeader: true,
    body: "none",
    counter: "user_reaps",
    endpoint: reap,
  },
  {
    path: "/leader",
    match: "exact",
    methods: ["GET", "POST"],
    permissions: ["leader-ops"],
    acts: { POST: "stepdown" },
    body: "words",
    refusalType: jsonContentType,
    endpoint: leader,
  },
  {
    path: "/upgrade",
    match: "exact",
    methods: ["GET", "POST"],
    permissions: ["leader-ops"],
    acts: { POST: "upgrade" },
    body: "none",
    endpoint: upgrade,
  },
  {
    path: "/promote",
    match: "exact",
    methods: ["POST"],
    permissions: ["leader-ops"],
    acts: { POST: "promote" },
    body: "none",
    endpoint: promote,
  },
  {
    path: "/readyz",
    match: "prefix",
    methods: ["GET"],
    permissions: ["ready"],
    body: "none",
    counter: "num_readyz",
    endpoint: readyz,
  },
  {
    path: "/status",
    match: "prefix",
    methods: ["GET"],
    permissions: ["status"],
    body: "none",
    counter: "num_status",
    refusalType: jsonContentType,
    endpoint: status,
  },
  {
    path: "/metrics",
    match: "exact",
    methods: ["GET"],
    permissions: ["status"],
    body: "none",
    refusalType: textContentType,
    endpoint: metrics,
  },
  {
    path: "/nodes",
    match: "prefix",
    methods: ["GET"],
    permissions: ["status"],
    body: "none",
    refusalType: jsonContentType,
    endpoint: nodes,
  },
  {
    path: "/licenses",
    match: "exact",
    methods: ["GET"],
    permissions: ["status"],
    body: "none",
    refusalType: textContentType,
    endpoint: ({ answers, info }) => answers.text(200, info.licenses),
  },
  {
    path: "/debug/vars",
    match: "exact",
    methods: "any",
    permissions: ["status"],
    body: "none",
    refusalType: jsonContentType,
    endpoint: debugVars,
  },
  {
    path: "/debug/requests",
    match: "exact",
    methods: ["GET"],
    permissions: ["status"],
    body: "none",
    refusalType: jsonContentType,
    endpoint: debugRequests,
  },
  {
    path: "/debug/requests/",
    match: "prefix",
    methods: ["DELETE"],
    permissions: ["status", "leader-ops"],
    acts: { DELETE: "end_request" },
    body: "none",
    refusalType: textContentType,
    endpoint: endRequest,
  },
  {
    path: "/debug/statements",
    match: "exact",
    methods: ["GET"],
    permissions: ["status"],
    wholeDatabase: true,
    body: "none",
    refusalType: jsonContentType,
    endpoint: debugStatements,
  },
  {
    path: "/debug/pprof/profile",
    match: "exact",
    methods: ["GET"],
    permissions: ["status"],
    body: "none",
    refusalType: textContentType,
    endpoint: processorProfile,
  },
  {
    path: "/debug/pprof/allocs",
    match: "exact",
    methods: ["GET"],
    permissions: ["status"],
    body: "none",
    refusalType: textContentType,
    endpoint: allocationProfile,
  },
  {
    path: "/debug/pprof/heap",
    match: "exact",
    methods: ["GET"],
    permissions: ["status", "backup"],
    wholeDatabase: true,
    acts: { GET: "heap_snapshot" },
    body: "none",
    refusalType: textContentType,
    endpoint: heapSnapshot,
  },
  {
    path: "/debug/pprof",
    match: "prefix",
    methods: ["GET"],
    permissions: ["status"],
    body: "none",
    refusalType: textContentType,
    endpoint: profileIndex,
  },
  {
    path: "/openapi.json",
    match: "exact",
    methods: ["GET"],
    permissions: [],
    body: "none",
    refusalType: jsonContentType,
    endpoint: ({ answers }) => answers.json(openApiText(routes)),
  },
  ...consoleRoutes,
  ...hranaRoutes,
  {
    path: "/",
    match: "exact",
    methods: "any",
    permissions: [],
    body: "none",
    endpoint: ({ answers }, { request }) => answers.toConsole(request),
  },
];
