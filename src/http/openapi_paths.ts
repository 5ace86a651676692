import {
  answer,
  backupHeaders,
  headers,
  jsonOf,
  plainText,
  responses,
} from "./openapi_responses.ts";

import { consolePaths } from "./openapi_console_paths.ts";
import { dataErrors, dataPaths, parameterList, sqlText } from "./openapi_data_paths.ts";

const filePaths = {
  "/db/backup": {
    get: {
      operationId: "backup",
      summary: "A copy of the database, hot and consistent",
      parameters: parameterList("fmt", "tables", "vacuum", "compress", "noleader", "redirect"),
      responses: responses(
        {
          200: {
            ...answer("The copy.", {
              "application/octet-stream": {},
              "application/sql": { schema: { type: "string" } },
            }),
            headers: { ...headers, ...backupHeaders },
          },
        },
        ...dataErrors,
      ),
    },
  },
  "/db/load": {
    post: {
      operationId: "load",
      summary: "Replaces the database by a SQLite file, or runs SQL text in one transaction",
      parameters: parameterList("idempotency_key", "timeout", "redirect", "pretty", "timings"),
      requestBody: {
        required: true,
        content: {
          "application/octet-stream": {},
          ...sqlText,
        },
      },
      responses: responses(
        {
          200: answer("Results as of /db/execute, under the type of plain text.", {
            "text/plain": { schema: { type: "string", contentMediaType: "application/json" } },
          }),
        },
        ...dataErrors,
        "KeyReused",
      ),
    },
  },
  "/boot": {
    post: {
      operationId: "boot",
      summary: "Replaces the database of a cluster of one node by a SQLite file",
      requestBody: { required: true, content: { "application/octet-stream": {} } },
      responses: responses({}, "Done", "Failed", "Unavailable", "Timeout"),
    },
  },
};

const clusterPaths = {
  "/status": {
    get: {
      operationId: "status",
      summary: "The node's figures",
      parameters: parameterList("key", "pretty"),
      responses: responses({
        200: answer("All of it, or the part under `key`, which may be any JSON.", {
          "application/json": {
            schema: { anyOf: [{ $ref: "#/components/schemas/Status" }, true] },
          },
        }),
      }),
    },
  },
  "/nodes": {
    get: {
      operationId: "nodes",
      summary: "The nodes of the cluster, and whether they can be reached",
      parameters: parameterList("nonvoters", "ver", "timeout", "pretty"),
      responses: responses(
        { 200: answer("The nodes.", jsonOf("Nodes")) },
        "Unavailable",
        "Timeout",
      ),
    },
  },
  "/leader": {
    get: {
      operationId: "leader",
      summary: "The leader",
      parameters: parameterList("timeout", "pretty"),
      responses: responses(
        { 200: answer("The leader.", jsonOf("Node")) },
        "Unavailable",
        "Timeout",
      ),
    },
    post: {
      operationId: "stepDown",
      summary: "Hands leadership over, to any other voter or to the one named",
      parameters: parameterList("wait", "redirect"),
      requestBody: {
        content: {
          "application/json": {
            schema: { type: "object", properties: { id: { type: "string" } } },
          },
        },
      },
      responses: responses(
        {},
        "Done",
        "Redirect",
        "TooLarge",
        "Failed",
        "Unavailable",
        "Timeout",
      ),
    },
  },
  "/upgrade": {
    get: {
      operationId: "versions",
      summary: "Which versions of clusters the nodes understand",
      responses: responses({ 200: answer("The versions.", jsonOf("Versions")) }),
    },
    post: {
      operationId: "upgrade",
      summary: "Raises the cluster's version, after which no older release can take part",
      responses: responses(
        {
          200: answer("It has this version now.", jsonOf("Version")),
          409: answer("It is not raised: the text names the nodes in the way.", plainText),
        },
        "Unavailable",
        "Timeout",
      ),
    },
  },
  "/verify": {
    get: {
      operationId: "comparison",
      summary: "How far the comparison of all nodes' copies is, or what the last one came to",
      responses: responses(
        { 200: answer("The comparison.", jsonOf("Comparison")) },
        "Unavailable",
        "Timeout",
      ),
    },
    post: {
      operationId: "verify",
      summary: "Has all nodes compare their copies of the database, unless they do so already",
      responses: responses(
        { 200: answer("The comparison that runs now.", jsonOf("Comparison")) },
        "Unavailable",
        "Timeout",
      ),
    },
  },
  "/promote": {
    post: {
      operationId: "promote",
      summary: "Makes a standby, which follows an archive, a cluster of its own",
      parameters: parameterList("timeout", "as_is"),
      responses: responses({
        200: answer("It is promoted, and comes back as a node.", jsonOf("Promotion")),
        409: answer("It is not: the text says why, and the way out.", plainText),
      }),
    },
  },
  "/remove": {
    delete: {
      operationId: "remove",
      summary: "Takes a node out of the cluster",
      parameters: parameterList("redirect"),
      requestBody: {
        required: true,
        content: {
          "application/json": {
            schema: {
              type: "object",
              properties: { id: { type: "string" } },
              required: ["id"],
              additionalProperties: false,
            },
          },
        },
      },
      responses: responses(
        {},
        "Done",
        "Redirect",
        "TooLarge",
        "Failed",
        "Unavailable",
        "Timeout",
      ),
    },
  },
  "/readyz": {
    get: {
      operationId: "readyz",
      summary: "Whether the node can serve",
      parameters: parameterList("noleader", "sync", "timeout"),
      responses: responses(
        { 200: answer("A line for every check.", plainText) },
        "Unavailable",
      ),
    },
  },
};

