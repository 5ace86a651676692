import type { parameters } from "./openapi_parameters.ts";
import {
  answer,
  headers,
  indexHeaders,
  jsonOf,
  plainText,
  replayedHeaders,
  responses,
} from "./openapi_responses.ts";

export function parameterList(...names: (keyof typeof parameters)[]) {
  return names.map((name) => ({ $ref: `#/components/parameters/${name}` }));
}

const results = {
  ...answer("The results.", jsonOf("Results")),
  headers: { ...headers, ...indexHeaders },
};
const written = {
  ...results,
  headers: { ...results.headers, ...replayedHeaders },
};
export const dataErrors = [
  "Redirect",
  "TooLarge",
  "Failed",
  "Unavailable",
  "Timeout",
] as const;
/** With `tx`. */
const inTransaction = ["TransactionUnknown", "Conflict", "TransactionOver"] as const;
const resultForm = [
  "associative",
  "blob_array",
  "exact",
  "pretty",
  "timings",
  "raft_index",
] as const;
const readOptions = [
  "level",
  "freshness",
  "freshness_strict",
  "linearizable_timeout",
  "min_index",
  "transaction",
  "timeout",
  "db_timeout",
  "qualify_columns",
  "redirect",
  ...resultForm,
] as const;

export const sqlText = { "text/plain": { schema: { $ref: "#/components/schemas/Sql" } } };
const statementsBody = { required: true, content: jsonOf("Statements") };
const statementsOrTextBody = {
  required: true,
  content: { ...jsonOf("Statements"), ...sqlText },
};

const statementPaths = {
  "/db/execute": {
    post: {
      operationId: "execute",
      summary: "Writes",
      parameters: parameterList(
        "transaction",
        "timeout",
        "db_timeout",
        "queue",
        "wait",
        "noleader",
        "redirect",
        "idempotency_key",
        "tx",
        ...resultForm,
      ),
      requestBody: statementsOrTextBody,
      responses: responses(
        { 200: written },
        ...dataErrors,
        "WaitTimeout",
        "KeyReused",
        ...inTransaction,
      ),
    },
  },
  "/db/query": {
    get: {
      operationId: "query",
      summary: "Reads by one statement",
      parameters: parameterList("q", "tx", ...readOptions),
      responses: responses({ 200: results }, ...dataErrors, ...inTransaction),
    },
    post: {
      operationId: "queryMany",
      summary: "Reads",
      parameters: parameterList("tx", ...readOptions),
      requestBody: statementsOrTextBody,
      responses: responses({ 200: results }, ...dataErrors, ...inTransaction),
    },
  },
  "/db/request": {
    post: {
      operationId: "request",
      summary: "Reads and writes together",
      parameters: parameterList("idempotency_key", "tx", ...readOptions),
      requestBody: statementsBody,
      responses: responses({ 200: written }, ...dataErrors, "KeyReused", ...inTransaction),
    },
  },
  "/db/sql": {
    get: {
      operationId: "analyze",
      summary: "Shows how a statement is rewritten: here, not at all",
      parameters: parameterList("q", "pretty", "timings"),
      responses: responses({ 200: answer("The texts.", jsonOf("Analysis")) }),
    },
    post: {
      operationId: "analyzeMany",
      summary: "Shows how statements are rewritten: here, not at all",
      parameters: parameterList("pretty", "timings"),
      requestBody: statementsBody,
      responses: responses(
        { 200: answer("The texts.", jsonOf("Analysis")) },
        "TooLarge",
      ),
    },
  },
};

const transactionErrors = [
  "TransactionUnknown",
  "Conflict",
  "TransactionOver",
  "Failed",
  "Unavailable",
  "Timeout",
] as const;

const transactionPaths = {
  "/db/begin": {
    post: {
      operationId: "begin",
      summary: "Begins a transaction of several requests",
      parameters: parameterList("timeout"),
      requestBody: { content: jsonOf("Beginning") },
      responses: responses(
        { 200: answer("Its id.", jsonOf("Begun")) },
        "TooLarge",
        "Failed",
        "Unavailable",
        "Timeout",
      ),
    },
  },
  "/db/commit": {
    post: {
      operationId: "commit",
      summary: "Commits a transaction, whole or not at all",
      parameters: parameterList(
        "tx_required",
        "idempotency_key",
        "timeout",
        "raft_index",
        "pretty",
      ),
      responses: responses({ 200: written }, "KeyReused", ...transactionErrors),
    },
  },
  "/db/rollback": {
    post: {
      operationId: "rollback",
      summary: "Takes a transaction back",
      parameters: parameterList("tx_required", "timeout", "pretty"),
      responses: responses({ 200: results }, ...transactionErrors),
    },
  },
};

const outcomePaths = {
  "/db/outcome": {
    get: {
      operationId: "outcome",
      summary: "What became of the write under an Idempotency-Key",
      parameters: parameterList("idempotency_key_asked", "timeout", "pretty"),
      responses: responses({ 200: written }, "KeyUnknown", "Failed", "Unavailable", "Timeout"),
    },
  },
};

const streamed = answer("Events, or lines of JSON.", {
  "text/event-stream": {},
  "application/x-ndjson": {},
});

const changePaths = {
  "/db/changes": {
    get: {
      operationId: "changes",
      summary: "What is done to which rows, from an index on and as it is done; without end",
      parameters: parameterList(
        "from",
        "tables_followed",
        "changes_format",
        "schemas",
        "last_event_id",
      ),
      responses: responses({
        200: streamed,
        404: answer("The node keeps no changes.", plainText),
        410: answer(
          "Changes from there on are not kept any more, or are of another history: read everything again.",
          plainText,
        ),
        503: answer("Too many follow at this node.", plainText),
      }),
    },
  },
};

const watched = responses(
  {
    200: streamed,
    400: answer("It is no query, fails, or comes to too much.", plainText),
    503: answer("The node cannot read now, or too many watch at it.", plainText),
  },
  "TooLarge",
  "Failed",
  "Timeout",
);
const watchParameters = [
  "level",
  "freshness",
  "freshness_strict",
  "min_index",
  "linearizable_timeout",
  "timeout",
  "db_timeout",
  "associative",
  "blob_array",
  "exact",
  "qualify_columns",
  "stream_format",
  "last_event_id",
] as const;

const watchPaths = {
  "/db/watch": {
    get: {
      operationId: "watchOne",
      summary: "The rows of a SELECT, and what is other whenever they are; without end",
      parameters: parameterList("q", ...watchParameters),
      responses: watched,
    },
    post: {
      operationId: "watch",
      summary: "The same of a SELECT with its parameters",
      parameters: parameterList(...watchParameters),
      requestBody: statementsOrTextBody,
      responses: watched,
    },
  },
};

/** What is asked of the data. */
export const dataPaths = {
  ...statementPaths,
  ...transactionPaths,
  ...outcomePaths,
  ...changePaths,
  ...watchPaths,
};
