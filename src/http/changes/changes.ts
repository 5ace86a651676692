import { foldName, readRights, rightsOf } from "../../access/table_rights.ts";
import type { Identity } from "../../access/types.ts";
import { type ChangeLog, type ChangePosition, ChangesTruncatedError } from "../../changes/types.ts";
import type { AdmittedRequest } from "../admitted_request.ts";
import type { AppState } from "../app_state.ts";
import { clusterTimeout, type QueryParameters } from "../query_parameters.ts";
import { RequestError } from "../request_error.ts";
import { headerOf } from "../request_header.ts";
import type { TableFilter } from "./change_json.ts";
import { pieceStream } from "../streams/piece_stream.ts";
import { streamForm, streamTypes } from "../streams/stream_form.ts";
import { changeStream } from "./change_stream.ts";
import { readPosition } from "./position.ts";

/** Tables that one request may name. */
const tablesMax = 256;

/** /db/changes: what is done to which rows, from an index on and as it is done, at any node. */
export async function changes(
  app: AppState,
  admitted: AdmittedRequest<"none">,
): Promise<Response> {
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
  const accept = headerOf(request, "accept");
  const debezium = parameters.get("format") === "debezium"
    ? { name: "raftlite", version: app.info.version, hasSchema: parameters.has("schemas") }
    : undefined;
  const form = debezium === undefined
    ? streamForm(parameters, accept)
    : /\bevent-stream\b/.test(accept ?? "")
    ? "events"
    : "lines";
  try {
    // As little as that takes: whether they are kept.
    log.read(from, 1);
  } catch (error) {
    if (!(error instanceof ChangesTruncatedError)) throw error;
    throw new RequestError(410, error.message);
  }
  await refuseBeyondLog(app, log, { from, timeoutMs: clusterTimeout(parameters) });
  const gone = new AbortController();
  const stream = changeStream({
    ...{ log, followers, from, filter, form, debezium },
    mayGoOn: () => admitted.isStillAdmitted,
    gone,
  });
  if (!followers.enter(gone)) {
    throw new RequestError(503, `${followers.max} follow the changes at this node: ask another`);
  }
  const body = pieceStream(stream, gone, () => followers.leave(gone));
  return app.answers.endless(body, streamTypes[form]);
}

/**
 * Throws a RequestError for a place to which no entry of this cluster's has led: who stands there has
 * followed another history, and would miss what this one has before it.
 */
async function refuseBeyondLog(
  { service }: AppState,
  log: ChangeLog,
  { from: { index }, timeoutMs }: { readonly from: ChangePosition; readonly timeoutMs: number },
): Promise<void> {
  const isBeyond = () => index > log.status.last + 1;
  if (!isBeyond()) return;
  // Another node may have told of what is not here yet.
  await service.sync(timeoutMs);
  if (!isBeyond()) return;
  throw new RequestError(
    410,
    `Index ${index} is beyond this cluster's log, whose last entry is ${log.status.last}: it is of ` +
      "another history, as of a cluster before its recovery or before a standby's promotion. Read " +
      "everything again, with level=linearizable&raft_index, and go on from behind the raft_index " +
      "of that answer",
  );
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
