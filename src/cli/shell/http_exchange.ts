import http from "node:http";
import https from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { TlsOptions } from "./flags.ts";
import { messageOf } from "./shell_error.ts";

/** A node that gave no answer, or not all of it. */
export class Unreachable extends Error {
  override name = "Unreachable";
  constructor(
    message: string,
    /** Whether the node may have got the request. */
    readonly delivered: "no" | "perhaps",
    readonly timedOut = false,
  ) {
    super(message);
  }
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or where to get the bytes from, which may be called again for another node. */
  readonly body?: string | (() => AsyncIterable<Uint8Array>);
  /** How long to wait until the answer begins, and then for each piece; 0 for as long as it takes. */
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Throws Unreachable when it breaks off. */
  readonly body: AsyncIterable<Uint8Array>;
}

const connectTimeoutMs = 5_000;

/**
 * Sends each request over a connection of its own: Deno does not close one that had carried an
 * earlier request when this one is cancelled, and the query would go on. node:http rather than fetch:
 * it tells whether a connection was made, takes a self-signed certificate as its own authority, and
 * can do `-insecure`.
 */
export class HttpExchange {
  readonly #tls: TlsOptions;

  constructor(tls: TlsOptions) {
    this.#tls = tls;
  }

  /** Throws Unreachable, or the signal's reason. */
  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    signal.throwIfAborted();
    const outgoing = this.#create(request);
    const wait = new Wait(outgoing, signal);
    try {
      const response = await wait.until(
        new Promise<http.IncomingMessage>((resolve, reject) => {
          outgoing.once("response", resolve);
          outgoing.on("error", reject);
          wait.limit(connectTimeoutMs);
          const connecting = connection(outgoing).then(() => wait.connected());
          Promise.all([connecting, sendBody(outgoing, request.body)])
            .then(() => wait.limit(request.timeoutMs), reject);
        }),
      );
      wait.limit(0);
      return {
        status: response.statusCode ?? 0,
        statusText: response.statusMessage ?? "",
        headers: response.headers,
        body: pieces(response, wait, request.timeoutMs),
      };
    } catch (error) {
      wait.end();
      throw this.#explained(error);
    }
  }

  /** Older versions of Deno heed no `-insecure`, and say no more than that there is no connection. */
  #explained(error: unknown): unknown {
    if (!(error instanceof Unreachable) || this.#tls.rejectUnauthorized) return error;
    if (error.message !== "connection error") return error;
    const message = `${error.message}; Deno ${Deno.version.deno} may not be able to do -insecure`;
    return new Unreachable(message, error.delivered);
  }

  #create({ method, url, headers, body }: HttpRequest): http.ClientRequest {
    const length = typeof body === "string"
      ? { "content-length": String(new TextEncoder().encode(body).length) }
      : {};
    const options = {
      method,
      headers: { ...headers, ...length, connection: "close" },
      agent: false,
    };
    return url.protocol === "https:"
      ? https.request(url, { ...options, ...this.#tls })
      : http.request(url, options);
  }
}

/** Resolves once the request has a connection. */
function connection(outgoing: http.ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    outgoing.once("socket", (socket) => {
      if (socket.connecting) socket.once("connect", () => resolve());
      else resolve();
    });
  });
}

/** Waits for parts of an answer: until they come, the request is broken, cancelled, or too slow. */
class Wait {
  readonly #outgoing: http.ClientRequest;
  readonly #signal: AbortSignal;
  readonly #broken = Promise.withResolvers<never>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #delivered: "no" | "perhaps" = "no";
  #isOver = false;

  constructor(outgoing: http.ClientRequest, signal: AbortSignal) {
    this.#outgoing = outgoing;
    this.#signal = signal;
    this.#broken.promise.catch(() => {});
    signal.addEventListener("abort", this.#cancel);
  }

  connected(): void {
    this.#delivered = "perhaps";
    this.limit(0);
  }

  /** Breaks the request off unless it goes on within `timeoutMs`; 0 for no limit. */
  limit(timeoutMs: number): void {
    clearTimeout(this.#timer);
    if (timeoutMs === 0 || this.#isOver) return;
    this.#timer = setTimeout(() => {
      const message = `no answer within ${timeoutMs / 1000} s`;
      this.#break(new Unreachable(message, this.#delivered, true));
    }, timeoutMs);
  }

  async until<T>(part: Promise<T>): Promise<T> {
    try {
      return await Promise.race([part, this.#broken.promise]);
    } catch (error) {
      if (error instanceof Unreachable || this.#signal.aborted) throw error;
      throw new Unreachable(messageOf(error), this.#delivered);
    }
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#cancel);
  }

  readonly #cancel = () => this.#break(this.#signal.reason);

  #break(reason: unknown): void {
    this.end();
    this.#broken.reject(reason);
    this.#outgoing.destroy();
  }
}

async function sendBody(outgoing: http.ClientRequest, body: HttpRequest["body"]): Promise<void> {
  if (typeof body === "function") await pipeline(Readable.from(body()), outgoing);
  else outgoing.end(body);
}

async function* pieces(
  response: http.IncomingMessage,
  wait: Wait,
  timeoutMs: number,
): AsyncGenerator<Uint8Array> {
  const iterator: AsyncIterator<Uint8Array> = response[Symbol.asyncIterator]();
  try {
    for (;;) {
      wait.limit(timeoutMs);
      const next = await wait.until(iterator.next());
      if (next.done === true) break;
      wait.limit(0);
      yield next.value;
    }
    if (!response.complete) throw new Unreachable("the answer broke off", "perhaps");
  } finally {
    wait.end();
    if (!response.complete) response.destroy();
  }
}
