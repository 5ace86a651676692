import { messageOf } from "../base/message_of.ts";
import { joinBytes } from "../base/bytes.ts";
import { ObjectStoreError, partBytes } from "./types.ts";

/** How long a request with few bytes may take, and one with a part of an object, in ms. */
const smallTimeoutMs = 30_000;
const partTimeoutMs = 300_000;
/** Bytes from which it is a part. */
const smallBytes = 64 * 1024;
/** Of an answer: a part, or a thousand long names in XML. */
const answerBytesMax = 2 * partBytes;

export interface StoreRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly body?: Uint8Array<ArrayBuffer> | undefined;
  /** The answer may have as many bytes as a part. */
  readonly large?: boolean;
  /** Where it is not as long as its bytes suggest. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface StoreAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
}

/**
 * Requests to object stores. No connection is used twice: on one that the store closes meanwhile,
 * Deno's fetch sends a request again by itself, also one that was carried out (2.9, seen). Nor is a
 * redirection followed: what was signed for one place is not good for another.
 */
export class StoreHttp {
  readonly #client = Deno.createHttpClient({ poolMaxIdlePerHost: 0, http2: false });

  close(): void {
    this.#client.close();
  }

  /** Rejects with an "unavailable" ObjectStoreError when there is no answer. */
  async send(request: StoreRequest): Promise<StoreAnswer> {
    const { method, url, headers, body, large = false, signal } = request;
    const isSmall = !large && (body?.length ?? 0) < smallBytes;
    const { timeoutMs = isSmall ? smallTimeoutMs : partTimeoutMs } = request;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(url, {
        method,
        headers,
        redirect: "manual",
        client: this.#client,
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
        ...(body === undefined ? {} : { body }),
      });
      const bytes = await bodyOf(response);
      return { status: response.status, headers: response.headers, body: bytes };
    } catch (error) {
      signal?.throwIfAborted();
      throw new ObjectStoreError("unavailable", `${url.origin}: ${reasonOf(error)}`);
    }
  }
}

/** No answer that is asked for has more: a store that sends all of an object is not listened to. */
async function bodyOf(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.length;
    if (size > answerBytesMax) throw new Error("it answers with more than was asked for");
    pieces.push(piece);
  }
  return joinBytes(pieces);
}

/** Without the address, whose query may hold what is nobody's business. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return messageOf(cause).replaceAll(/ ?for url \([^)]*\)/g, "");
}

/** Whether a request was carried out, or answered by a status that is an answer to it `also`. */
export function isAnswer({ status }: StoreAnswer, also: readonly number[]): boolean {
  return (status >= 200 && status < 300) || also.includes(status);
}

/** The status of one who is asked for bytes behind the end of an object. */
export const behindEnd = 416;

/** The value of the header Range. */
export function rangeOf(offset: number, length: number): string {
  return `bytes=${offset}-${offset + length - 1}`;
}

/** The bytes that were asked for by that header; one that knows no ranges sends all. */
export function rangeIn(
  { status, body }: StoreAnswer,
  offset: number,
  length: number,
): Uint8Array {
  if (status === behindEnd) return new Uint8Array();
  return status === 206 ? body : body.subarray(offset, offset + length);
}

/** The fields of a JSON object; undefined for what is none. */
export function jsonFields(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** What kind of failure a status is. */
export function kindOfStatus(status: number): ObjectStoreError["kind"] {
  if (status === 404) return "missing";
  if (status === 401 || status === 403) return "denied";
  if (status === 409 || status === 412) return "exists";
  return status === 408 || status === 429 || status >= 500 ? "unavailable" : "failed";
}
