import { comparison } from "./openapi_comparison.ts";
import {
  askedBackup,
  auditLines,
  backupVerdict,
  figureRows,
  flagsInEffect,
  logLines,
  savedBackups,
  who,
} from "./openapi_console_schemas.ts";
import { runningRequests, statementSummaries } from "./openapi_debug_schemas.ts";
import { promotion } from "./openapi_standby.ts";

/**
 * The shapes of bodies, in JSON Schema 2020-12. Objects whose members are all named allow no others,
 * so that the tests notice an answer that has more than is written here.
 */
const integer64 = { type: "integer", format: "int64" } as const;
const seconds = { type: "number", minimum: 0, description: "Seconds, with `timings`." } as const;
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

/** A SQLite value in an answer. */
const value = {
  description:
    "NULL, INTEGER (exact over 64 bits), REAL, TEXT, or BLOB: base64, or an array of bytes with " +
    "`blob_array`.",
  anyOf: [
    { type: ["null", "number", "string", "boolean"] },
    { type: "array", items: { type: "integer", minimum: 0, maximum: 255 } },
  ],
};

const parameter = {
  description: "What is bound to a parameter. Booleans bind as 1 and 0, a string `X'…'` and an " +
    "array of bytes as a blob, a number with a point or an exponent as a real.",
  anyOf: [
    { type: ["null", "boolean", "string"] },
    { type: "number", minimum: -1e308, maximum: 1e308 },
    { type: "array", items: { type: "integer", minimum: 0, maximum: 255 } },
  ],
};

const statements = {
  type: "array",
  minItems: 1,
  items: ref("Statement"),
  examples: [
    ["CREATE TABLE IF NOT EXISTS foo (id INTEGER PRIMARY KEY, name TEXT)"],
    [["INSERT INTO foo (name) VALUES (?)", "fiona"], ["SELECT * FROM foo WHERE id = :id", {
      id: 1,
    }]],
  ],
};

const statement = {
  description: "SQL, or an array of SQL and its parameters: values by position, objects by name.",
  anyOf: [
    ref("Sql"),
    {
      type: "array",
      minItems: 1,
      prefixItems: [ref("Sql")],
      items: {
        anyOf: [ref("Parameter"), { type: "object", additionalProperties: ref("Parameter") }],
      },
    },
  ],
};

const change = {
  title: "Result of a write",
  description: "Numbers that are 0 are left out. `rows` is there, and null, in associative form.",
  type: "object",
  properties: {
    last_insert_id: integer64,
    rows_affected: { ...integer64, minimum: 1 },
    time: seconds,
    rows: { type: "null" },
  },
  additionalProperties: false,
};

const rows = {
  title: "Result of a read",
  type: "object",
  properties: {
    columns: { type: "array", items: { type: "string" } },
    types: {
      type: "array",
      items: { type: "string" },
      description: "As declared, or of the first row's value; empty when not known.",
    },
    values: {
      type: "array",
      minItems: 1,
      items: { type: "array", items: ref("Value") },
      description: "Left out when there are no rows.",
    },
    time: seconds,
  },
  required: ["columns", "types"],
  additionalProperties: false,
};

const associativeRows = {
  title: "Result of a read with `associative`",
  type: "object",
  properties: {
    types: { type: "object", additionalProperties: { type: "string" } },
    rows: { type: "array", items: { type: "object", additionalProperties: ref("Value") } },
    time: seconds,
  },
  required: ["rows"],
  additionalProperties: false,
};

const failure = {
  title: "Result of a statement that failed",
  type: "object",
  properties: {
    error: { type: "string" },
    rows: { type: "array", maxItems: 0 },
    time: seconds,
  },
  required: ["error"],
  additionalProperties: false,
};

const results = {
  description: "One result for each statement, in their order; empty statements have none.",
  type: "object",
  properties: {
    results: { type: "array", items: ref("Result") },
    error: { type: "string", description: "Why none of the statements was run." },
    time: seconds,
    raft_index: {
      type: "integer",
      minimum: 1,
      description: "Index of the log entry that wrote, with `raft_index`.",
    },
    sequence_number: { ...integer64, description: "Number of a queued request." },
  },
  required: ["results"],
  additionalProperties: false,
};

const analysis = {
  type: "object",
  properties: {
    results: {
      type: "array",
      items: {
        type: "object",
        properties: {
          original: { type: "string" },
          rewritten: { type: "string", description: "The same text: raftlite rewrites none." },
          error: { type: "string" },
        },
        required: ["original"],
        additionalProperties: false,
      },
    },
    time: seconds,
  },
  required: ["results"],
  additionalProperties: false,
};

