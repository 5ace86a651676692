import { Buffer } from "node:buffer";
import { joinBytes } from "../base/bytes.ts";
import type { ReceivedBytes } from "./received_bytes.ts";

/** Longest head that the front reads itself, and longest body. */
const headBytesMax = 64 * 1024;
const bodyBytesMax = 64 * 1024;
/** As many headers as Deno's server takes. */
const headersMax = 100;

/** The first request of some bytes, when it is plain: see `readRequest`. */
export interface PlainRequest {
  readonly kind: "plain";
  readonly request: FrontRequest;
  /** How many of the bytes it took. */
  readonly length: number;
  /** It offers to upgrade the connection. */
  readonly upgrade: boolean;
  /** The client closes the connection after it. */
  readonly last: boolean;
}

/** Whether the bytes, so far, hold no whole request, or one that is not plain. */
export type Reading = PlainRequest | PartialRequest | ForeignRequest;

export interface PartialRequest {
  readonly kind: "partial";
  /** With fewer bytes it stays so. */
  readonly bytesMin: number;
  /** How many bytes of its head need not be looked at again. */
  readonly seen: number;
  /** Only some of its body is missing. */
  readonly hasHead: boolean;
}

/** A request that the front does not read itself. */
export interface ForeignRequest {
  readonly kind: "foreign";
  /** Where its head ends when it offers an upgrade, so that the offer can be taken out. */
  readonly upgradeHeadLength?: number;
}

type Pairs = readonly (readonly [string, string])[];

/** What a request has beside its URL. */
export interface FrontRequestParts {
  readonly method?: string;
  readonly headers: Pairs;
  readonly body?: FrontBody;
}

type FrontBody = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>> | null;

/**
 * A request with its URL as it came, as Deno's server gives it, that can say that its client has gone.
 * It brings its method and body along: not every method may be asked of a Request, nor a body with
 * each, and to make a Request with them costs more than to answer from them.
 */
export class FrontRequest extends Request {
  readonly #url: string;
  readonly #method: string;
  readonly #pairs: Pairs;
  readonly #sent: FrontBody;
  #body: ReadableStream<Uint8Array<ArrayBuffer>> | null | undefined;
  #headers: Headers | undefined;
  #controller: AbortController | undefined;

  constructor(url: string, { method = "GET", headers, body = null }: FrontRequestParts) {
    // To read the URL and to write it again would change it, and takes its time, as headers do.
    super("http://localhost/");
    this.#url = url;
    this.#method = method;
    this.#pairs = headers;
    this.#sent = body;
  }

  override get method(): string {
    return this.#method;
  }

  override get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    const sent = this.#sent;
    return this.#body ??= sent instanceof Uint8Array ? new Response(sent).body : sent;
  }

  override bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const sent = this.#sent;
    return sent instanceof Uint8Array ? Promise.resolve(sent) : new Response(sent).bytes();
  }

  /** Throws for headers that cannot be. */
  override get headers(): Headers {
    return this.#headers ??= new Headers(this.#pairs.map(([name, value]) => [name, value]));
  }

  override get url(): string {
    return this.#url;
  }

  // Made when it is asked for only: a signal costs as much as all else of a request.
  override get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  /** The client has gone. */
  abort(): void {
    (this.#controller ??= new AbortController()).abort();
  }
}

/** Head and text are the same bytes: the decoders of the web call another encoding latin1. */
const textOf = ({ buffer, byteOffset, length }: Uint8Array) =>
  Buffer.from(buffer, byteOffset, length).toString("latin1");
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const requestLine = new RegExp(String.raw`^(${methods.join("|")}) (/[!-~\x80-\xff]*) HTTP/1\.1$`);
const headerLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([ -~\t\x80-\xff]*)$/;
const isAscii = /^[\0-\x7f]*$/;
/** What makes a request another than plain. */
const foreignHeaders: ReadonlySet<string> = new Set(["transfer-encoding", "expect", "trailer"]);

/**
 * Reads the request that the bytes begin with if it is plain: HTTP/1.1, ASCII, one Host, a small
 * body with its length given. Whatever else there is, right or wrong, is `foreign`: Deno's server
 * knows what to do with it.
 *
 * @param seen As it was told of these bytes when there were fewer; 0 at first.
 */
