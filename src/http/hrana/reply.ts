import { messageOf } from "../../base/message_of.ts";
import type { AppState } from "../app_state.ts";
import { paced } from "../paced.ts";
import { BrokenBodyError, RequestError } from "../request_error.ts";
import { withIndex } from "../session_index.ts";
import { type HranaError, ProtocolError, serviceErrorFor } from "./errors.ts";

/** Exactly this type: of another @libsql/client does not read errors. */
export const contentType = "application/json";

/** An answer of HTTP's, before it is one. */
export interface Reply {
  readonly status: number;
  readonly body: string | Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array>;
  /** What the client has seen of the log with it; undefined where nothing is to be told. */
  readonly index: number | undefined;
}

const encoder = new TextEncoder();

/** Characters of an answer that is sent in one piece. */
const wholeMax = 256 * 1024;

/** An answer of some texts in a row, of which a list is separated by commas. */
export function replyOf(
  [head, list, tail]: readonly [string, readonly string[], string],
  index: number | undefined,
): Reply {
  const length = list.reduce((sum, text) => sum + text.length, 0);
  const body = length <= wholeMax ? `${head}${list}${tail}` : pieces(head, list, tail);
  return { status: 200, body, index };
}

async function* pieces(
  head: string,
  list: readonly string[],
  tail: string,
): AsyncGenerator<Uint8Array> {
  yield encoder.encode(head);
  for (const [i, text] of list.entries()) {
    if (i > 0) yield encoder.encode(",");
    yield encoder.encode(text);
  }
  yield encoder.encode(tail);
}

/** What is answered to a request that failed as a whole, in the words of several clients. */
export function errorReply(app: AppState, error: unknown): Reply {
  const { status, told } = reasonOf(error);
  if (status === 500) app.logger.log("ERROR", "http", `Request failed: ${told.message}`);
  return refusalReply(status, told);
}

export function refusalReply(status: number, { message, code }: HranaError): Reply {
  const body = JSON.stringify({ message, code, error: message });
  return { status, body, index: undefined };
}

function reasonOf(error: unknown): { readonly status: number; readonly told: HranaError } {
  const message = messageOf(error);
  if (error instanceof ProtocolError) {
    return { status: error.status, told: { message, code: error.code } };
  }
  if (error instanceof BrokenBodyError || error instanceof RequestError) {
    const code = error.status === 413 ? "SQLITE_TOOBIG" : "HRANA_PROTO_ERROR";
    return { status: error.status, told: { message, code } };
  }
  const told = serviceErrorFor(error);
  if (told !== undefined) return { status: 503, told };
  if (error instanceof DOMException && error.name === "AbortError") {
    return { status: 499, told: { message: "client went away", code: "SQLITE_INTERRUPT" } };
  }
  return { status: 500, told: { message, code: "INTERNAL_ERROR" } };
}

export function responseTo({ answers }: AppState, reply: Reply): Response {
  const { status, body, index } = reply;
  const sent = typeof body === "string" || body instanceof Uint8Array ? body : paced(body, false);
  return withIndex(answers.bytes(sent, contentType, status), index);
}
