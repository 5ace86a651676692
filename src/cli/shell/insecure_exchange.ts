import https from "node:https";
import type { ClientRequest, IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { messageOf } from "../../base/message_of.ts";
import type { TlsOptions } from "../client_access.ts";
import { timeoutError, Unreachable } from "./http_exchange.ts";
import type { HttpAnswer, HttpExchange, HttpRequest } from "./http_exchange.ts";

const connectTimeoutMs = 5_000;

/** Over node:https, which takes any certificate where Deno can: for -insecure. */
export class InsecureExchange implements HttpExchange {
  readonly #tls: TlsOptions;

  constructor(tls: TlsOptions) {
    this.#tls = tls;
  }

  async send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    signal.throwIfAborted();
    const outgoing = this.#create(request);
    const wait = new Wait(outgoing, signal);
    try {
      const response = await wait.until(
        new Promise<IncomingMessage>((resolve, reject) => {
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
        headers: new Headers(
          Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
        ),
        body: pieces(response, wait, request.timeoutMs),
      };
    } catch (error) {
      wait.end();
      throw explained(error);
    }
  }

  #create({ method, url, headers, body }: HttpRequest): ClientRequest {
    const length = typeof body === "string"
      ? { "content-length": String(new TextEncoder().encode(body).length) }
      : {};
    return https.request(url, {
      ...this.#tls,
      method,
      headers: { ...headers, ...length, connection: "close" },
      agent: new https.Agent({ keepAlive: false }),
    });
  }
}

/** Older versions of Deno heed no `-insecure`, and say no more than that there is no connection. */
function explained(error: unknown): unknown {
  if (!(error instanceof Unreachable) || error.message !== "connection error") return error;
  const message = `${error.message}: Deno ${Deno.version.deno} cannot do -insecure`;
  return new Unreachable(message, error.delivered);
}

/** Resolves once the request has a connection. */
function connection(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    outgoing.once("socket", (socket) => {
      if (socket.connecting) socket.once("connect", () => resolve());
      else resolve();
    });
  });
}

/** Waits for parts of an answer: until they come, the request is broken, cancelled, or too slow. */
class Wait {
  readonly #outgoing: ClientRequest;
  readonly #signal: AbortSignal;
  readonly #broken = Promise.withResolvers<never>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #delivered: "no" | "perhaps" = "no";
  #isOver = false;

  constructor(outgoing: ClientRequest, signal: AbortSignal) {
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
      this.#break(timeoutError(timeoutMs, this.#delivered));
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

async function sendBody(outgoing: ClientRequest, body: HttpRequest["body"]): Promise<void> {
  if (typeof body === "function") await pipeline(Readable.from(body()), outgoing);
  else outgoing.end(body);
}

async function* pieces(
  response: IncomingMessage,
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
