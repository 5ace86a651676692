import type { Clock } from "../io/types.ts";
import type { AwsCredentials } from "./aws_credentials.ts";
import { type S3Place, S3Requests, s3Words } from "./s3_requests.ts";
import { childrenOf, childText, escapeXml, parseXml } from "./s3_xml.ts";
import { behindEnd, rangeIn, rangeOf, type StoreAnswer, type StoreHttp } from "./store_http.ts";
import {
  type ListedObject,
  type ObjectInfo,
  type ObjectMetadata,
  type ObjectSource,
  type ObjectStore,
  ObjectStoreError,
  partBytes,
  type PutOptions,
} from "./types.ts";

/** S3 takes 10,000 parts; some are left over, as nobody knows what else counts. */
const partsMax = 9_000;
const metadataPrefix = "x-amz-meta-";

export interface S3StoreParts {
  readonly place: S3Place;
  readonly credentials: () => Promise<AwsCredentials>;
  readonly http: StoreHttp;
  readonly clock: Clock;
}

/** A bucket of Amazon S3, or of what speaks its protocol. */
export class S3Store implements ObjectStore {
  readonly #requests: S3Requests;
  readonly #http: StoreHttp;

  constructor(parts: S3StoreParts) {
    this.#http = parts.http;
    this.#requests = new S3Requests(parts);
  }

  async info(key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined> {
    const answer = await this.#requests.send({ method: "HEAD", key, also: [404], signal });
    if (answer.status === 404) return undefined;
    const metadata = [...answer.headers].filter(([name]) => name.startsWith(metadataPrefix))
      .map(([name, value]) => [name.slice(metadataPrefix.length), value]);
    const sizeBytes = Number(answer.headers.get("content-length") ?? 0);
    return { sizeBytes, metadata: Object.fromEntries(metadata) };
  }

  async read(
    key: string,
    offset: number,
    length: number,
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    const answer = await this.#requests.send({
      method: "GET",
      key,
      query: { "x-id": "GetObject" },
      headers: { range: rangeOf(offset, length) },
      also: [behindEnd],
      large: true,
      signal,
    });
    return rangeIn(answer, offset, length);
  }

  async put(key: string, bytes: Uint8Array<ArrayBuffer>, options: PutOptions = {}): Promise<void> {
    const { metadata = {}, ifAbsent = false, signal } = options;
    await this.#requests.send({
      method: "PUT",
      key,
      query: { "x-id": "PutObject" },
      headers: {
        "content-type": "application/octet-stream",
        ...metadataHeaders(metadata),
        ...(ifAbsent ? { "if-none-match": "*" } : {}),
      },
      body: bytes,
      signal,
    });
  }

  async upload(key: string, source: ObjectSource, options: PutOptions = {}): Promise<void> {
    if (source.sizeBytes <= partBytes) {
      await this.put(key, await piece(source, 0, source.sizeBytes), options);
      return;
    }
    const { metadata = {}, ifAbsent = false, signal } = options;
    const begun = await this.#requests.send({
      method: "POST",
      key,
      query: { uploads: "" },
      headers: { "content-type": "application/octet-stream", ...metadataHeaders(metadata) },
      signal,
    });
    const uploadId = childText(rootOf(begun), "UploadId");
    if (uploadId === undefined) {
      throw new ObjectStoreError("failed", `S3: no upload id came for ${key}`);
    }
    try {
      const parts = await this.#sendParts(key, uploadId, source, signal);
      await this.#complete(key, { uploadId, parts, ifAbsent, signal });
    } catch (error) {
      // What was sent would be paid for until somebody sees it.
      await this.#abandon(key, uploadId).catch(() => {});
      throw error;
    }
  }

  async #sendParts(
    key: string,
    uploadId: string,
    source: ObjectSource,
    signal?: AbortSignal,
  ): Promise<string[]> {
    const size = Math.max(partBytes, Math.ceil(source.sizeBytes / partsMax));
    const parts: string[] = [];
    for (let at = 0; at < source.sizeBytes; at += size) {
      const answer = await this.#requests.send({
        method: "PUT",
        key,
        query: { partNumber: String(parts.length + 1), uploadId, "x-id": "UploadPart" },
        body: await piece(source, at, Math.min(size, source.sizeBytes - at)),
        signal,
      });
      parts.push(answer.headers.get("etag") ?? "");
    }
    return parts;
  }

  async #complete(
    key: string,
    { uploadId, parts, ifAbsent, signal }: {
      readonly uploadId: string;
      readonly parts: readonly string[];
      readonly ifAbsent: boolean;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<void> {
    const list = parts.map((etag, i) =>
      `<Part><PartNumber>${i + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`
    );
    const answer = await this.#requests.send({
      method: "POST",
      key,
      query: { uploadId },
      headers: {
        "content-type": "application/xml",
        ...(ifAbsent ? { "if-none-match": "*" } : {}),
      },
      body: new TextEncoder().encode(
        `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${
          list.join("")
        }</CompleteMultipartUpload>`,
      ),
      signal,
    });
    // S3 begins to answer with success before it knows.
    const said = s3Words(answer.body);
    if (said === undefined) return;
    throw new ObjectStoreError(
      "unavailable",
      `S3: upload of ${key} could not be completed: ${said.code}: ${said.message}`,
    );
  }

  async #abandon(key: string, uploadId: string): Promise<void> {
    await this.#requests.send({ method: "DELETE", key, query: { uploadId }, also: [404] });
  }

  async dropUnfinished(
    prefix: string,
    { before, isOurs, signal }: Parameters<NonNullable<ObjectStore["dropUnfinished"]>>[1],
  ): Promise<void> {
    const query = { uploads: "", prefix };
    const answer = await this.#requests.send({ method: "GET", key: "", query, signal });
    for (const upload of childrenOf(rootOf(answer), "Upload")) {
      const key = childText(upload, "Key") ?? "";
      const uploadId = childText(upload, "UploadId") ?? "";
      const begunAt = Date.parse(childText(upload, "Initiated") ?? "");
      if (begunAt < before && isOurs(key)) await this.#abandon(key, uploadId);
    }
  }

  async *list(prefix: string, signal?: AbortSignal): AsyncIterable<ListedObject> {
    let token: string | undefined;
    do {
      const query = {
        "list-type": "2",
        prefix,
        ...(token === undefined ? {} : { "continuation-token": token }),
      };
      const answer = await this.#requests.send({ method: "GET", key: "", query, signal });
      const root = rootOf(answer);
      for (const object of childrenOf(root, "Contents")) {
        yield {
          key: childText(object, "Key") ?? "",
          sizeBytes: Number(childText(object, "Size") ?? 0),
        };
      }
      token = childText(root, "NextContinuationToken");
    } while (token !== undefined && token !== "");
  }

  close(): void {
    this.#http.close();
  }

  async remove(key: string, signal?: AbortSignal): Promise<void> {
    await this.#requests.send({ method: "DELETE", key, also: [404], signal });
  }
}

function metadataHeaders(metadata: ObjectMetadata): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [metadataPrefix + name, value]),
  );
}

function rootOf(answer: StoreAnswer) {
  return parseXml(new TextDecoder().decode(answer.body));
}

async function piece(
  source: ObjectSource,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await source.read(offset, length);
  if (bytes.length !== length) {
    throw new ObjectStoreError("failed", `What was to be stored ends early, at ${offset}`);
  }
  return new Uint8Array(bytes);
}