const node = {
  type: "object",
  properties: {
    id: { type: "string" },
    api_addr: { type: "string", description: "URL of its HTTP API." },
    addr: { type: "string", description: "Its Raft address." },
    version: { type: "string" },
    voter: { type: "boolean" },
    reachable: { type: "boolean" },
    leader: { type: "boolean" },
    time: { type: "number", minimum: 0, description: "Seconds until it answered." },
    time_s: { type: "string", description: "The same as a duration." },
    error: { type: "string", description: "Why it could not be reached." },
  },
  required: ["id", "addr", "version", "voter", "reachable", "leader"],
  additionalProperties: false,
};

const nodes = {
  anyOf: [
    {
      title: "With `ver=2`",
      type: "object",
      properties: { nodes: { type: "array", items: ref("Node") } },
      required: ["nodes"],
      additionalProperties: false,
    },
    { title: "By id", type: "object", additionalProperties: ref("Node") },
  ],
};

const status = {
  description: "More figures may be added at any time.",
  type: "object",
  properties: {
    build: { type: "object", properties: { version: { type: "string" } }, required: ["version"] },
    cluster: { type: "object" },
    http: { type: "object", properties: { bind_addr: { type: "string" } } },
    last_backup_time: { type: "string", format: "date-time" },
    node: { type: "object", properties: { uptime: { type: "string" } } },
    os: { type: "object" },
    runtime: {
      type: "object",
      properties: {
        event_loop: {
          description:
            "The longest time for which the node's main thread did nothing but one thing, in ms: " +
            "since the start, and in the last minute. Heartbeats wait as long.",
          type: "object",
          properties: {
            longest_turn_ms: { type: "integer", minimum: 0 },
            longest_turn_last_minute_ms: { type: "integer", minimum: 0 },
          },
          required: ["longest_turn_ms", "longest_turn_last_minute_ms"],
        },
      },
      required: ["event_loop"],
    },
    store: {
      type: "object",
      properties: {
        addr: { type: "string" },
        db_applied_index: { type: "integer", minimum: 0 },
        dir: { type: "string" },
        leader: {
          type: "object",
          properties: { addr: { type: "string" }, node_id: { type: "string" } },
          required: ["addr", "node_id"],
        },
        node_id: { type: "string" },
        nodes: { type: "array", items: { type: "object" } },
        raft: {
          type: "object",
          properties: {
            state: { enum: ["Leader", "Follower", "Candidate"] },
            term: { type: "integer", minimum: 0 },
          },
          required: ["state", "term"],
        },
        ready: { type: "boolean" },
        sqlite3: { type: "object" },
      },
      required: ["addr", "dir", "leader", "node_id", "nodes", "raft", "ready", "sqlite3"],
    },
  },
  required: ["build", "cluster", "http", "node", "os", "runtime", "store"],
};

const version = {
  type: "object",
  properties: { version: { type: "integer" } },
  required: ["version"],
};

const versions = {
  type: "object",
  properties: {
    version: { type: "integer" },
    newest: { type: "integer" },
    can_be_raised: { type: "boolean" },
    nodes: {
      type: "object",
      additionalProperties: {
        type: "object",
        properties: {
          addr: { type: "string" },
          newest: { type: "integer" },
          error: { type: "string" },
        },
        required: ["addr"],
      },
    },
  },
  required: ["version", "newest", "can_be_raised", "nodes"],
};

export const schemas = {
  Value: value,
  Parameter: parameter,
  Sql: { type: "string", description: "One statement or more; the last one's result counts." },
  Statement: statement,
  Statements: statements,
  Beginning: {
    type: "object",
    properties: {
      mode: { enum: ["deferred", "immediate", "read", "concurrent"], default: "deferred" },
      timeout: {
        type: "string",
        description: "How long it may be open, as 10s; not longer than the node's -tx-max-open.",
        pattern: "^[1-9][0-9]{0,8}(ms|s|m|h)$",
      },
    },
    additionalProperties: false,
  },
  Begun: {
    type: "object",
    properties: {
      tx: { type: "string" },
      open_ms: { description: "How long it may be open.", type: "integer" },
      idle_ms: { description: "How long it may be without a request.", type: "integer" },
    },
    required: ["tx", "open_ms", "idle_ms"],
    additionalProperties: false,
  },
  Result: { anyOf: ["Change", "Rows", "AssociativeRows", "Failure"].map(ref) },
  Change: change,
  Rows: rows,
  AssociativeRows: associativeRows,
  Failure: failure,
  Results: results,
  Analysis: analysis,
  Node: node,
  Nodes: nodes,
  Status: status,
  Version: version,
  Versions: versions,
  Promotion: promotion,
  Comparison: comparison,
  StatementSummaries: statementSummaries,
  RunningRequests: runningRequests,
  FigureRows: figureRows,
  LogLines: logLines,
  AuditLines: auditLines,
  FlagsInEffect: flagsInEffect,
  SavedBackups: savedBackups,
  AskedBackup: askedBackup,
  BackupVerdict: backupVerdict,
  Who: who,
};
