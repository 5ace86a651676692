import { importPKCS8, SignJWT } from "jose";
import type { Clock } from "../io/types.ts";
import { jsonFields, kindOfStatus, type StoreHttp } from "./store_http.ts";
import { ObjectStoreError } from "./types.ts";

const defaultTokenUrl = "https://oauth2.googleapis.com/token";
const scope = "https://www.googleapis.com/auth/devstorage.read_write";
const lifeSeconds = 3600;
/** How long before its end a token is not used any more, in ms. */
const marginMs = 120_000;

/** A service account, as Google's JSON file has it. */
export interface ServiceAccount {
  readonly client_email: string;
  /** PEM of PKCS#8. */
  readonly private_key: string;
  /** Absent: Google's. */
  readonly token_uri?: string;
}

/** Throws an Error that names what is missing; never with what is there. */
export function parseServiceAccount(text: string, path: string): ServiceAccount {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${path} is not JSON`);
  }
  const fields: Record<string, unknown> = typeof value === "object" && value !== null
    ? { ...value }
    : {};
  const { client_email, private_key, token_uri } = fields;
  if (typeof client_email !== "string" || client_email === "") {
    throw new Error(`${path} has no client_email: it is not the file of a service account`);
  }
  if (typeof private_key !== "string" || private_key === "") {
    throw new Error(`${path} has no private_key: it is not the file of a service account`);
  }
  return {
    client_email,
    private_key,
    ...(typeof token_uri === "string" ? { token_uri } : {}),
  };
}

/** Tokens for requests to Google Cloud Storage, each used for nearly as long as it lives. */
export class GcsTokens {
  readonly #account: ServiceAccount;
  readonly #http: StoreHttp;
  readonly #clock: Clock;
  #token: { readonly text: string; readonly until: number } | undefined;

  constructor(account: ServiceAccount, http: StoreHttp, clock: Clock) {
    this.#account = account;
    this.#http = http;
    this.#clock = clock;
  }

  /** Rejects with an ObjectStoreError; who asks tries again. */
  async get(signal?: AbortSignal): Promise<string> {
    if (this.#token !== undefined && this.#clock.now() < this.#token.until) return this.#token.text;
    return await this.#ask(signal);
  }

  async #ask(signal?: AbortSignal): Promise<string> {
    const url = new URL(this.#account.token_uri ?? defaultTokenUrl);
    const form = new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: await this.#assertion(url.href),
    });
    const askedAt = this.#clock.now();
    const { status, body } = await this.#http.send({
      method: "POST",
      url,
      headers: new Headers({ "content-type": "application/x-www-form-urlencoded" }),
      body: new TextEncoder().encode(form.toString()),
      signal,
    });
    if (status !== 200) {
      const kind = kindOfStatus(status);
      throw new ObjectStoreError(
        kind === "unavailable" ? kind : "denied",
        `${url.origin} gave no token for ${this.#account.client_email}: ${status}`,
      );
    }
    const { access_token: text, expires_in: seconds = lifeSeconds } =
      jsonFields(new TextDecoder().decode(body)) ?? {};
    if (typeof text !== "string" || typeof seconds !== "number") {
      throw new ObjectStoreError("unavailable", `${url.origin} answered without a token`);
    }
    this.#token = { text, until: askedAt + seconds * 1000 - marginMs };
    return text;
  }

  async #assertion(audience: string): Promise<string> {
    const { client_email, private_key } = this.#account;
    const issuedAt = Math.floor(this.#clock.wallTime() / 1000);
    let key: CryptoKey;
    try {
      key = await importPKCS8(private_key, "RS256");
    } catch {
      throw new ObjectStoreError("denied", `The private key of ${client_email} cannot be read`);
    }
    return await new SignJWT({ scope })
      .setProtectedHeader({ alg: "RS256", typ: "JWT" })
      .setIssuer(client_email)
      .setAudience(audience)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + lifeSeconds)
      .sign(key);
  }
}
