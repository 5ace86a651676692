const flagSchema = { type: "string" } as const;
const durationSchema = {
  type: "string",
  pattern: "^[-+]?(0|([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|µs|ms|s|m|h))$",
  examples: ["5s", "1.5h", "300ms"],
} as const;

function flag(name: string, description: string) {
  return {
    name,
    in: "query",
    allowEmptyValue: true,
    description: `${description} Counts by its presence, whatever its value.`,
    schema: flagSchema,
  };
}

function duration(name: string, description: string) {
  return { name, in: "query", description, schema: durationSchema };
}

function text(name: string, description: string, schema: object = { type: "string" }) {
  return { name, in: "query", description, schema };
}

const keySchema = { type: "string", pattern: "^[!#-~]{1,255}$" } as const;

/** The query parameters, and headers, by name. Those of a route that it does not know are passed over. */
export const parameters = {
  associative: flag("associative", "Rows as objects, by the names of their columns."),
  as_is: flag("as_is", "With what is here, where the archive cannot be read to its end."),
  blob_array: flag("blob_array", "Blobs as arrays of bytes rather than in base64."),
  compress: flag("compress", "The backup in gzip."),
  db_timeout: duration(
    "db_timeout",
    "How long each statement that only reads may run; without limit by default.",
  ),
  exact: flag(
    "exact",
    "Values as SQLite has them, whatever columns are declared as: reals with a point or an " +
      "exponent (`1e999` is infinite), blobs as arrays of bytes; in the body, a string is always a text.",
  ),
  fmt: text(
    "fmt",
    "`binary`, a SQLite file in WAL mode; `delete`, one in DELETE mode; `sql`, a text.",
    { enum: ["binary", "delete", "sql"], default: "binary" },
  ),
  force: flag("force", "Also at the leader, although it stands still meanwhile."),
  freshness: duration(
    "freshness",
    "At level `none`: refuses when the leader was last heard from longer ago than this.",
  ),
  freshness_strict: flag(
    "freshness_strict",
    "At level `none`: also refuses when the data themselves are older. Needs `freshness`.",
  ),
  from: text(
    "from",
    "Where to begin: an index of the log, or the `next` of an earlier stream; with what comes next by default.",
    { type: "string", pattern: "^[1-9][0-9]{0,14}(\\.[0-9]{1,15})?$" },
  ),
  idempotency_key: {
    name: "Idempotency-Key",
    in: "header",
    description:
      "Names the write: of all requests with the key only the first is carried out, and " +
      "the others get its answer.",
    schema: keySchema,
  },
  idempotency_key_asked: {
    name: "Idempotency-Key",
    in: "header",
    required: true,
    description: "Names the write that is asked about.",
    schema: keySchema,
  },
  key: text("key", "Only the part under these keys, with points between them."),
  level: text("level", "How fresh a read must be; any other value is taken as `weak`.", {
    enum: ["none", "weak", "linearizable", "strong", "auto"],
    default: "weak",
  }),
  id: {
    name: "id",
    in: "path",
    description: "Of the request, as `/debug/requests` has it.",
    required: true,
    schema: { type: "string", pattern: "^[0-9]{1,15}$" },
  },
  after: text("after", "Only what is later than this, in ms since 1970.", {
    type: "string",
    pattern: "^[0-9]{1,15}$",
  }),
  after_line: text("after", "Only lines behind the one with this number.", {
    type: "string",
    pattern: "^[0-9]{1,15}$",
  }),
  backup_key: { ...text("key", "Of the backup, as `/debug/backups` has it."), required: true },
  limit: text("limit", "How many to show at most; 100 by default.", {
    type: "string",
    pattern: "^[1-9][0-9]{0,8}$",
  }),
  last_event_id: {
    name: "Last-Event-ID",
    in: "header",
    description:
      "Where a stream was, before `from` and `min_index`: browsers send it when they come back.",
    schema: { type: "string", pattern: "^[1-9][0-9]{0,14}(\\.[0-9]{1,15})?$" },
  },
  linearizable_timeout: duration(
    "linearizable_timeout",
    "How long a linearizable read may wait for the cluster; 10s by default.",
  ),
  min_index: text(
    "min_index",
    "Waits, at any level, until this node has what is up to this index: what the client has seen, by the header `X-Raftlite-Index` of an answer. The same header does it on a request.",
    { type: "string", pattern: "^[0-9]{1,15}$" },
  ),
  noleader: flag("noleader", "Does not ask for a leader."),
  nonvoters: flag("nonvoters", "Shows read replicas too."),
  pretty: flag("pretty", "Lays the answer out over lines."),
  q: { ...text("q", "The SQL.", { $ref: "#/components/schemas/Sql" }), required: true },
  qualify_columns: flag("qualify_columns", "Columns with the names of their tables."),
  queue: flag("queue", "Puts the statements into the queue and answers at once."),
  raft_index: flag("raft_index", "Answers with the index of the log entry too."),
  redirect: flag("redirect", "A node that does not lead sends the client to the leader, by 301."),
  seconds: text("seconds", "How long, up to 300 seconds; 30 by default.", {
    type: "string",
    pattern: "^[0-9]{1,3}(\\.[0-9]{1,3})?$",
  }),
  stream_format: text(
    "format",
    "`sse`, server-sent events; `ndjson`, lines of JSON, which Accept asks for as well.",
    { enum: ["sse", "ndjson"], default: "sse" },
  ),
  changes_format: text(
    "format",
    "`sse`, server-sent events; `ndjson`, lines of JSON, which Accept asks for as well; `debezium`, " +
      "lines with events in Debezium's envelope.",
    { enum: ["sse", "ndjson", "debezium"], default: "sse" },
  ),
  schemas: flag("schemas", "With Kafka Connect's schemas; for `format=debezium`."),
  sync: flag("sync", "Waits until the node has applied what was committed when it was asked."),
  tables_followed: text("tables", "Only changes of these tables, with commas between them."),
  tables: text("tables", "Only these tables, with commas between them; for `fmt=sql`."),
  timeout: duration("timeout", "How long to wait for the cluster; 30s by default."),
  timings: flag("timings", "Answers with the time that it took."),
  trailing_logs: text("trailing_logs", "How many entries of the log to keep.", {
    type: "string",
    pattern: "^[0-9]{1,18}$",
  }),
  transaction: flag("transaction", "All statements are done, or none."),
  tx: text(
    "tx",
    "The transaction, by the id that /db/begin answered, in which the statements run. Its requests " +
      "need the permissions `query` and `execute`.",
  ),
  tx_required: {
    ...text("tx", "The transaction, by the id that /db/begin answered."),
    required: true,
  },
  vacuum: flag("vacuum", "The backup without unused pages; not for `fmt=sql` and `fmt=delete`."),
  ver: text("ver", "`2` for the nodes as an array.", { enum: ["1", "2"] }),
  wait: flag("wait", "Waits until it is done."),
};
