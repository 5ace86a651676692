import { securitySchemes, withAccess } from "./openapi_access.ts";
import { hranaPaths, hranaSchemas } from "./openapi_hrana.ts";
import { parameters } from "./openapi_parameters.ts";
import { paths } from "./openapi_paths.ts";
import { sharedResponses } from "./openapi_responses.ts";
import { schemas } from "./openapi_schemas.ts";
import type { Route } from "./route.ts";

/**
 * The HTTP API in OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1). Not in it, because its form
 * cannot say it: OPTIONS is answered with 200 everywhere, other methods with 405, other paths that
 * begin like one of these as that one.
 */
export function openApiOf(routes: readonly Route[]) {
  return {
    openapi: "3.1.0",
    info: {
      title: "raftlite",
      summary: "A replicated SQLite database; the HTTP API of rqlite 10",
      version: "10",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    paths: withAccess({ ...paths, ...hranaPaths }, routes),
    components: {
      schemas: { ...schemas, ...hranaSchemas },
      parameters,
      responses: sharedResponses,
      securitySchemes,
    },
  };
}

let text: string | undefined;

/** What /openapi.json shows: the same each time. */
export function openApiText(routes: readonly Route[]): string {
  return text ??= JSON.stringify(openApiOf(routes));
}
