const count = { type: "integer", minimum: 0 };

/** What /verify answers: a comparison of all nodes' copies, or that there was none yet. */
export const comparison = {
  type: "object",
  properties: {
    state: { enum: ["none", "running", "done", "failed"] },
    message: { type: "string" },
    started_at: { type: "string", format: "date-time" },
    finished_at: { type: "string", format: "date-time" },
    index: count,
    tables: count,
    rows: count,
    copies: {
      type: "object",
      description: "By the ids of their nodes.",
      additionalProperties: {
        type: "object",
        properties: {
          verdict: { enum: ["same", "differs", "undecided", "not_compared"] },
          why: { type: "string" },
          tables: {
            type: "object",
            description: "Those that differ.",
            additionalProperties: {
              type: "object",
              properties: { rows_differing: { type: ["integer", "null"] } },
              required: ["rows_differing"],
            },
          },
        },
        required: ["verdict"],
      },
    },
    findings: { type: "array", items: { type: "string" } },
    not_compared: { type: "array", items: { type: "string" } },
  },
  required: ["state"],
};
