import type { Permission } from "../access/types.ts";
import type { AuditedAct } from "../audit/types.ts";
import { AdmittedRequest, type Asked, type Bodies } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import type { AuditedRequest } from "./audited_request.ts";
import type { HttpCounters } from "./counters.ts";
import { refuseOnStandby } from "./standby.ts";

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
  /**
   * The same of a request that names a transaction: what that was begun with. By another part of its
   * permissions its client could be another user, everybody, or have other rights by table.
   */
  readonly permissionsInTransaction?: readonly Permission[];
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
