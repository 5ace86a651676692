import { newsWithin } from "../streams/heartbeat.ts";
import type { StreamForm } from "../streams/stream_form.ts";
import { difference } from "./difference.ts";
import type { LiveQueries } from "./live_queries.ts";
import { areListsEqual, type LiveQuery } from "./live_query.ts";
import type { LiveState } from "./live_state.ts";

// What a live query's stream says: docs/watch.md.

/** After so long a watcher is to ask again, in ms. */
const watchedMsMax = 3_600_000;

interface StreamOptions {
  readonly query: LiveQuery;
  readonly live: Pick<LiveQueries, "states" | "watchers">;
  readonly first: LiveState;
  readonly form: StreamForm;
  /** False once the watcher may have other rights than those of `query`: it is to ask again. */
  readonly mayGoOn: () => boolean;
  /** The watcher has gone. */
  readonly signal: AbortSignal;
  /** Why it was sent away, if it was. */
  readonly sentAway: () => string | undefined;
}

/**
 * What one watcher is told, piece by piece as it asks for more: the rows, and then, from what it was
 * sent last to what is newest, what is other. So one who is slow is told less often, and never of
 * what is over.
 */
export async function* watchStream(options: StreamOptions): AsyncGenerator<string> {
  const { query, live: { states, watchers }, first, form, mayGoOn, signal, sentAway } = options;
  const endsAt = performance.now() + watchedMsMax;
  let sent = query.state ?? first;
  states.sent(sent, undefined);
  try {
    // As late as they are known to hold: who has seen as much elsewhere is not to go back.
    yield piece(form, "rows", Math.max(sent.index, query.validIndex), rowsText(sent));
    while (!signal.aborted && performance.now() < endsAt) {
      await watchers.turn();
      if (!mayGoOn()) break;
      const { state, failure } = query;
      if (failure !== undefined) {
        yield endPiece(form, query.validIndex, failure.message);
        return;
      }
      if (state === undefined || state === sent) {
        const { index } = sent;
        const known = sent;
        const isNew = await newsWithin(signal, (signal) => query.changed(known, signal));
        if (!isNew && !signal.aborted) yield heartbeat(form, Math.max(index, query.validIndex));
        continue;
      }
      const text = newsOf(form, sent, state);
      states.sent(state, sent);
      sent = state;
      if (text !== "") yield text;
    }
    yield endPiece(form, Math.max(sent.index, query.validIndex), sentAway());
  } finally {
    states.sent(undefined, sent);
  }
}

/** What was made last of two states: all who are up to date are told the same. */
const madeLast = new WeakMap<LiveState, { from: LiveState; form: StreamForm; text: string }>();

/** What leads from one state to another; "" when they are alike. */
function newsOf(form: StreamForm, from: LiveState, to: LiveState): string {
  const known = madeLast.get(to);
  if (known?.from === from && known.form === form) return known.text;
  const text = pieceOfNews(form, from, to);
  madeLast.set(to, { from, form, text });
  return text;
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
  const data = `{"index":${index},${members}}`;
  return form === "lines" ? `${data}\n` : `id: ${index}\nevent: ${event}\ndata: ${data}\n\n`;
}

/** Its id is taken by EventSource, which tells its program nothing of it. */
function heartbeat(form: StreamForm, index: number): string {
  return form === "lines" ? `{"index":${index}}\n` : `id: ${index}\n: no news\n\n`;
}