export function readRequest(bytes: Uint8Array<ArrayBuffer>, seen = 0): Reading {
  const headEnd = endOfHead(bytes, seen);
  if (headEnd < 0) {
    return bytes.length < headBytesMax && mayBegin(bytes, seen)
      ? { kind: "partial", bytesMin: bytes.length + 1, seen: seenOf(bytes), hasHead: false }
      : foreign;
  }
  const head = readHead(textOf(bytes.subarray(0, headEnd - 4)));
  if (head === undefined) return foreign;
  const { upgrade, headers, method } = head;
  const notPlain = upgrade ? { kind: "foreign", upgradeHeadLength: headEnd } as const : foreign;
  if (!head.plain || head.bodyLength > bodyBytesMax) return notPlain;
  const length = headEnd + head.bodyLength;
  if (bytes.length < length) {
    return { kind: "partial", bytesMin: length, seen: headEnd - headEndBytes, hasHead: true };
  }
  // What comes with a GET says nothing (RFC 9110, 9.3.1).
  const hasBody = head.bodyLength > 0 && method !== "GET";
  const body = hasBody ? bytes.slice(headEnd, length) : null;
  let request: FrontRequest;
  try {
    request = new FrontRequest(`http://${head.host}${head.target}`, { method, headers, body });
  } catch {
    return notPlain;
  }
  return { kind: "plain", request, length, upgrade, last: head.last };
}

const foreign: ForeignRequest = { kind: "foreign" };

/** An empty line, and the end of the line before it. */
const headEndBytes = 4;

/** Behind the empty line that ends a head; -1 when there is none. */
function endOfHead(bytes: Uint8Array, from: number): number {
  const last = Math.min(bytes.length, headBytesMax);
  for (
    let at = bytes.indexOf(0x0d, from);
    at >= 0 && at + 3 < last;
    at = bytes.indexOf(0x0d, at + 1)
  ) {
    if (bytes[at + 1] === 0x0a && bytes[at + 2] === 0x0d && bytes[at + 3] === 0x0a) {
      return at + headEndBytes;
    }
  }
  return -1;
}

/** Of a head without its end: that may begin in the last bytes. */
function seenOf({ length }: Uint8Array): number {
  return Math.max(0, length - headEndBytes + 1);
}

/** Whether a request that the front reads may begin so. */
function mayBegin(bytes: Uint8Array, seen: number): boolean {
  const start = textOf(bytes.subarray(0, 7));
  return methods.some((method) =>
    `${method} `.startsWith(start) || start.startsWith(`${method} `)
  ) && !otherLineEnd.test(textOf(bytes.subarray(Math.max(0, seen - 1))));
}

/** Deno's server may take it for the end of a line, or of the head. */
const otherLineEnd = /[^\r]\n|\r[^\n]/;

interface Head {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly headers: [string, string][];
  readonly bodyLength: number;
  readonly upgrade: boolean;
  readonly last: boolean;
  readonly plain: boolean;
}

/** Undefined for a head that is not as this server reads them. */
function readHead(text: string): Head | undefined {
  const lines = text.split("\r\n");
  const [, method, target] = requestLine.exec(lines[0] ?? "") ?? [];
  if (method === undefined || target === undefined || lines.length > headersMax + 1) {
    return undefined;
  }
  const headers: [string, string][] = [];
  let host: string | undefined;
  let length: string | undefined;
  let connection = "";
  let hasUpgrade = false;
  let hasCookie = false;
  let plain = isAscii.test(text);
  for (let i = 1; i < lines.length; i++) {
    const [, spelled, value] = headerLine.exec(lines[i] ?? "") ?? [];
    if (spelled === undefined || value === undefined) return undefined;
    const name = spelled.toLowerCase();
    headers.push([name, value.trimEnd()]);
    if (name === "host") {
      if (host !== undefined) return undefined;
      host = value.trimEnd();
    } else if (name === "content-length") {
      if (length !== undefined) return undefined;
      length = value.trimEnd();
    } else if (name === "connection") connection += `,${value.toLowerCase()}`;
    else if (name === "upgrade") hasUpgrade = true;
    else if (name === "cookie") {
      // Several are joined in a way of their own (RFC 6265, 5.4).
      if (hasCookie) plain = false;
      hasCookie = true;
    } else if (foreignHeaders.has(name)) plain = false;
  }
  if (host === undefined || host === "") return undefined;
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return undefined;
  const options = connection.split(",").map((option) => option.trim());
  return {
    method,
    target,
    host,
    headers,
    bodyLength: Number(length ?? 0),
    upgrade: hasUpgrade && options.includes("upgrade"),
    last: options.includes("close"),
    plain,
  };
}

/** Has what was received begin with a head that offers no upgrade; 0 where it offers none. */
export function leaveOutUpgrade(received: ReceivedBytes, upgradeHeadLength: number): void {
  if (upgradeHeadLength === 0) return;
  const bytes = received.take();
  const head = withoutUpgrade(bytes.subarray(0, upgradeHeadLength));
  received.add(joinBytes([head, bytes.subarray(upgradeHeadLength)]));
}

/**
 * The head without its offer to upgrade. It asks for the connection's end instead, so that no
 * second request comes on it unread.
 */
function withoutUpgrade(head: Uint8Array): Uint8Array {
  const lines = textOf(head).split("\r\n").slice(0, -2);
  const kept = lines.filter((line) => !/^(?:connection|upgrade|http2-settings):/i.test(line));
  return Buffer.from([...kept, "Connection: close", "", ""].join("\r\n"), "latin1");
}
