import type { AppState } from "./app_state.ts";
import { sortedGoJson } from "./go_json.ts";
import type { QueryParameters } from "./query_parameters.ts";

/** /debug/vars: counters, in the form of Go's expvar, of any method, as there. */
export function debugVars(
  app: AppState,
  _request: Request,
  parameters: QueryParameters,
): Response {
  const memory = Deno.memoryUsage();
  const variables: Record<string, unknown> = {
    cmdline: [Deno.execPath(), ...Deno.args],
    http: app.counters,
    memstats: {
      Alloc: memory.heapUsed,
      HeapAlloc: memory.heapUsed,
      HeapSys: memory.heapTotal,
      Sys: memory.rss,
    },
  };
  const key = parameters.get("key") ?? "";
  const lines = Object.entries(variables)
    .filter(([name]) => key === "" || key === name)
    .map(([name, value]) => `"${name}": ${sortedGoJson(value)}`);
  return app.answers.json(`{\n${lines.join(",\n")}\n}\n`);
}
