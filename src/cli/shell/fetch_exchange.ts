import { messageOf } from "../../base/message_of.ts";
import type { TlsOptions } from "../client_access.ts";
import { timeoutError, Unreachable } from "./http_exchange.ts";
import type { HttpAnswer, HttpExchange, HttpRequest } from "./http_exchange.ts";

/** Over fetch, which checks certificates. */
export class FetchExchange implements HttpExchange {
  readonly #client: Deno.HttpClient;

  constructor({ ca, cert, key }: TlsOptions) {
    this.#client = Deno.createHttpClient({
      poolMaxIdlePerHost: 0,
      http2: false,
      ...(ca === undefined ? {} : { caCerts: [ca] }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    });
  }

  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { method, url, headers, body, timeoutMs } = request;
    const limit = new TimeLimit(timeoutMs, signal);
    try {
      const response = await limit.until(fetch(url, {
        method,
        headers,
        redirect: method === "GET" ? "follow" : "manual",
        client: this.#client,
        signal: limit.signal,
        ...(body === undefined
          ? {}
          : { body: typeof body === "string" ? body : ReadableStream.from(body()) }),
      }));
      return {
        status: response.status,
        headers: response.headers,
        body: pieces(response, limit),
      };
    } catch (error) {
      limit.end();
      throw error;
    }
  }
}

/** Breaks a request off when the user cancels it, or when its next part takes too long. */
class TimeLimit {
  readonly #timeoutMs: number;
  readonly #user: AbortSignal;
  readonly #controller = new AbortController();
  #timedOut = false;

  constructor(timeoutMs: number, user: AbortSignal) {
    this.#timeoutMs = timeoutMs;
    this.#user = user;
    user.throwIfAborted();
    user.addEventListener("abort", this.#abort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async until<T>(part: Promise<T>): Promise<T> {
    const timer = this.#timeoutMs === 0 ? undefined : setTimeout(() => {
      this.#timedOut = true;
      this.#abort();
    }, this.#timeoutMs);
    try {
      return await part;
    } catch (error) {
      this.#user.throwIfAborted();
      throw this.#timedOut ? timeoutError(this.#timeoutMs, "perhaps") : unreachable(error);
    } finally {
      clearTimeout(timer);
    }
  }

  end(): void {
    this.#user.removeEventListener("abort", this.#abort);
  }

  readonly #abort = () => this.#controller.abort();
}

async function* pieces(response: Response, limit: TimeLimit): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const next = await limit.until(reader?.read() ?? Promise.resolve({ done: true as const }));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    limit.end();
    await reader?.cancel().catch(() => {});
  }
}

/** Deno tells in its words, or those of the error's cause, whether there ever was a connection. */
function unreachable(error: unknown): Unreachable {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const text = messageOf(cause);
  const [, reason] = /client error \(Connect\): ([^]*)$/.exec(text) ?? [];
  if (reason !== undefined) return new Unreachable(explained(reason), "no");
  const neverSent = /are blocked$/.test(text);
  return new Unreachable(text, neverSent ? "no" : "perhaps");
}

function explained(reason: string): string {
  return reason.includes("CaUsedAsEndEntity")
    ? `${reason}: the node's certificate must be signed by the one of -ca-cert, not be that one`
    : reason;
}
