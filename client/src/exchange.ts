import type { Deadline } from "./deadline.ts";

/** A request to a node. */
export interface Call {
  readonly method: "GET" | "POST";
  /** Behind the node's URL, such as `/db/query`. */
  readonly path: string;
  /** Undefined ones are left out. */
  readonly parameters?: Readonly<Record<string, string | number | undefined>>;
  /** JSON. */
  readonly body?: string;
  /** Names a write, which may then be sent more than once. */
  readonly key?: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Which error it is, as the node names it; undefined where it does not, or where no node speaks. */
  readonly kind: string | undefined;
  /** How far in the log it goes; 0 when it does not say. */
  readonly index: number;
  /** It is the answer to an earlier request with the same key. */
  readonly replayed: boolean;
}

/** No answer came. */
export class Lost extends Error {
  override name = "Lost";
  /** Whether the node may have got the request. */
  readonly sent: boolean;

  constructor(message: string, sent: boolean, options?: ErrorOptions) {
    super(message, options);
    this.sent = sent;
  }
}

/** After how long a node that has not answered is asked whether it is there at all, in ms. */
const probedAfterMs = 1_000;
const probeTimeoutMs = 1_500;

/** What says that there never was a connection, in Node, Deno and Bun. */
const neverConnected =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ConnectionRefused|FailedToOpenSocket)$/;
const neverConnectedText = /client error \(Connect\)/;
const causesMax = 8;

/** Sends single requests to single nodes. */
export class Exchange {
  readonly #fetch: typeof fetch;
  readonly #authorization: string | undefined;

  constructor(
    options: { readonly fetch: typeof fetch; readonly authorization: string | undefined },
  ) {
    this.#fetch = options.fetch;
    this.#authorization = options.authorization;
  }

  /** Throws a Lost, or the reason of the deadline's signal. */
  async send(node: string, call: Call, deadline: Deadline): Promise<Answer> {
    const { signal, leftMs } = deadline;
    signal?.throwIfAborted();
    const controller = new AbortController();
    const giveUp = (why: string) => controller.abort(new Lost(why, true));
    const cancel = () => controller.abort(signal?.reason);
    signal?.addEventListener("abort", cancel, { once: true });
    const late = setTimeout(() => giveUp(`no answer within ${Math.round(leftMs)} ms`), leftMs);
    const watch = this.#watch(node, giveUp);
    try {
      return await answerOf(await this.#request(node, call, controller.signal));
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const sent = !wasNeverSent(error);
      if (sent && controller.signal.aborted) throw controller.signal.reason;
      throw new Lost(messageOf(error), sent, { cause: error });
    } finally {
      clearTimeout(late);
      watch.end();
      signal?.removeEventListener("abort", cancel);
    }
  }

  /** An answer without end, as it comes. Throws a Lost, or the signal's reason. */
  async open(node: string, call: Call, signal: AbortSignal): Promise<Response> {
    try {
      return await this.#request(node, call, signal);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw new Lost(messageOf(error), !wasNeverSent(error), { cause: error });
    }
  }

  #request(node: string, call: Call, signal: AbortSignal): Promise<Response> {
    const { method, path, parameters = {}, body, key } = call;
    const query = Object.entries(parameters)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => value === "" ? name : `${name}=${encodeURIComponent(String(value))}`);
    const headers: Record<string, string> = {};
    if (this.#authorization !== undefined) headers["authorization"] = this.#authorization;
    if (body !== undefined) headers["content-type"] = "application/json";
    if (key !== undefined) headers["idempotency-key"] = `"${key.replace(/["\\]/g, "\\$&")}"`;
    const target = `${node}${path}${query.length > 0 ? `?${query.join("&")}` : ""}`;
    return this.#fetch(target, {
      method,
      headers,
      signal,
      redirect: "manual",
      ...bodyOf(call),
    });
  }

  /**
   * A node may take long over a request, and that is waited for; but one that does not answer
   * another, short one either is given up.
   */
  #watch(node: string, giveUp: (why: string) => void): { end(): void } {
    let isOver = false;
    let timer: ReturnType<typeof setTimeout>;
    const next = () => {
      timer = setTimeout(async () => {
        if (await this.#isThere(node)) {
          if (!isOver) next();
        } else if (!isOver) giveUp("it does not answer");
      }, probedAfterMs);
    };
    next();
    return {
      end: () => {
        isOver = true;
        clearTimeout(timer);
      },
    };
  }

  async #isThere(node: string): Promise<boolean> {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), probeTimeoutMs);
    try {
      const response = await this.#fetch(`${node}/readyz?noleader`, {
        headers: this.#authorization === undefined ? {} : { authorization: this.#authorization },
        signal: controller.signal,
        redirect: "manual",
      });
      await response.body?.cancel();
      return true;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Reads all of it. */
export async function answerOf(response: Response): Promise<Answer> {
  const { status, headers } = response;
  return {
    status,
    text: await response.text(),
    kind: headers.get("x-raftlite-error") ?? undefined,
    index: Number(headers.get("x-raftlite-index") ?? 0),
    replayed: headers.get("idempotency-replayed") === "true",
  };
}

/**
 * The body of a request that is sent once. Deno's fetch sends a request again by itself when the
 * connection breaks, one that writes too, and then says of it that there never was a connection. It
 * cannot do so with a body that is a stream; a read may be sent as often as it likes.
 */
function bodyOf({ method, path, body }: Call): { readonly body?: BodyInit } {
  const once = method === "POST" && path !== "/db/query" && "Deno" in globalThis;
  if (once) return { body: new Blob(body === undefined ? [] : [body]).stream() };
  return body === undefined ? {} : { body };
}

function wasNeverSent(error: unknown): boolean {
  for (
    let cause = error, i = 0;
    cause instanceof Error && i < causesMax;
    cause = cause.cause, i++
  ) {
    const { code } = cause as { readonly code?: unknown };
    if (typeof code === "string" && neverConnected.test(code)) return true;
    if (neverConnectedText.test(cause.message)) return true;
  }
  return false;
}

export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== ""
    ? `${error.message}: ${error.cause.message}`
    : error.message;
}
