import { createHash } from "node:crypto";
import { joinBytes } from "../base/bytes.ts";
import type { Clock } from "../io/types.ts";
import { withAttempts } from "./attempts.ts";
import type { GcsTokens } from "./gcs_token.ts";
import {
  behindEnd,
  isAnswer,
  jsonFields,
  kindOfStatus,
  rangeIn,
  rangeOf,
  type StoreAnswer,
  type StoreHttp,
} from "./store_http.ts";
import {
  type ListedObject,
  type ObjectInfo,
  type ObjectSource,
  type ObjectStore,
  ObjectStoreError,
  partBytes,
  type PutOptions,
} from "./types.ts";

/** A status of a resumable upload that is not over. */
const resumeIncomplete = 308;

export interface GcsStoreParts {
  /** With its scheme. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly tokens: GcsTokens;
  readonly http: StoreHttp;
  readonly clock: Clock;
}

interface GcsRequest {
  readonly method: string;
  readonly url: string;
  /** What it is about, for errors. */
  readonly key: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly also?: readonly number[];
  readonly large?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** A bucket of Google Cloud Storage, by its JSON API. */
export class GcsStore implements ObjectStore {
  readonly #parts: GcsStoreParts;
  readonly #objects: string;
  readonly #uploads: string;

  constructor(parts: GcsStoreParts) {
    this.#parts = parts;
    const endpoint = parts.endpoint.replace(/\/$/, "");
    const bucket = encodeURIComponent(parts.bucket);
    this.#objects = `${endpoint}/storage/v1/b/${bucket}/o`;
    this.#uploads = `${endpoint}/upload/storage/v1/b/${bucket}/o`;
  }

  async info(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined> {
    const url = this.#objectUrl(key);
    const answer = await this.#send({ method: "GET", url, key, also: [404], signal });
    if (answer.status === 404) return undefined;
    const { size, metadata } = jsonOf(answer);
    const texts = typeof metadata === "object" && metadata !== null
      ? Object.entries(metadata).filter(([, value]) => typeof value === "string")
      : [];
    return { sizeBytes: Number(size ?? 0), metadata: Object.fromEntries(texts) };
  }

  async read(
    key: string,
    offset: number,
    length: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const answer = await this.#send({
      method: "GET",
      url: `${this.#objectUrl(key)}?alt=media`,
      key,
      headers: { range: rangeOf(offset, length) },
      also: [behindEnd],
      large: true,
      signal,
    });
    return rangeIn(answer, offset, length);
  }

