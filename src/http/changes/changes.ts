import { foldName, readRights, rightsOf } from "../../access/table_rights.ts";
import type { Identity } from "../../access/types.ts";
import { type ChangePosition, ChangesTruncatedError } from "../../changes/types.ts";
import type { AdmittedRequest } from "../admitted_request.ts";
import type { AppState } from "../app_state.ts";
import type { QueryParameters } from "../query_parameters.ts";
import { RequestError } from "../request_error.ts";
import { headerOf } from "../request_header.ts";
import type { TableFilter } from "./change_json.ts";
import { changeStream, type StreamForm } from "./change_stream.ts";
import { readPosition } from "./position.ts";

/** Tables that one request may name. */
const tablesMax = 256;
/** A follower that takes nothing for so long, while there is something, is given up, in ms. */
const stallMsMax = 60_000;

const types = {
  events: "text/event-stream; charset=utf-8",
  lines: "application/x-ndjson; charset=utf-8",
} as const;

/**
 * /db/changes: what is done to which rows, from an index on and as it is done, at any node: as
 * server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) or as lines
 * of JSON.
 */
export function changes(app: AppState, admitted: AdmittedRequest<"none">): Response {
  const { parameters, request, identity } = admitted;
  const { changeLog: log, followers } = app;
  if (log === undefined || followers === undefined) {
    throw new RequestError(
      404,
      "this node keeps no changes: start all nodes with -changes-size (256MiB, for instance)",
    );
  }
  const from = positionIn(parameters, headerOf(request, "last-event-id")) ??
    { index: log.status.last + 1, change: 0 };
  const filter = filterFor(parameters, identity);
  const form = formOf(parameters, headerOf(request, "accept"));
  try {
    // As little as that takes: whether they are kept.
    log.read(from, 1);
  } catch (error) {
    if (!(error instanceof ChangesTruncatedError)) throw error;
    throw new RequestError(410, error.message);
  }
  const gone = new AbortController();
  const stream = changeStream({
    ...{ log, followers, from, filter, form },
    mayGoOn: () => admitted.isStillAdmitted,
    signal: gone.signal,
  });
  if (!followers.enter(gone)) {
    throw new RequestError(503, `${followers.max} follow the changes at this node: ask another`);
  }
  const response = app.answers.bytes(
    bodyOf(stream, gone, () => followers.leave(gone)),
    types[form],
  );
  response.headers.set("cache-control", "no-store");
  return response;
}

function positionIn(
  parameters: QueryParameters,
  lastEventId: string | null | undefined,
): ChangePosition | undefined {
  // A browser that comes back says there where it was, and asks for the same URL as at first.
  const text = lastEventId || parameters.get("from");
  if (text === undefined) return undefined;
  const position = readPosition(text);
  if (position !== undefined) return position;
  throw new RequestError(
    400,
    `${
      lastEventId ? "Last-Event-ID" : "from"
    } is not an index of the log, or the "next" of a stream`,
  );
}

/** Undefined for all tables. */
function filterFor(parameters: QueryParameters, identity: Identity): TableFilter {
  const names = (parameters.get("tables") ?? "").split(",").map((name) => name.trim())
    .filter((name) => name !== "");
  if (names.length > tablesMax) {
    throw new RequestError(400, `tables names more than ${tablesMax} tables`);
  }
  const wanted = names.length === 0 ? undefined : new Set(names.map(foldName));
  const encoded = rightsOf(identity);
  const rights = encoded === undefined ? undefined : readRights(encoded);
  if (wanted === undefined && rights === undefined) return undefined;
  return (table) =>
    (wanted === undefined || wanted.has(foldName(table))) && (rights?.mayRead(table) ?? true);
}

function formOf(parameters: QueryParameters, accept: string | null | undefined): StreamForm {
  const asked = parameters.get("format");
  if (asked === undefined) {
    return /\b(x-ndjson|jsonl|json-seq)\b/.test(accept ?? "") ? "lines" : "events";
  }
  if (asked === "ndjson") return "lines";
  if (asked === "sse") return "events";
  throw new RequestError(400, "format is neither sse nor ndjson");
}

/** Gives a piece whenever the last one was taken. */
function bodyOf(
  pieces: AsyncGenerator<string>,
  gone: AbortController,
  left: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  let stalled: ReturnType<typeof setTimeout> | undefined;
  let cancelled = false;
  const end = () => {
    clearTimeout(stalled);
    gone.abort();
    left();
  };
  return new ReadableStream({
    pull: async (controller) => {
      clearTimeout(stalled);
      try {
        const { done, value } = await pieces.next();
        if (cancelled) return;
        if (done) {
          end();
          controller.close();
          return;
        }
        stalled = setTimeout(() => {
          end();
          controller.error(new Error("The follower takes nothing"));
        }, stallMsMax);
        controller.enqueue(encoder.encode(value));
      } catch (error) {
        end();
        if (!cancelled) controller.error(error);
      }
    },
    cancel: () => {
      cancelled = true;
      end();
    },
  }, { highWaterMark: 0 });
}
