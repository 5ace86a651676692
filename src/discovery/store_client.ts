import { Buffer } from "node:buffer";
import { answerMsMax, bodyOf, reasonOf } from "./bounds.ts";
import type { JsonConfiguration } from "./json_configuration.ts";

/** An answer that is no success; the status says why. */
export class AnswerError extends Error {
  override name = "AnswerError";
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

export interface Call {
  readonly method: "GET" | "PUT" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Speaks HTTP with a key store: in bounded time, with certificates of its own if it has them. */
export class StoreClient {
  readonly #client: Deno.HttpClient | undefined;

  /** `tls_config` of the configuration, with the keys that rqlite has for Consul. */
  constructor(configuration: JsonConfiguration) {
    const tls = configuration.object("tls_config");
    if (tls === undefined) return;
    for (const key of ["address", "ca_path"]) {
      if (tls.text(key) !== "") tls.refuse(key, "is not supported: name the authority by ca_file");
    }
    if (tls.isOn("insecure_skip_verify")) {
      tls.refuse("insecure_skip_verify", "is not supported: name the authority by ca_file");
    }
    const ca = pem(tls, "ca");
    const cert = pem(tls, "cert");
    const key = pem(tls, "key");
    if ((cert === undefined) !== (key === undefined)) {
      tls.refuse(cert === undefined ? "key_file" : "cert_file", "needs the other of the two");
    }
    this.#client = Deno.createHttpClient({
      ...ca !== undefined && { caCerts: [ca] },
      ...cert !== undefined && key !== undefined && { cert, key },
    });
  }

  /** The body of a successful answer. Throws an AnswerError for any other. */
  async call(url: string, { method, headers, body }: Call): Promise<string> {
    let response: Response;
    let text: string;
    try {
      response = await fetch(url, {
        method,
        redirect: "error",
        signal: AbortSignal.timeout(answerMsMax),
        ...headers !== undefined && { headers },
        ...body !== undefined && { body },
        ...this.#client !== undefined && { client: this.#client },
      });
      text = await bodyOf(response);
    } catch (error) {
      throw new Error(reasonOf(error), { cause: error });
    }
    if (response.ok) return text;
    const said = text.trim().slice(0, 200);
    throw new AnswerError(response.status, `HTTP ${response.status}${said && `: ${said}`}`);
  }
}

/** From the file that the configuration names, or from itself. */
function pem(tls: JsonConfiguration, what: "ca" | "cert" | "key"): string | undefined {
  const path = tls.text(`${what}_file`);
  if (path === "") {
    const given = tls.text(`${what}_pem`);
    // As Go has bytes in JSON.
    return given === "" || given.startsWith("-----") ? given || undefined : fromBase64(given);
  }
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    tls.refuse(`${what}_file`, `cannot be read: ${reasonOf(error)}`);
  }
}

export function toBase64(text: string): string {
  return Buffer.from(text).toString("base64");
}

export function fromBase64(text: string): string {
  return Buffer.from(text, "base64").toString();
}
