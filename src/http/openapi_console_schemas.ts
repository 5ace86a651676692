/** What the console asks for beside what all clients do. */

export const figureRows = {
  type: "object",
  properties: {
    every_ms: { type: "integer" },
    names: {
      description: "Of the values in a row; `at` is in ms since 1970.",
      type: "array",
      items: { type: "string" },
    },
    rows: {
      type: "array",
      items: { type: "array", items: { type: ["number", "null"] } },
    },
  },
  required: ["every_ms", "names", "rows"],
  additionalProperties: false,
};

const names = { type: "array", items: { type: "string" } };

export const who = {
  type: "object",
  properties: {
    users: { description: "Whether clients are asked who they are.", type: "boolean" },
    user: { type: ["string", "null"] },
    token: { description: "Its name, of who came by one.", type: "string" },
    permissions: names,
    tables: {
      description: "Absent for who may read and write all.",
      type: "object",
      properties: { read: names, write: names },
      required: ["read", "write"],
      additionalProperties: false,
    },
  },
  required: ["users", "user", "permissions"],
  additionalProperties: false,
};
