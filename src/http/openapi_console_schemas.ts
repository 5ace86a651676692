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

function listOf(name: string, item: object) {
  return {
    type: "object",
    properties: { [name]: { type: "array", items: item } },
    required: [name],
    additionalProperties: false,
  };
}

const text = { type: "string" };
const time = { type: "string", format: "date-time" };
const index = { type: "integer" };
const number = { description: "One more than the line before has.", type: "integer" };

export const logLines = listOf("lines", {
  type: "object",
  properties: {
    number,
    time,
    level: { enum: ["DEBUG", "INFO", "WARN", "ERROR"] },
    room: { description: "The part of the program that says it.", type: "string" },
    message: text,
  },
  required: ["number", "time", "level", "room", "message"],
  additionalProperties: false,
});

export const auditLines = listOf("lines", {
  type: "object",
  properties: {
    number,
    event: { description: "As it stands in the audit log, but for SQL.", type: "object" },
  },
  required: ["number", "event"],
  additionalProperties: false,
});

export const flagsInEffect = listOf("flags", {
  type: "object",
  properties: {
    name: text,
    group: text,
    value: text,
    default: text,
    source: { description: "`default`, `command line`, a variable, or a file's line.", ...text },
    help: text,
  },
  required: ["name", "group", "value", "default", "source", "help"],
  additionalProperties: false,
});

const flag = { description: "What the flag is given.", type: "string" };
const error = { description: "Why it cannot be told, or what is wrong there.", type: "string" };

const savedBackup = {
  type: "object",
  properties: { index, key: text, time, bytes: index },
  required: ["index", "key", "time", "bytes"],
  additionalProperties: false,
};

export const askedBackup = {
  type: "object",
  properties: {
    made: { description: "false: nothing has changed since the newest.", type: "boolean" },
    backup: savedBackup,
  },
  required: ["made"],
  additionalProperties: false,
};

export const savedBackups = {
  type: "object",
  properties: {
    auto_backups: {
      description: "Absent without -auto-backup.",
      type: "object",
      properties: {
        ...{ flag, error, destination: text, count: index },
        verified: { ...time, description: "When one was last restored and found sound." },
        backups: {
          type: "array",
          items: savedBackup,
        },
      },
      additionalProperties: false,
    },
    archive: {
      description: "Absent without -archive.",
      type: "object",
      properties: {
        ...{ flag, error, cluster: text },
        ...{ first_index: index, last_index: index, first_time: time, last_time: time },
        bases: {
          type: "array",
          items: {
            type: "object",
            properties: { index, time, bytes: index, sqlite: text },
            required: ["index", "time", "bytes", "sqlite"],
            additionalProperties: false,
          },
        },
      },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
};

export const backupVerdict = {
  type: "object",
  properties: {
    ok: { type: "boolean" },
    error: { description: "What is wrong with it.", type: "string" },
    index,
    duration_ms: index,
  },
  required: ["ok", "index", "duration_ms"],
  additionalProperties: false,
};
