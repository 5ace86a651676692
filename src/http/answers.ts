import { httpUrl, withoutScheme } from "../io/address.ts";
import type { ServiceErrorKind } from "../cluster/types.ts";
import type { Results } from "../store/types.ts";
import { goJson } from "../base/go_json.ts";
import { Indenter, laidOut } from "./indent.ts";
import { paced } from "./paced.ts";
import { responseOf } from "./streamed_response.ts";
import type { Member } from "../raft/types.ts";
import type { ServerInfo } from "./types.ts";

type Header = [string, string];

export const jsonContentType = "application/json; charset=utf-8";
export const textContentType = "text/plain; charset=utf-8";

const textType: Header = ["content-type", textContentType];
const noSniff: Header = ["x-content-type-options", "nosniff"];
/** On all answers when clients are asked who they are, as in rqlite. */
const userHeaders: readonly Header[] = [
  ["access-control-allow-credentials", "true"],
  ["www-authenticate", 'Basic realm="rqlite"'],
];
/** Says what kind of error an answer is, for programs: a ServiceErrorKind, or `refused`. */
const errorHeader = "x-raftlite-error";
/** Beyond rqlite's, what programs in browsers may send, and read of an answer. */
const ownHeaders = {
  sent: "Idempotency-Key, X-Raftlite-Index",
  answered: "X-Raftlite-Index, X-Raftlite-Error, Idempotency-Replayed",
} as const;
const versionHeader = "x-rqlite-version";
const servedByHeader = "x-rqlite-served-by";

/**
 * Makes the responses, all with the headers that rqlite puts on every one; but where clients are
 * asked who they are, the version is only for those that `tellVersion` is called for.
 */
export class Answers {
  /** Added to every response. */
  readonly #common: readonly Header[];
  readonly #version: string;
  readonly #httpAddress: string;
  /** Those from which programs in browsers may ask, when it is not one for all answers. */
  readonly #origins: ReadonlySet<string> | undefined;

