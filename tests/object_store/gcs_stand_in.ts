import { createHash, createVerify, generateKeyPairSync, randomUUID } from "node:crypto";
import { Buffer } from "node:buffer";
import { requestedBytes, type StandInObject } from "./stand_in_object.ts";

interface Description {
  readonly name: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly md5Hash?: string;
}

/**
 * A stand-in for Google Cloud Storage in this process, with one bucket, "bkt": its JSON API as its
 * documentation has it, and its tokens, whose assertions it checks. No package has one.
 */
export class GcsStandIn implements AsyncDisposable {
  readonly objects = new Map<string, StandInObject>();
  readonly requests: string[] = [];
  tokensGiven = 0;
  /** Of each part of a resumable upload only this much is taken, in bytes. */
  partBytesMax = Infinity;
  readonly #token = randomUUID();
  readonly #sessions = new Map<string, { description: Description; bytes: Uint8Array[] }>();
  readonly #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** The text of a service account's file. */
  get account(): string {
    return JSON.stringify({
      type: "service_account",
      client_email: "tester@example.com",
      private_key: this.#keys.privateKey.export({ type: "pkcs8", format: "pem" }),
      token_uri: `${this.url}/token`,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const body = new Uint8Array(await request.arrayBuffer());
    if (url.pathname === "/token") return this.#giveToken(new TextDecoder().decode(body));
    if (request.headers.get("authorization") !== `Bearer ${this.#token}`) {
      return failure(401, "Invalid Credentials");
    }
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    if (url.pathname === "/session") return this.#part(request, url, body);
    if (url.pathname === "/upload/storage/v1/b/bkt/o") return this.#upload(request, url, body);
    if (url.pathname === "/storage/v1/b/bkt/o") return this.#list(url);
    const key = /^\/storage\/v1\/b\/bkt\/o\/([^/]+)$/.exec(url.pathname)?.[1];
    if (key === undefined) return failure(404, "Not Found");
    return this.#object(request, url, decodeURIComponent(key));
  }

  #giveToken(form: string): Response {
    const fields = new URLSearchParams(form);
    const [head = "", claims = "", signature = ""] = fields.get("assertion")?.split(".") ?? [];
    const verify = createVerify("RSA-SHA256").update(`${head}.${claims}`);
    const genuine = verify.verify(this.#keys.publicKey, signature, "base64url");
    const { iss, aud, scope, exp, iat } = JSON.parse(
      Buffer.from(claims, "base64url").toString(),
    );
    const fits = iss === "tester@example.com" && aud === `${this.url}/token` &&
      scope === "https://www.googleapis.com/auth/devstorage.read_write" && exp === iat + 3600 &&
      fields.get("grant_type") === "urn:ietf:params:oauth:grant-type:jwt-bearer";
    if (!genuine || !fits) return failure(400, "invalid_grant");
    this.tokensGiven++;
    return Response.json({ access_token: this.#token, expires_in: 3600, token_type: "Bearer" });
  }

  #upload(request: Request, url: URL, body: Uint8Array<ArrayBuffer>): Response {
    if (url.searchParams.get("uploadType") === "resumable") {
      const description: Description = JSON.parse(new TextDecoder().decode(body));
      if (this.#isRefused(url, description.name)) return failure(412, "conditionNotMet");
      const id = randomUUID();
      this.#sessions.set(id, { description, bytes: [] });
      return new Response(undefined, { headers: { location: `${this.url}/session?id=${id}` } });
    }
    const boundary = /boundary=(.*)$/.exec(request.headers.get("content-type") ?? "")?.[1];
    // Each byte a letter.
    const [, first = "", second = ""] = Buffer.from(body).toString("latin1").split(
      `--${boundary}`,
    );
    const json = Buffer.from(first.split("\r\n\r\n")[1] ?? "", "latin1").toString();
    const description: Description = JSON.parse(json);
    const content = second.slice(second.indexOf("\r\n\r\n") + 4, -2);
    const bytes = new Uint8Array(Buffer.from(content, "latin1"));
    if (this.#isRefused(url, description.name)) return failure(412, "conditionNotMet");
    return this.#keep(description, bytes);
  }

  #isRefused(url: URL, key: string): boolean {
    return url.searchParams.get("ifGenerationMatch") === "0" && this.objects.has(key);
  }

  #part(request: Request, url: URL, body: Uint8Array<ArrayBuffer>): Response {
    const session = this.#sessions.get(url.searchParams.get("id") ?? "");
    if (session === undefined) return failure(410, "Gone");
    const [, from, to, size] =
      /^bytes (\d+)-(\d+)\/(\d+)$/.exec(request.headers.get("content-range") ?? "")?.map(Number) ??
        [];
    const have = session.bytes.reduce((sum, { length }) => sum + length, 0);
    if (from !== have) return failure(400, "Invalid range");
    const taken = body.subarray(0, this.partBytesMax);
    session.bytes.push(taken);
    if (to === Number(size) - 1 && taken.length === body.length) {
      return this.#keep(session.description, new Uint8Array(Buffer.concat(session.bytes)));
    }
    return new Response(undefined, {
      status: 308,
      headers: { range: `bytes=0-${have + taken.length - 1}` },
    });
  }

  #keep({ name, metadata = {}, md5Hash }: Description, bytes: Uint8Array<ArrayBuffer>): Response {
    const md5 = createHash("md5").update(bytes).digest("base64");
    if (md5Hash !== undefined && md5Hash !== md5) return failure(400, "MD5 does not match");
    this.objects.set(name, { bytes, metadata });
    return Response.json({ name, metadata, md5Hash: md5, size: String(bytes.length) });
  }

  #list(url: URL): Response {
    const prefix = url.searchParams.get("prefix") ?? "";
    const after = url.searchParams.get("pageToken") ?? "";
    const names = [...this.objects.keys()].sort().filter((name) =>
      name.startsWith(prefix) && name > after
    );
    const page = names.slice(0, 2);
    return Response.json({
      items: page.map((name) => ({ name, size: String(this.objects.get(name)?.bytes.length) })),
      ...(names.length > page.length ? { nextPageToken: page.at(-1) } : {}),
    });
  }

  #object(request: Request, url: URL, key: string): Response {
    const object = this.objects.get(key);
    if (object === undefined) return failure(404, `No such object: bkt/${key}`);
    if (request.method === "DELETE") {
      this.objects.delete(key);
      return new Response(undefined, { status: 204 });
    }
    if (url.searchParams.get("alt") !== "media") {
      return Response.json({
        name: key,
        metadata: object.metadata,
        size: String(object.bytes.length),
      });
    }
    const bytes = requestedBytes(request, object);
    if (bytes === undefined) return failure(416, "Range not satisfiable");
    return new Response(bytes, { status: 206 });
  }
}

function failure(status: number, message: string): Response {
  return Response.json({ error: { code: status, message } }, { status });
}
