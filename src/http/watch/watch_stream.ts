import { LiveReadError } from "../../store/types.ts";
import { newsWithin } from "../streams/heartbeat.ts";
import { heartbeatText, messageText, type StreamForm } from "../streams/stream_form.ts";
import { difference } from "./difference.ts";
import type { LiveQueries } from "./live_queries.ts";
import { areListsEqual, type LiveQuery } from "./live_query.ts";
import type { LiveState } from "./live_state.ts";

// What a live query's stream says: docs/watch.md.

/** Of a piece, beside its rows, about. */
const pieceBytes = 1024;
/** After so long a watcher is to ask again, in ms. */
const watchedMsMax = 3_600_000;

interface StreamOptions {
  readonly query: LiveQuery;
  readonly live: Pick<LiveQueries, "states" | "watchers">;
  readonly first: LiveState;
  readonly form: StreamForm;
  /** False once the watcher may have other rights than those of `query`: it is to ask again. */
  readonly mayGoOn: () => boolean;
  /** Aborted when the watcher has gone, or is given up. */
  readonly gone: AbortController;
  /** Why it was sent away, if it was. */
  readonly sentAway: () => string | undefined;
}

/**
 * What one watcher is told, piece by piece as it asks for more: the rows, and then, from what it was
 * sent last to what is newest, what is other. So one who is slow is told less often, and never of
 * what is over.
 */
export async function* watchStream(options: StreamOptions): AsyncGenerator<string> {
  const { query, live: { states, watchers }, first, form, mayGoOn, gone, sentAway } = options;
  const { signal } = gone;
  const carry = (state: LiveState, make: () => string) =>
    watchers.underWay.carry(gone, 2 * (state.bytes + pieceBytes), make);
  const endsAt = performance.now() + watchedMsMax;
  let sent = query.state ?? first;
  /** The index that was told last, and what can be told of the rows that were sent last. */
  let told = 0;
  const index = () => {
    return told = Math.max(told, sent.index, query.state === sent ? query.validIndex : 0);
  };
  states.sent(sent, undefined);
  try {
    // As late as they are known to hold: who has seen as much elsewhere is not to go back.
    yield* carry(sent, () => piece(form, "rows", index(), rowsText(sent)));
    while (!signal.aborted && performance.now() < endsAt) {
      await watchers.turn();
      if (!mayGoOn() || !query.isTrusted) break;
      const { state, failure } = query;
      if (failure !== undefined) {
        yield endPiece(form, index(), reasonOf(failure));
        return;
      }
      if (state === undefined || state === sent) {
        const known = sent;
        const isNew = await newsWithin(signal, (signal) => query.changed(known, signal));
        if (!isNew && !signal.aborted) yield heartbeat(form, index());
        continue;
      }
      yield* carry(state, () => {
        // There may be another since there was no room.
        const newest = query.state ?? sent;
        const text = newsOf(query, form, sent, newest);
        states.sent(newest, sent);
        sent = newest;
        told = Math.max(told, sent.index);
        return text;
      });
    }
    yield endPiece(form, index(), sentAway());
  } finally {
    states.sent(undefined, sent);
  }
}

/**
 * What was made last for a query: all who are up to date are told the same. Of states it holds the
 * newest alone: one that held another, and that the one before, would be all that there ever were.
 */
interface Made {
  readonly form: StreamForm;
  readonly from: WeakRef<LiveState>;
  readonly to: LiveState;
  readonly text: string;
}

const madeLast = new WeakMap<LiveQuery, Made>();

/** What leads from one state to another; "" when they are alike. */
function newsOf(query: LiveQuery, form: StreamForm, from: LiveState, to: LiveState): string {
  const known = madeLast.get(query);
  if (known?.to === to && known.form === form && known.from.deref() === from) return known.text;
  const text = pieceOfNews(form, from, to);
  madeLast.set(query, { form, from: new WeakRef(from), to, text });
  return text;
}

/** Why the query has failed; undefined for what is only this node's fault: another is to be asked. */
function reasonOf(failure: Error): string | undefined {
  return failure instanceof LiveReadError ? failure.message : undefined;
}

function pieceOfNews(form: StreamForm, from: LiveState, to: LiveState): string {
  const { rows = [], index } = to;
  if (from.rows === undefined || !areListsEqual(from.columns, to.columns)) {
    return piece(form, "rows", index, rowsText(to));
  }
  const splices = difference(from.rows, rows).map(({ at, removed, added }) =>
    `[${at},${removed},[${added.join(",")}]]`
  );
  const types = areListsEqual(from.types, to.types) ? "" : `"types":${JSON.stringify(to.types)},`;
  if (types === "" && splices.length === 0) return "";
  return piece(form, "changes", index, `${types}"changes":[${splices.join(",")}]`);
}

function rowsText({ columns, types, rows = [] }: LiveState): string {
  return `"columns":${JSON.stringify(columns)},"types":${JSON.stringify(types)},` +
    `"rows":[${rows.join(",")}]`;
}

function endPiece(form: StreamForm, index: number, error: string | undefined): string {
  const reason = error === undefined ? "" : `,"error":${JSON.stringify(error)}`;
  return piece(form, "end", index, `"end":true${reason}`);
}

function piece(form: StreamForm, event: string, index: number, members: string): string {
  return messageText(form, { id: String(index), event, data: `{"index":${index},${members}}` });
}

function heartbeat(form: StreamForm, index: number): string {
  return heartbeatText(form, { id: String(index), data: `{"index":${index}}` });
}