  /** `hasUsers`: clients are asked who they are. */
  constructor(
    info: Pick<ServerInfo, "allowOrigin" | "rqliteVersion">,
    httpAddress: string,
    hasUsers: boolean,
  ) {
    const { allowOrigin } = info;
    const origins = allowOrigin.split(",").map((origin) => origin.trim());
    this.#origins = origins.length > 1 ? new Set(origins) : undefined;
    this.#version = info.rqliteVersion;
    const sent = hasUsers ? "Content-Type, Authorization" : "Content-Type";
    const isCrossed = allowOrigin !== "";
    this.#common = [
      ...(hasUsers ? [] : [[versionHeader, info.rqliteVersion] satisfies Header]),
      ["access-control-allow-methods", "OPTIONS, GET, POST, DELETE"],
      ["access-control-allow-headers", isCrossed ? `${sent}, ${ownHeaders.sent}` : sent],
      ...(isCrossed
        ? [["access-control-expose-headers", ownHeaders.answered] satisfies Header]
        : []),
      ...(hasUsers ? userHeaders : []),
      ...(allowOrigin === "" || this.#origins !== undefined
        ? []
        : [["access-control-allow-origin", allowOrigin] satisfies Header]),
    ];
    this.#httpAddress = withoutScheme(httpAddress);
  }

  /** 200 with JSON, as it is. */
  json(body: BodyInit): Response {
    // The server has less to do with headers put on a response than with those that it was made
    // of (measured: 5 % more inserts on one node).
    const response = responseOf(body);
    const { headers } = response;
    headers.set("content-type", jsonContentType);
    for (const [name, value] of this.#common) headers.append(name, value);
    return response;
  }

  /** 200 with JSON, and which node carried the request out: this one, or the leader named. */
  results(body: BodyInit, servedBy: string | undefined): Response {
    const response = this.json(body);
    response.headers.append(...this.#servedBy(servedBy));
    return response;
  }

  /** A plain text, which Go's http.Error ends with a newline. */
  error(status: number, message: string, kind?: ServiceErrorKind | "refused"): Response {
    const headers: Header[] = [...this.#common, textType, noSniff];
    if (kind !== undefined) headers.push([errorHeader, kind]);
    return new Response(message + "\n", { status, headers });
  }

  /** Plain text, as it is. */
  text(status: number, body: BodyInit): Response {
    return responseOf(body, { status, headers: [...this.#common, textType] });
  }

  /** 200, its body JSON that is called plain text, as rqlite does for loads. */
  loaded(body: BodyInit, servedBy: string | undefined): Response {
    const headers = [...this.#common, textType, this.#servedBy(servedBy)];
    return responseOf(body, { headers });
  }

  /** 200 without a body, and which node carried the request out; a type may be named all the same. */
  done(servedBy: string | undefined, contentType?: string): Response {
    const headers = [...this.#common, this.#servedBy(servedBy)];
    if (contentType !== undefined) headers.push(["content-type", contentType]);
    return new Response(null, { headers });
  }

  /** No body; a type may be named all the same. */
  empty(status: number, contentType?: string): Response {
    const headers: Header[] = [...this.#common];
    if (contentType !== undefined) headers.push(["content-type", contentType]);
    return new Response(null, { status, headers });
  }

  /** A body of some other type. */
  bytes(body: BodyInit, contentType: string, status = 200): Response {
    return responseOf(body, { status, headers: [...this.#common, ["content-type", contentType]] });
  }

  /** A stream that goes on as things happen: nobody between is to keep it. */
  endless(body: ReadableStream, contentType: string): Response {
    const response = this.bytes(body, contentType);
    response.headers.set("cache-control", "no-store");
    return response;
  }

  /** For a browser that asks whether programs in it may send these headers. */
  allowing(requestHeaders: string): Response {
    const response = this.empty(200);
    response.headers.set("access-control-allow-headers", requestHeaders);
    return response;
  }

  /** Sends the client to the console, with the short page that Go's http.Redirect adds for GET. */
  toConsole(request: Request): Response {
    const headers: Header[] = [...this.#common, ["location", "/console/"]];
    if (["GET", "HEAD"].includes(request.method)) {
      headers.push(["content-type", "text/html; charset=utf-8"]);
    }
    if (request.method !== "GET") return new Response(null, { status: 302, headers });
    return new Response('<a href="/console/">Found</a>.\n\n', { status: 302, headers });
  }

  /** Where `?redirect` sends a client: the same request at the leader, or 500 when there is none. */
  toLeader(request: Request, leader: Member | undefined, contentType?: string): Response {
    if (leader === undefined) return this.error(500, "leader not found");
    const { pathname, search } = new URL(request.url);
    const location = `${httpUrl(leader.httpAddress)}${pathname}${search}`;
    const headers: Header[] = [...this.#common, ["location", location]];
    if (contentType !== undefined) headers.push(["content-type", contentType]);
    return new Response(null, { status: 301, headers });
  }

  /** Adds the version to an answer for somebody who may know it, where not everybody may. */
  tellVersion(response: Response): Response {
    response.headers.append(versionHeader, this.#version);
    return response;
  }

  /**
   * The response, which tells a browser that the origin that asks may have it, if it is one of several;
   * where answers do not differ by that, as it is.
   */
  toOrigin(request: Request, response: Response): Response {
    if (this.#origins === undefined) return response;
    const origin = request.headers.get("origin");
    response.headers.append("vary", "Origin");
    if (origin !== null && this.#origins.has(origin)) {
      response.headers.set("access-control-allow-origin", origin);
    }
    return response;
  }

  /** For a client that is not to try again so soon. */
  later(seconds: number, contentType?: string): Response {
    const response = this.empty(429, contentType);
    response.headers.set("retry-after", String(seconds));
    return response;
  }

  #servedBy(address: string | undefined): Header {
    return [servedByHeader, address ?? this.#httpAddress];
  }
}

/** What stands around the results of an answer. */
export interface EnvelopeFields {
  readonly error?: string | undefined;
  /** Left out when 0, as all three are. */
  readonly timeSeconds?: number;
  readonly sequenceNumber?: bigint;
  readonly raftIndex?: number;
}

const encoder = new TextEncoder();
const head = encoder.encode('{"results":[');
const plainTail = encoder.encode("]}");
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** The server sends text faster than bytes, up to about this many (measured: 5 % more point reads). */
const textBytesMax = 4096;
/** Larger results are sent in parts, with pauses. */
const wholeBytesMax = 256 * 1024;

/** `{"results":[…],…}` around results that are JSON values separated by commas. */
export function resultsEnvelope(
  results: Results | ReadableStream<Uint8Array>,
  fields: EnvelopeFields,
  pretty: boolean,
): string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> {
  const members = membersText(fields);
  if (results instanceof Uint8Array && results.length <= textBytesMax) {
    return resultsEnvelope(decoder.decode(results), fields, pretty);
  }
  if (typeof results === "string") {
    const text = `{"results":[${results}]${members}}`;
    return laidOut(text, pretty);
  }
  const tail = members === "" ? plainTail : encoder.encode(`]${members}}`);
  if (results instanceof ReadableStream || results.length > wholeBytesMax) {
    return paced(around(results, tail), pretty);
  }
  const whole = new Uint8Array(head.length + results.length + tail.length);
  whole.set(head);
  whole.set(results, head.length);
  whole.set(tail, head.length + results.length);
  return pretty ? new Indenter().push(whole) : whole;
}

/** The same without results. */
export function emptyEnvelope(
  fields: EnvelopeFields,
  pretty: boolean,
): string | Uint8Array<ArrayBuffer> {
  const text = `{"results":[]${membersText(fields)}}`;
  return laidOut(text, pretty);
}

function membersText(fields: EnvelopeFields): string {
  const { error, timeSeconds, sequenceNumber, raftIndex } = fields;
  let text = "";
  if (error) text += `,"error":${goJson(error)}`;
  if (timeSeconds) text += `,"time":${timeSeconds}`;
  if (sequenceNumber) text += `,"sequence_number":${sequenceNumber}`;
  if (raftIndex) text += `,"raft_index":${raftIndex}`;
  return text;
}

async function* around(
  results: Uint8Array | ReadableStream<Uint8Array>,
  tail: Uint8Array,
): AsyncGenerator<Uint8Array> {
  yield head;
  if (results instanceof Uint8Array) yield results;
  else yield* results;
  yield tail;
}
