import { createHash, createHmac, randomUUID } from "node:crypto";
import { joinBytes } from "../../src/base/bytes.ts";
import { requestedBytes, type StandInObject } from "./stand_in_object.ts";

/** The keys that it takes. */
export const s3Keys = { accessKeyId: "AKIATEST", secretAccessKey: "s3cr3t/of+the=test" } as const;

/** What a test makes of a request before it is looked at: undefined to let it pass. */
export type Fault = (
  request: Request,
  key: string,
) => Response | undefined | Promise<Response | undefined>;

interface Upload {
  readonly key: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly parts: Map<number, Uint8Array<ArrayBuffer>>;
}

/**
 * A stand-in for S3 in this process, with one bucket, "bkt", by path. Unlike those that packages
 * have it checks signatures, as Amazon's documentation has them, and the hash of each body; and it
 * fails as it is told to.
 */
export class S3StandIn implements AsyncDisposable {
  readonly objects = new Map<string, StandInObject>();
  readonly uploads = new Map<string, Upload>();
  /** `PUT /bkt/key?query` of each request that was let in. */
  readonly requests: string[] = [];
  fault: Fault = () => undefined;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #ending = new AbortController();

  /** @param port 0 for any that is free. */
  constructor(port = 0) {
    const { signal } = this.#ending;
    const options = { hostname: "127.0.0.1", port, onListen: () => {}, signal };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
  }

  get port(): number {
    return this.#server.addr.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Not by a shutdown, which waits for what the test holds back.
    this.#ending.abort();
    await this.#server.finished;
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const key = decodeURIComponent(url.pathname.replace(/^\/bkt\/?/, ""));
    const failed = await this.fault(request, key);
    const body = await request.bytes().catch(() => undefined);
    if (body === undefined) return error(400, "IncompleteBody");
    if (failed !== undefined) return failed;
    const refusal = signatureFault(request, body);
    if (refusal !== undefined) return error(403, refusal);
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    if (!/^\/bkt(\/|$)/.test(url.pathname)) return error(404, "NoSuchBucket");
    return key === "" ? this.#bucket(url) : this.#object(request, url, key, body);
  }

  #bucket(url: URL): Response {
    const prefix = url.searchParams.get("prefix") ?? "";
    if (url.searchParams.has("uploads")) {
      const uploads = [...this.uploads].map(([id, { key }]) =>
        `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>2020-01-01T00:00:00Z</Initiated></Upload>`
      );
      return xml(`<ListMultipartUploadsResult>${uploads.join("")}</ListMultipartUploadsResult>`);
    }
    const after = url.searchParams.get("continuation-token") ?? "";
    const keys = [...this.objects.keys()].sort().filter((key) =>
      key.startsWith(prefix) && key > after
    );
    const page = keys.slice(0, 2);
    const contents = page.map((key) =>
      `<Contents><Key>${key.replaceAll("&", "&amp;")}</Key><Size>${
        this.objects.get(key)?.bytes.length
      }</Size></Contents>`
    );
    const next = keys.length > page.length
      ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>`
      : "";
    return xml(`<ListBucketResult>${contents.join("")}${next}</ListBucketResult>`);
  }

  #object(request: Request, url: URL, key: string, body: Uint8Array<ArrayBuffer>): Response {
    const uploadId = url.searchParams.get("uploadId");
    if (uploadId !== null) return this.#upload(request, url, uploadId, body);
    switch (request.method) {
      case "HEAD":
      case "GET":
        return this.#read(request, key);
      case "PUT":
        if (request.headers.get("if-none-match") === "*" && this.objects.has(key)) {
          return error(412, "PreconditionFailed");
        }
        this.objects.set(key, { bytes: body, metadata: metadataOf(request) });
        return new Response(undefined, { headers: { etag: etag(body) } });
      case "POST": {
        const id = randomUUID();
        this.uploads.set(id, { key, metadata: metadataOf(request), parts: new Map() });
        return xml(
          `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      case "DELETE":
        this.objects.delete(key);
        return new Response(undefined, { status: 204 });
      default:
        return error(405, "MethodNotAllowed");
    }
  }

  #read(request: Request, key: string): Response {
    const object = this.objects.get(key);
    if (object === undefined) return error(404, "NoSuchKey");
    const headers = new Headers();
    for (const [name, value] of Object.entries(object.metadata)) {
      headers.set(`x-amz-meta-${name}`, value);
    }
    if (request.method === "HEAD") {
      headers.set("content-length", String(object.bytes.length));
      return new Response(undefined, { headers });
    }
    const piece = requestedBytes(request, object);
    if (piece === undefined) return error(416, "InvalidRange");
    return new Response(piece, { status: 206, headers });
  }

  #upload(request: Request, url: URL, id: string, body: Uint8Array<ArrayBuffer>): Response {
    const upload = this.uploads.get(id);
    if (upload === undefined) return error(404, "NoSuchUpload");
    if (request.method === "PUT") {
      upload.parts.set(Number(url.searchParams.get("partNumber")), body);
      return new Response(undefined, { headers: { etag: etag(body) } });
    }
    this.uploads.delete(id);
    if (request.method === "DELETE") return new Response(undefined, { status: 204 });
    const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part);
    if (parts.slice(0, -1).some((part) => part.length < 5 * 1024 ** 2)) {
      return error(400, "EntityTooSmall");
    }
    this.objects.set(upload.key, { bytes: joinBytes(parts), metadata: upload.metadata });
    return xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>");
  }
}

function metadataOf(request: Request): Record<string, string> {
  return Object.fromEntries(
    [...request.headers].filter(([name]) => name.startsWith("x-amz-meta-"))
      .map(([name, value]) => [name.slice("x-amz-meta-".length), value]),
  );
}

function etag(bytes: Uint8Array): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`;
}

function xml(text: string): Response {
  return new Response(`<?xml version="1.0" encoding="UTF-8"?>${text}`, {
    headers: { "content-type": "application/xml" },
  });
}

export function error(status: number, code: string): Response {
  return new Response(
    `<Error><Code>${code}</Code><Message>So said the stand-in</Message></Error>`,
    {
      status,
      headers: { "content-type": "application/xml" },
    },
  );
}

/**
 * The code of what is wrong with a request's signature, by
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
function signatureFault(request: Request, body: Uint8Array): string | undefined {
  const sha256 = (data: Uint8Array | string) => createHash("sha256").update(data).digest("hex");
  const { headers } = request;
  const [, credential = "", signed = "", signature = ""] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)$/.exec(
      headers.get("authorization") ?? "",
    ) ?? [];
  const [keyId, ...scope] = credential.split("/");
  if (keyId !== s3Keys.accessKeyId) return "InvalidAccessKeyId";
  const hash = headers.get("x-amz-content-sha256") ?? "";
  if (hash !== sha256(body)) return "XAmzContentSHA256Mismatch";
  const url = new URL(request.url);
  const query = url.search.slice(1).split("&").filter((pair) => pair !== "").sort().join("&");
  const canonical = [
    request.method,
    url.pathname,
    query,
    ...signed.split(";").map((name) => `${name}:${headers.get(name)?.trim()}`),
    "",
    signed,
    hash,
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", headers.get("x-amz-date"), scope.join("/"), sha256(canonical)]
    .join("\n");
  const key = scope.reduce<Uint8Array | string>(
    (secret, part) => createHmac("sha256", secret).update(part).digest(),
    `AWS4${s3Keys.secretAccessKey}`,
  );
  const expected = createHmac("sha256", key).update(text).digest("hex");
  return expected === signature ? undefined : "SignatureDoesNotMatch";
}
