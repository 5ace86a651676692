/** A node that gave no answer, or not all of it. */
export class Unreachable extends Error {
  override name = "Unreachable";
  constructor(
    message: string,
    /** Whether the node may have got the request. */
    readonly delivered: "no" | "perhaps",
    readonly timedOut = false,
  ) {
    super(message);
  }
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or where to get the bytes from, which may be called again for another node. */
  readonly body?: string | (() => AsyncIterable<Uint8Array>);
  /** How long to wait until the answer begins, and then for each piece; 0 for as long as it takes. */
  readonly timeoutMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Throws Unreachable when it breaks off. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Sends each request over a connection of its own, so that a cancelled one is surely closed, and the
 * query with it, and so that no request goes out on a connection which the node has just closed.
 */
export interface HttpExchange {
  /** Throws Unreachable, or the signal's reason. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
}

/** Where a node says which version it is. */
export const versionHeader = "x-rqlite-version";
/** Where it says how far in the log its answer goes, and is told how far its own copy must go. */
export const indexHeader = "x-raftlite-index";

export function timeoutError(timeoutMs: number, delivered: "no" | "perhaps"): Unreachable {
  return new Unreachable(`no answer within ${timeoutMs / 1000} s`, delivered, true);
}
