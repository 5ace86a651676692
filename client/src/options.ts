import type { Integers } from "./exact_json.ts";

/**
 * How fresh a read must be; docs/api.md has what each promises. At every level, `none` too, a client
 * sees its own writes and never goes back in time, whichever node answers.
 */
export type Level = "none" | "weak" | "linearizable" | "strong" | "auto";

export interface ClientOptions {
  /** Basic authentication, with `password`. */
  readonly user?: string;
  readonly password?: string;
  /** A bearer token, in place of a user. */
  readonly token?: string;
  /** What an operation may take in all, at however many nodes, in ms; 10,000 by default. */
  readonly timeoutMs?: number;
  /** Of reads; `weak` by default. */
  readonly level?: Level;
  /** `exact` by default: a number where that is exact, a bigint beyond. `bigint`: always one. */
  readonly integers?: Integers;
  /** Whether to ask the cluster for its other nodes; true by default. */
  readonly discover?: boolean;
  /** In place of the runtime's own: for certificates, proxies. In Deno it gets writes as streams. */
  readonly fetch?: typeof fetch;
}

/** Of one operation. */
export interface CallOptions {
  /** In place of the client's. */
  readonly timeoutMs?: number;
  /** Ends it: it throws the signal's reason, or UnknownOutcome if it is a write that was sent. */
  readonly signal?: AbortSignal;
}

export interface ReadOptions extends CallOptions {
  readonly level?: Level;
}

export interface WriteOptions extends CallOptions {
  /**
   * Names the write: of all with one key, from any client of the user, one is done, and the others
   * get its answer, for a day. By default each call has a key of its own.
   */
  readonly key?: string;
}

export interface BatchOptions extends WriteOptions {
  /**
   * False where rows are wanted of no statement but those with RETURNING: that is faster, and needs
   * the right to write only.
   */
  readonly reads?: boolean;
}

export interface ChangesOptions {
  /** Where to go on: the `next` of a group. By default with what is done next. */
  readonly from?: string;
  /** By default all that the user may read. */
  readonly tables?: readonly string[];
  /** Ends it: the iterator throws its reason. To leave the loop ends it as well. */
  readonly signal?: AbortSignal;
  /** How long it may find no node, in place of the client's `timeoutMs`. */
  readonly timeoutMs?: number;
}

export interface WatchOptions {
  /** How fresh the first rows must be; the client's by default. */
  readonly level?: Level;
  /** Ends it: the iterator throws its reason. To leave the loop ends it as well. */
  readonly signal?: AbortSignal;
  /** How long it may find no node, in place of the client's `timeoutMs`. */
  readonly timeoutMs?: number;
}

/** How a transaction stands to others; docs/api.md has what each promises. */
export type Mode = "deferred" | "immediate" | "read" | "concurrent";

export interface TransactionOptions extends CallOptions {
  /** `deferred` by default. */
  readonly mode?: Mode;
  /** How often it is tried at most; 10 by default. */
  readonly attempts?: number;
}

/** The Authorization header that the options ask for. */
export function authorizationOf({ user, password, token }: ClientOptions): string | undefined {
  if (token !== undefined) {
    if (user === undefined) return `Bearer ${token}`;
    throw new TypeError("Options user and token are not given together");
  }
  if (user === undefined) return undefined;
  if (password === undefined) throw new TypeError("Option password is missing, beside user");
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  return `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
}

const keyForm = /^[ -~]{1,255}$/;

/** The key given, or a new one that nobody else has. */
export function keyOf(given: string | undefined): string {
  if (given === undefined) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  if (keyForm.test(given)) return given;
  throw new TypeError("Option key is not 1 to 255 visible ASCII characters");
}
