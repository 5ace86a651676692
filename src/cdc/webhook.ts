import { Buffer } from "node:buffer";
import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { withoutSecrets } from "../base/without_secrets.ts";
import type { OutgoingMessage, Sink } from "./types.ts";

/** Certificates and keys in PEM. */
export interface WebhookTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly rejectUnauthorized: boolean;
  readonly servername?: string | undefined;
}

/** Redirections of one message that are followed. */
const redirectionsMax = 10;
/** What is read of an answer that nobody looks at, so that its connection can be used again. */
const answerBytesMax = 64 * 1024;

/**
 * POSTs messages to a URL. Only 200 and 202 say that one has arrived. What redirects with 307 or
 * 308 is followed with the message; other redirections would ask for a page without sending it, and
 * count as failures.
 */
export class Webhook implements Sink {
  readonly name: string;
  readonly #url: URL;
  readonly #timeoutMs: number;
  readonly #userAgent: string;
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: 1 });
  readonly #https: HttpsAgent;

  /** @param timeoutMs Of one message, 0 for no limit. */
  constructor(
    endpoint: string,
    { timeoutMs, tls, userAgent }: {
      readonly timeoutMs: number;
      readonly tls: WebhookTls | undefined;
      readonly userAgent: string;
    },
  ) {
    this.#url = new URL(endpoint);
    this.#timeoutMs = timeoutMs;
    this.#userAgent = userAgent;
    this.name = withoutSecrets(endpoint);
    this.#https = new HttpsAgent({ ...tls, keepAlive: true, maxSockets: 1 });
  }

  async send({ bytes: message }: OutgoingMessage, signal: AbortSignal): Promise<void> {
    const limit = this.#timeoutMs > 0 ? AbortSignal.timeout(this.#timeoutMs) : undefined;
    const ends = limit === undefined ? signal : AbortSignal.any([signal, limit]);
    try {
      await this.#post(message, ends);
    } catch (error) {
      if (limit?.aborted && !signal.aborted) {
        throw new Error(`no answer within ${this.#timeoutMs} ms`, { cause: error });
      }
      throw error;
    }
  }

  async #post(message: Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<void> {
    let url = this.#url;
    for (let left = redirectionsMax;; left--) {
      const { status, location } = await this.#request(url, message, signal);
      if (status === 200 || status === 202) return;
      if ((status !== 307 && status !== 308) || location === undefined) {
        throw new Error(`HTTP request failed with status ${status}`);
      }
      if (left === 0) throw new Error(`more than ${redirectionsMax} redirections`);
      url = redirected(url, location);
    }
  }

  #request(
    url: URL,
    message: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
  ): Promise<{ status: number; location: string | undefined }> {
    signal.throwIfAborted();
    const isSecure = url.protocol === "https:";
    const make = isSecure ? httpsRequest : httpRequest;
    const plain = new URL(url);
    plain.username = plain.password = "";
    return new Promise((resolve, reject) => {
      const outgoing = make(plain, {
        method: "POST",
        agent: isSecure ? this.#https : this.#http,
        headers: {
          "User-Agent": this.#userAgent,
          "Content-Type": "application/json",
          "Content-Length": message.length,
          "Accept-Encoding": "gzip",
          ...authorization(url),
        },
      }, (answer: IncomingMessage) => {
        const status = answer.statusCode ?? 0;
        const location = answer.headers.location;
        drain(answer).then(() => resolve({ status, location }), reject);
      });
      const end = () => {
        outgoing.destroy();
        reject(signal.reason);
      };
      signal.addEventListener("abort", end, { once: true });
      outgoing.on("close", () => signal.removeEventListener("abort", end));
      outgoing.on("error", reject);
      outgoing.end(message);
    });
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

/** Reads an answer's body away; one that does not end is cut off. */
async function drain(answer: IncomingMessage): Promise<void> {
  let bytes = 0;
  for await (const piece of answer) {
    bytes += (piece as Uint8Array).length;
    if (bytes > answerBytesMax) return void answer.destroy();
  }
}

/** Who asks stays known at the same place only. */
function redirected(from: URL, location: string): URL {
  const url = new URL(location, from);
  if (!/^https?:$/.test(url.protocol)) throw new Error(`redirected to ${url.protocol}`);
  if (url.host === from.host && url.username === "") {
    url.username = from.username;
    url.password = from.password;
  }
  return url;
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "Authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}