  /** One request with two parts: what the object is, and its bytes. */
  async put(key: string, bytes: Uint8Array<ArrayBuffer>, options: PutOptions = {}): Promise<void> {
    const { signal } = options;
    const boundary = crypto.randomUUID();
    const text = (...lines: string[]) => new TextEncoder().encode(lines.join("\r\n"));
    const md5 = createHash("md5").update(bytes).digest("base64");
    const description = descriptionOf(key, md5, options);
    const body = joinBytes([
      text(`--${boundary}`, "Content-Type: application/json; charset=UTF-8", "", description, ""),
      text(`--${boundary}`, "Content-Type: application/octet-stream", "", ""),
      bytes,
      text("", `--${boundary}--`, ""),
    ]);
    await this.#send({
      method: "POST",
      url: `${this.#uploads}?uploadType=multipart${condition(options)}`,
      key,
      headers: { "content-type": `multipart/related; boundary=${boundary}` },
      body,
      signal,
    });
  }

  async upload(key: string, source: ObjectSource, options: PutOptions = {}): Promise<void> {
    const { sizeBytes } = source;
    if (sizeBytes <= partBytes) {
      await this.put(key, new Uint8Array(await source.read(0, sizeBytes)), options);
      return;
    }
    const begun = await this.#send({
      method: "POST",
      url: `${this.#uploads}?uploadType=resumable${condition(options)}`,
      key,
      headers: {
        "content-type": "application/json; charset=UTF-8",
        "x-upload-content-type": "application/octet-stream",
      },
      body: new TextEncoder().encode(descriptionOf(key, source.md5, options)),
      signal: options.signal,
    });
    const session = begun.headers.get("location");
    if (session === null) {
      throw new ObjectStoreError("failed", `GCS: no place for the upload of ${key} was given`);
    }
    await this.#sendParts(key, session, source, options.signal);
  }

  /** The answer to each part says how far the store has got, which may be less than was sent. */
  async #sendParts(
    key: string,
    session: string,
    source: ObjectSource,
    signal?: AbortSignal,
  ): Promise<void> {
    const { sizeBytes } = source;
    for (let at = 0; at < sizeBytes;) {
      const body = new Uint8Array(await source.read(at, Math.min(partBytes, sizeBytes - at)));
      const end = at + body.length;
      const answer = await this.#send({
        method: "PUT",
        url: session,
        key,
        headers: { "content-range": `bytes ${at}-${end - 1}/${sizeBytes}` },
        body,
        also: [resumeIncomplete],
        signal,
      });
      if (answer.status !== resumeIncomplete) return;
      const reached = /^bytes=0-(\d+)$/.exec(answer.headers.get("range") ?? "")?.[1];
      const next = reached === undefined ? 0 : Number(reached) + 1;
      if (next <= at) break;
      at = next;
    }
    throw new ObjectStoreError("unavailable", `GCS: upload of ${key} did not get to its end`);
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncIterable<ListedObject> {
    let token: string | undefined;
    do {
      const query = new URLSearchParams({
        prefix,
        ...(token === undefined ? {} : { pageToken: token }),
      });
      const url = `${this.#objects}?${query}`;
      const { items, nextPageToken } = jsonOf(
        await this.#send({ method: "GET", url, key: prefix, signal }),
      );
      for (const { name, size } of Array.isArray(items) ? items : []) {
        yield { key: String(name), sizeBytes: Number(size ?? 0) };
      }
      token = typeof nextPageToken === "string" ? nextPageToken : undefined;
    } while (token !== undefined);
  }

  close(): void {
    this.#parts.http.close();
  }

  async remove(key: string, signal?: AbortSignal): Promise<void> {
    await this.#send({ method: "DELETE", url: this.#objectUrl(key), key, also: [404], signal });
  }

  #objectUrl(key: string): string {
    return `${this.#objects}/${encodeURIComponent(key)}`;
  }

  #send(request: GcsRequest): Promise<StoreAnswer> {
    return withAttempts(this.#parts.clock, () => this.#attempt(request), request.signal);
  }

  async #attempt(request: GcsRequest): Promise<StoreAnswer> {
    const { method, url, key, body, also = [], large = false, signal } = request;
    const token = await this.#parts.tokens.get(signal);
    const answer = await this.#parts.http.send({
      method,
      url: new URL(url),
      headers: new Headers({ ...request.headers, authorization: `Bearer ${token}` }),
      body,
      large,
      signal,
    });
    if (isAnswer(answer, also)) return answer;
    throw new ObjectStoreError(
      kindOfStatus(answer.status),
      `GCS: ${method} of gs://${this.#parts.bucket}/${key} was answered with ${answer.status}${
        said(answer)
      }`,
    );
  }
}

/** The store refuses bytes of another MD5. */
function descriptionOf(
  key: string,
  md5Hash: string | undefined,
  { metadata = {} }: PutOptions,
): string {
  return JSON.stringify({ name: key, metadata, md5Hash });
}

function condition({ ifAbsent = false }: PutOptions): string {
  return ifAbsent ? "&ifGenerationMatch=0" : "";
}

function jsonOf({ body }: StoreAnswer): Record<string, unknown> {
  const fields = jsonFields(new TextDecoder().decode(body));
  if (fields !== undefined) return fields;
  throw new ObjectStoreError("unavailable", "GCS: the answer is not readable JSON");
}

/** What the store says of an error. */
function said({ body }: StoreAnswer): string {
  const error = jsonFields(new TextDecoder().decode(body))?.error;
  const message = typeof error === "object" && error !== null && "message" in error
    ? error.message
    : undefined;
  return typeof message === "string" ? ` ${message}` : "";
}
