import type { AppState } from "./app_state.ts";
import { parameters } from "./openapi_parameters.ts";
import { paths } from "./openapi_paths.ts";
import { sharedResponses } from "./openapi_responses.ts";
import { schemas } from "./openapi_schemas.ts";

/**
 * The HTTP API in OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1). Not in it, because its form
 * cannot say it: OPTIONS is answered with 200 everywhere, other methods with 405, other paths that
 * begin like one of these as that one.
 */
export const openApi = {
  openapi: "3.1.0",
  info: {
    title: "raftlite",
    summary: "A replicated SQLite database; the HTTP API of rqlite 10",
    version: "10",
    license: { name: "MIT", identifier: "MIT" },
  },
  servers: [{ url: "/" }],
  paths,
  components: { schemas, parameters, responses: sharedResponses },
};

let text: string | undefined;

/** /openapi.json: the description of this API. */
export function describe({ answers }: AppState): Response {
  text ??= JSON.stringify(openApi);
  return answers.json(text);
}
