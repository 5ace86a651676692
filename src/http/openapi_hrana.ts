import { answer, plainText, responses } from "./openapi_responses.ts";

// libSQL's protocol: https://github.com/tursodatabase/libsql/blob/main/docs/HRANA_3_SPEC.md

const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
const content = (name: string) => ({ "application/json": { schema: ref(name) } });
const text = { type: "string" } as const;
const optional = { type: ["string", "null"] } as const;
const step = { type: "integer", minimum: 0 } as const;
const sqlId = { type: "integer", minimum: -0x8000_0000, maximum: 0x7fff_ffff } as const;

function member(type: string, properties: Readonly<Record<string, object>> = {}, more = {}) {
  return {
    type: "object",
    properties: { type: { const: type }, ...properties },
    required: ["type", ...Object.keys(properties)],
    ...more,
  };
}

/** SQL itself, or the number of one that is stored. */
const source = {
  oneOf: [{ required: ["sql"] }, { required: ["sql_id"] }],
};

export const hranaSchemas = {
  HranaValue: {
    oneOf: [
      member("null"),
      member("integer", { value: { ...text, pattern: "^-?[0-9]{1,18}$" } }),
      member("float", { value: { type: ["number", "null"] } }),
      member("text", { value: text }),
      member("blob", { base64: { ...text, pattern: "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{3})?$" } }),
    ],
  },
  HranaStatement: {
    type: "object",
    properties: {
      sql: text,
      sql_id: sqlId,
      args: { type: "array", items: ref("HranaValue") },
      named_args: {
        type: "array",
        items: {
          type: "object",
          properties: { name: text, value: ref("HranaValue") },
          required: ["name", "value"],
        },
      },
      want_rows: { type: "boolean" },
    },
    ...source,
  },
  HranaCondition: {
    oneOf: [
      member("ok", { step }),
      member("error", { step }),
      member("not", { cond: ref("HranaCondition") }),
      member("and", { conds: { type: "array", items: ref("HranaCondition") } }),
      member("or", { conds: { type: "array", items: ref("HranaCondition") } }),
      member("is_autocommit"),
    ],
  },
  HranaBatch: {
    type: "object",
    properties: {
      steps: {
        type: "array",
        items: {
          type: "object",
          properties: { condition: ref("HranaCondition"), stmt: ref("HranaStatement") },
          required: ["stmt"],
        },
      },
    },
    required: ["steps"],
  },
  HranaRequest: {
    oneOf: [
      member("execute", { stmt: ref("HranaStatement") }),
      member("batch", { batch: ref("HranaBatch") }),
      {
        type: "object",
        properties: { type: { enum: ["sequence", "describe"] }, sql: text, sql_id: sqlId },
        required: ["type"],
        ...source,
      },
      member("store_sql", { sql_id: sqlId, sql: text }),
      member("close_sql", { sql_id: sqlId }),
      member("get_autocommit"),
      member("close"),
    ],
  },
  HranaPipeline: {
    type: "object",
    properties: {
      baton: optional,
      requests: { type: "array", items: ref("HranaRequest") },
    },
    required: ["requests"],
  },
  HranaCursor: {
    type: "object",
    properties: { baton: optional, batch: ref("HranaBatch") },
    required: ["batch"],
  },
  HranaStatementRequest: {
    type: "object",
    properties: { stmt: ref("HranaStatement") },
    required: ["stmt"],
  },
  HranaBatchRequest: {
    type: "object",
    properties: { batch: ref("HranaBatch") },
    required: ["batch"],
  },
  HranaError: {
    type: "object",
    properties: {
      message: text,
      code: { ...text, minLength: 1 },
      extended_code: text,
      error: text,
    },
    required: ["message", "code"],
    additionalProperties: false,
  },
  HranaPipelineAnswer: {
    type: "object",
    properties: {
      baton: optional,
      base_url: { type: "null" },
      results: {
        type: "array",
        items: {
          oneOf: [
            member("ok", {
              response: { type: "object", properties: { type: text }, required: ["type"] },
            }),
            member("error", { error: ref("HranaError") }),
          ],
        },
      },
    },
    required: ["baton", "base_url", "results"],
    additionalProperties: false,
  },
  HranaResult: {
    type: "object",
    properties: { result: { type: "object" } },
    required: ["result"],
    additionalProperties: false,
  },
};

const failed = (description: string) => answer(description, content("HranaError"));
const errors = {
  400: failed("The request is not right, or the baton; what it says was done before stays done."),
  401: failed("Nobody is known by this token, or it does not permit this."),
  413: failed("The body is larger than the limit; nothing was done."),
  503: failed("Too many streams, or the node that has the stream does not answer."),
};

function asked(version: string) {
  return {
    get: {
      operationId: `hranaVersion${version}`,
      summary: "Whether a version of libSQL's protocol is spoken: it is",
      responses: responses({ 200: answer("It is.", plainText) }),
    },
  };
}

function served(
  { id, summary, body, result }: {
    readonly id: string;
    readonly summary: string;
    readonly body: string;
    readonly result: object;
  },
) {
  return {
    post: {
      operationId: id,
      summary,
      requestBody: { required: true, content: content(body) },
      responses: responses({ 200: result, ...errors }),
    },
  };
}

const pipelineAnswer = answer(
  "A result for each request; the errors of SQL are in them.",
  content("HranaPipelineAnswer"),
);
const pipeline = (version: string) =>
  served({
    id: `hranaPipeline${version}`,
    summary: `Requests of a stream, as libSQL's clients send them (Hrana ${version})`,
    body: "HranaPipeline",
    result: pipelineAnswer,
  });

export const hranaPaths = {
  "/v2": asked("2"),
  "/v3": asked("3"),
  "/v1/execute": served({
    id: "hranaExecute",
    summary: "A statement without a stream (Hrana 1)",
    body: "HranaStatementRequest",
    result: answer("Its result.", content("HranaResult")),
  }),
  "/v1/batch": served({
    id: "hranaBatch",
    summary: "A batch without a stream (Hrana 1)",
    body: "HranaBatchRequest",
    result: answer("The results of its steps.", content("HranaResult")),
  }),
  "/v2/pipeline": pipeline("2"),
  "/v3/pipeline": pipeline("3"),
  "/v3/cursor": served({
    id: "hranaCursor",
    summary: "A batch, whose rows come as they are read: a line of JSON for each (Hrana 3)",
    body: "HranaCursor",
    result: answer("Lines of JSON: a baton, then what happens.", { "application/json": {} }),
  }),
};
