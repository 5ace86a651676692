import { ofTransactions } from "../permissions.ts";
import type { Route } from "../route.ts";
import { batch, cursor, execute, pipeline, spoken } from "./endpoints.ts";
import { contentType, refusalReply, responseTo } from "./reply.ts";

const unauthorized = {
  message: "Unauthorized: the authToken is no token of a user who may query and execute",
  code: "AUTH_REJECTED",
};

const common = {
  match: "exact",
  refusalType: contentType,
  // As @libsql/client sends them.
  requestHeaders: "Content-Type, Authorization, X-Libsql-Client-Version",
} as const;

function asked(path: string): Route {
  return {
    ...common,
    path,
    methods: ["GET"],
    permissions: [],
    body: "none",
    endpoint: spoken,
  };
}

function served(path: string, endpoint: typeof pipeline): Route {
  return {
    ...common,
    path,
    methods: ["POST"],
    permissions: ofTransactions,
    body: "statements",
    refusal: (app, status) => responseTo(app, refusalReply(status, unauthorized)),
    endpoint,
  };
}

/** Those of libSQL's protocol, Hrana over HTTP. */
export const hranaRoutes: readonly Route[] = [
  asked("/v2"),
  asked("/v3"),
  served("/v1/execute", execute),
  served("/v1/batch", batch),
  served("/v2/pipeline", pipeline),
  served("/v3/pipeline", pipeline),
  served("/v3/cursor", cursor),
];
