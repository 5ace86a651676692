import type { Permission } from "../access/types.ts";
import { sharedResponse } from "./openapi_responses.ts";
import type { Route } from "./route.ts";

/** How clients say who they are, where nodes have users. */
export const securitySchemes = {
  basic: {
    type: "http",
    scheme: "basic",
    description: "A user's name and password, of the file of `-auth`.",
  },
  bearer: {
    type: "http",
    scheme: "bearer",
    description: "A token of a user, of the file of `-auth`, that `raftlite new-token` made.",
  },
} as const;

interface Operation {
  readonly responses: Readonly<Record<string, object>>;
}

/** An operation, and what it asks of clients: one of these, with all the permissions that it names. */
interface GuardedOperation extends Operation {
  readonly security: readonly SecurityRequirement[];
}

type SecurityRequirement = Partial<
  Record<keyof typeof securitySchemes, readonly Permission[]>
>;

type Paths<Item> = Readonly<Record<string, Readonly<Record<string, Item>>>>;

/**
 * An operation with what its route asks of clients: the permissions, all of them, as the names of
 * roles, and how it keeps out who lacks one. Nothing is asked where a node has no users, or where
 * everybody has the permissions.
 */
export function withAccess(
  paths: Paths<Operation>,
  routes: readonly Route[],
): Paths<GuardedOperation> {
  return Object.fromEntries(
    Object.entries(paths).map(([path, operations]) => {
      const fixed = path.replace(/\{\w+\}$/, "");
      const route = routes.find((candidate) => candidate.path === fixed);
      if (route === undefined) throw new Error(`${path} is described, but there is no such route`);
      const guarded = Object.entries(operations)
        .map(([method, operation]) => [method, withGuard(operation, route)] as const);
      return [path, Object.fromEntries(guarded)];
    }),
  );
}

function withGuard(operation: Operation, route: Route): GuardedOperation {
  const { permissions, wholeDatabase } = route;
  if (permissions.length === 0) return { ...operation, security: [] };
  return {
    ...operation,
    security: [{}, { basic: permissions }, { bearer: permissions }],
    responses: {
      ...sharedResponse("Unauthorized"),
      ...sharedResponse("Slowed"),
      ...(wholeDatabase === true ? sharedResponse("SomeTables") : {}),
      ...operation.responses,
    },
  };
}
