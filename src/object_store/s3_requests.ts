import { Buffer } from "node:buffer";
import { AwsV4Signer } from "aws4fetch";
import type { Clock } from "../io/types.ts";
import { withAttempts } from "./attempts.ts";
import type { AwsCredentials } from "./aws_credentials.ts";
import { childText, parseXml } from "./s3_xml.ts";
import { isAnswer, kindOfStatus, type StoreAnswer, type StoreHttp } from "./store_http.ts";
import { ObjectStoreError } from "./types.ts";

export interface S3Place {
  /** With its scheme; "" for Amazon's own. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  readonly forcePathStyle: boolean;
}

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** "" for the bucket itself. */
  readonly key: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  /** Statuses that are answers too, beside those of success. */
  readonly also?: readonly number[];
  /** The answer may have as many bytes as a part. */
  readonly large?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Signed requests to a bucket. */
export class S3Requests {
  readonly #place: S3Place;
  readonly #credentials: () => Promise<AwsCredentials>;
  readonly #http: StoreHttp;
  readonly #clock: Clock;
  readonly #base: string;

  constructor(
    { place, credentials, http, clock }: {
      readonly place: S3Place;
      readonly credentials: () => Promise<AwsCredentials>;
      readonly http: StoreHttp;
      readonly clock: Clock;
    },
  ) {
    this.#place = place;
    this.#credentials = credentials;
    this.#http = http;
    this.#clock = clock;
    this.#base = bucketUrl(place);
  }

  /** Up to three attempts. Rejects with an ObjectStoreError that has S3's own words. */
  send(request: S3Request): Promise<StoreAnswer> {
    return withAttempts(this.#clock, () => this.#attempt(request), request.signal);
  }

  async #attempt(request: S3Request): Promise<StoreAnswer> {
    const { method, key, query = {}, body, also = [], large = false, signal } = request;
    const url = new URL(this.#base + (key === "" ? "" : `/${encodeKey(key)}`));
    url.search = queryText(query);
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: { ...request.headers, "x-amz-content-sha256": await sha256Hex(body) },
      ...await this.#credentials(),
      region: this.#place.region,
      service: "s3",
      ...(body === undefined ? {} : { body }),
    });
    const signed = await signer.sign();
    const answer = await this.#http.send({
      method,
      url,
      headers: signed.headers,
      body,
      large,
      signal,
    });
    if (isAnswer(answer, also)) return answer;
    throw failure(request, answer, this.#place);
  }
}

function bucketUrl({ endpoint, region, bucket, forcePathStyle }: S3Place): string {
  const url = new URL(endpoint === "" ? `https://s3.${region}.amazonaws.com` : endpoint);
  const root = url.pathname.replace(/\/$/, "");
  // An address has no names below it.
  const isAddress = /^(\d+\.){3}\d+$|^\[/.test(url.hostname);
  if (forcePathStyle || isAddress) return `${url.origin}${root}/${encodeKey(bucket)}`;
  return `${url.protocol}//${bucket}.${url.host}${root}`;
}

/** Every character but those that RFC 3986 reserves for nothing; slashes as they are. */
function encodeKey(key: string): string {
  return key.split("/").map(encodeText).join("/");
}

function encodeText(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function queryText(query: Readonly<Record<string, string>>): string {
  return Object.entries(query).map(([name, value]) => `${name}=${encodeText(value)}`).join("&");
}

async function sha256Hex(body: Uint8Array<ArrayBuffer> = new Uint8Array()): Promise<string> {
  return Buffer.from(await crypto.subtle.digest("SHA-256", body)).toString("hex");
}

function failure(
  { method, key }: S3Request,
  { status, body }: StoreAnswer,
  { bucket }: S3Place,
): ObjectStoreError {
  const what = `S3: ${method} of ${key === "" ? `bucket ${bucket}` : `${bucket}/${key}`}`;
  const said = s3Words(body);
  const kind = said?.code === "SlowDown" ? "unavailable" : kindOfStatus(status);
  const words = said === undefined ? "" : ` ${said.code}: ${said.message}`;
  return new ObjectStoreError(kind, `${what} was answered with ${status}${words}`);
}

/** What an error's XML says; undefined when there is none. */
export function s3Words(
  body: Uint8Array,
): { readonly code: string; readonly message: string } | undefined {
  try {
    const root = parseXml(new TextDecoder().decode(body));
    if (root.name !== "Error") return undefined;
    return { code: childText(root, "Code") ?? "", message: childText(root, "Message") ?? "" };
  } catch {
    return undefined;
  }
}
