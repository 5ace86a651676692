import type { schemas } from "./openapi_schemas.ts";

/** A body of this shape. */
export const jsonOf = (name: keyof typeof schemas) => ({
  "application/json": { schema: { $ref: `#/components/schemas/${name}` } },
});
export const plainText = { "text/plain": { schema: { type: "string" } } };

/** The header on answers. */
export const headers = {
  "X-RQLITE-VERSION": {
    description: "The version of rqlite whose API this is. Where nodes have users, only they are " +
      "told, and who may see /status.",
    schema: { type: "string" },
  },
};

/** The header on the answer to a write that is an earlier request's. */
export const replayedHeaders = {
  "Idempotency-Replayed": {
    description: "`true`: the answer is that of the first request with the key; nothing was done.",
    schema: { const: "true" },
  },
};

/** The header on answers that wrote, and on those to reads that said what their client has seen. */
export const indexHeaders = {
  "X-Raftlite-Index": {
    description:
      "What a read has to ask for, by `min_index`, to see all that this answer has seen.",
    schema: { type: "string", pattern: "^[0-9]+$" },
  },
};

/** The header on copies of the database. */
export const backupHeaders = {
  "X-Raftlite-Index": {
    description: "The index of the last entry that is in the copy, where its changes go on from.",
    schema: { type: "string", pattern: "^[0-9]+$" },
  },
};

/** The header on errors. */
const errorHeaders = {
  ...headers,
  "X-Raftlite-Error": {
    description: "What kind of error it is, for programs; missing where only the text tells.",
    schema: { type: "string" },
  },
};

/** Content by its media type; one without a schema is bytes. */
export type Content = Readonly<Record<string, { readonly schema?: object }>>;

export const answer = (description: string, content: Content = {}) => ({
  description,
  headers,
  content,
});

const errorAnswer = (description: string) => ({
  description,
  headers: errorHeaders,
  content: plainText,
});

/** Responses that operations share, by name. */
export const sharedResponses = {
  Done: answer("Done."),
  Redirect: answer("The leader has this URL, and `redirect` was given."),
  BadRequest: errorAnswer("The request is not right; nothing was done."),
  WaitTimeout: errorAnswer(
    "The queued statements were not written in time; they still may be.",
  ),
  KeyUnknown: errorAnswer("Nothing was carried out under the key, or it is too long ago."),
  TransactionUnknown: errorAnswer("Nobody knows the transaction: it is rolled back."),
  Conflict: errorAnswer(
    "What the transaction had seen was changed by others: it is rolled back.",
  ),
  TransactionOver: errorAnswer("The transaction is over; the text says why."),
  KeyReused: errorAnswer("The key was another request's; nothing was done."),
  TooLarge: errorAnswer("The body is larger than the limit; nothing was done."),
  Failed: errorAnswer("It failed; the text says why."),
  Unavailable: errorAnswer(
    "No leader, a full queue, or an outcome that is not known; the text says which.",
  ),
  Timeout: errorAnswer("The cluster did not answer in time."),
  Unauthorized: {
    description: "Nobody is known by these credentials, or they do not permit this.",
    headers: {
      "WWW-Authenticate": { required: true, schema: { const: 'Basic realm="rqlite"' } },
    },
    content: {},
  },
  SomeTables: errorAnswer(
    "This is the whole database, and the user has rights to some tables.",
  ),
  Slowed: {
    description: "Too many wrong passwords, or too many to compare with hashes: nothing was " +
      "compared.",
    headers: {
      "Retry-After": {
        description: "Seconds after which to try again.",
        required: true,
        schema: { type: "integer", minimum: 1 },
      },
    },
    content: {},
  },
};

type SharedResponse = keyof typeof sharedResponses;

const statuses: Readonly<Record<SharedResponse, number>> = {
  Done: 200,
  Redirect: 301,
  BadRequest: 400,
  Unauthorized: 401,
  SomeTables: 403,
  KeyUnknown: 404,
  TransactionUnknown: 404,
  WaitTimeout: 408,
  Conflict: 409,
  TransactionOver: 410,
  TooLarge: 413,
  KeyReused: 422,
  Slowed: 429,
  Failed: 500,
  Unavailable: 503,
  Timeout: 504,
};

/**
 * The responses of an operation by status: shared ones by name, BadRequest always, for parameters
 * that cannot be read, and its own.
 */
export function responses(own: Readonly<Record<number, object>>, ...shared: SharedResponse[]) {
  const named: SharedResponse[] = ["BadRequest", ...shared];
  return Object.assign({}, ...named.map(sharedResponse), own) as Readonly<Record<string, object>>;
}

/** A shared response by its status. */
export function sharedResponse(name: SharedResponse): Readonly<Record<string, object>> {
  return { [statuses[name]]: { $ref: `#/components/responses/${name}` } };
}
