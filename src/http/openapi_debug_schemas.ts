const count = { type: "integer", minimum: 0 };
const milliseconds = { type: "number", minimum: 0 };

/** Of /debug/statements. */
export const statementSummaries = {
  type: "object",
  properties: {
    statements: {
      type: "array",
      items: {
        type: "object",
        properties: {
          sql: {
            description: "Without its values: `?` stands for each, `?, …` for a list of them.",
            type: "string",
          },
          calls: count,
          failures: { description: "Of the calls.", ...count },
          rows: { description: "Given, or changed.", ...count },
          total_ms: milliseconds,
          mean_ms: milliseconds,
          p99_ms: milliseconds,
          max_ms: milliseconds,
        },
        required: [
          "sql",
          "calls",
          "failures",
          "rows",
          "total_ms",
          "mean_ms",
          "p99_ms",
          "max_ms",
        ],
        additionalProperties: false,
      },
    },
  },
  required: ["statements"],
  additionalProperties: false,
};

const ofRequest = {
  age_ms: count,
  user: { description: "Absent for who is not known.", type: "string" },
  address: { type: "string" },
  statements: count,
  sql: {
    description:
      "Of the first ones, without values; empty for a large request, and for the newest of many.",
    type: "array",
    items: { type: "string" },
  },
};

/** Of /debug/requests. */
export const runningRequests = {
  type: "object",
  properties: {
    requests: {
      type: "array",
      items: {
        type: "object",
        properties: {
          id: count,
          path: { type: "string" },
          state: { enum: ["waiting", "proposed", "reading", "streaming"] },
          ...ofRequest,
        },
        required: ["id", "path", "state", "age_ms", "statements", "sql"],
        additionalProperties: false,
      },
    },
    queued: {
      description: "Writes in the queue, which are answered already.",
      type: "array",
      items: {
        type: "object",
        properties: { sequence_number: count, state: { const: "queued" }, ...ofRequest },
        required: ["sequence_number", "state", "age_ms", "statements", "sql"],
        additionalProperties: false,
      },
    },
  },
  required: ["requests", "queued"],
  additionalProperties: false,
};