const openMetrics = "application/openmetrics-text";

function profile(extension: string) {
  const schema = { type: "object" };
  return answer(`A .${extension}, for Chrome's developer tools.`, {
    "application/json": { schema },
  });
}
const profilerBusy = answer("A profile is being taken already.", plainText);

const maintenancePaths = {
  "/metrics": {
    get: {
      operationId: "metrics",
      summary: "The node's figures for Prometheus",
      responses: responses({
        200: answer("Prometheus' text format, or OpenMetrics for who accepts that.", {
          ...plainText,
          [openMetrics]: { schema: { type: "string" } },
        }),
      }),
    },
  },
  "/snapshot": {
    post: {
      operationId: "snapshot",
      summary: "Checkpoints the database and compacts the log",
      parameters: parameterList("trailing_logs"),
      responses: responses(
        { 204: answer("Nothing was new.") },
        "Done",
        "Failed",
        "Unavailable",
        "Timeout",
      ),
    },
  },
  "/reap": {
    post: {
      operationId: "reap",
      summary: "Kept for rqlite's clients: there are no old snapshots to remove",
      responses: responses({
        200: answer("What was removed: nothing.", {
          "application/json": {
            schema: {
              type: "object",
              properties: {
                snapshots_reaped: { type: "integer" },
                wals_checkpointed: { type: "integer" },
              },
              required: ["snapshots_reaped", "wals_checkpointed"],
              additionalProperties: false,
            },
          },
        }),
      }),
    },
  },
  "/debug/vars": {
    get: {
      operationId: "debugVars",
      summary: "Counters",
      parameters: parameterList("key"),
      responses: responses({
        200: answer("Names and figures.", { "application/json": { schema: { type: "object" } } }),
      }),
    },
  },
  "/debug/requests": {
    get: {
      operationId: "debugRequests",
      summary: "What runs now for this node's clients, or waits for that, without values",
      parameters: parameterList("pretty"),
      responses: responses({ 200: answer("The oldest first.", jsonOf("RunningRequests")) }),
    },
  },
  "/debug/requests/{id}": {
    delete: {
      operationId: "endRequest",
      summary: "Ends a read, or a write that has not gone to the leader yet",
      parameters: parameterList("id"),
      responses: responses({
        404: answer("No such request is under way.", plainText),
        409: answer("Its write has gone to the leader, and cannot be ended.", plainText),
      }, "Done"),
    },
  },
  "/debug/statements": {
    get: {
      operationId: "debugStatements",
      summary: "Which statements took this node's time, without their values",
      parameters: parameterList("limit", "pretty"),
      responses: responses({
        200: answer("Those first that took most in all.", jsonOf("StatementSummaries")),
      }),
    },
  },
  "/debug/pprof": {
    get: {
      operationId: "profileIndex",
      summary: "What profiles of the node there are",
      responses: responses({ 200: answer("A list of them.", plainText) }),
    },
  },
  "/debug/pprof/profile": {
    get: {
      operationId: "processorProfile",
      summary: "Where the main thread's processor time goes",
      parameters: parameterList("seconds"),
      responses: responses({ 200: profile("cpuprofile"), 409: profilerBusy }),
    },
  },
  "/debug/pprof/allocs": {
    get: {
      operationId: "allocationProfile",
      summary: "Which functions of the main thread allocate what stays",
      parameters: parameterList("seconds"),
      responses: responses({ 200: profile("heapprofile"), 409: profilerBusy }),
    },
  },
  "/debug/pprof/heap": {
    get: {
      operationId: "heapSnapshot",
      summary: "All objects of the main thread with their contents; it stands still meanwhile",
      parameters: parameterList("force"),
      responses: responses({
        200: profile("heapsnapshot"),
        409: answer("The node leads, its heap is too large, or a profile is taken.", plainText),
      }),
    },
  },
  "/licenses": {
    get: {
      operationId: "licenses",
      summary: "The licences of the program and of what it is made of",
      responses: responses({ 200: answer("The texts.", plainText) }),
    },
  },
  "/openapi.json": {
    get: {
      operationId: "description",
      summary: "This description",
      responses: responses({
        200: answer("OpenAPI 3.1.", { "application/json": { schema: { type: "object" } } }),
      }),
    },
  },
};

export const paths = {
  ...dataPaths,
  ...filePaths,
  ...clusterPaths,
  ...maintenancePaths,
  ...consolePaths,
};
