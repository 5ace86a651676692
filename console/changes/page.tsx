import { useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "../../src/base/message_of.ts";
import type { Value } from "../api/exact.ts";
import type { Who } from "../api/session.ts";
import { tableLink } from "../data/links.ts";
import { relations } from "../data/schema.ts";
import { cellKind, cellText } from "../grid/value_text.ts";
import { Failure } from "../parts/dialog.tsx";
import { count, counted } from "../parts/format.ts";
import { Icon } from "../parts/icons.tsx";
import { ListTable } from "../parts/list_table.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { type ChangedCell, followChanges, type RowChange } from "./follow.ts";

/** More than anybody reads; older ones go. */
const shownMax = 300;
/** What comes within this is drawn at once, in ms. */
const drawnEveryMs = 200;

interface ChangesPageProps {
  readonly who: Who;
  /** Whose changes; "" for all. */
  readonly table: string;
}

type State = "opening" | "open" | "paused" | "failed";

/** What is done to which rows, as it is done. */
export function ChangesPage({ who, table }: ChangesPageProps) {
  const { value: tables = [] } = useLoaded(async () =>
    (await relations(who)).filter(({ kind }) => kind === "table").map(({ name }) => name)
  );
  const [begin, setBegin] = useState<"" | "oldest">("");
  return (
    <>
      <div class="page-head">
        <h1>Changes</h1>
        <span class="soft small">of rows, as they happen</span>
        <span class="row end">
          <label class="row soft small">
            Table
            <select
              class="field"
              value={table}
              onChange={({ currentTarget: { value } }) => {
                location.hash = value === ""
                  ? "#/changes"
                  : `#/changes/${encodeURIComponent(value)}`;
              }}
            >
              <option value="">all</option>
              {[...new Set([...tables, ...(table === "" ? [] : [table])])].map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <label class="row soft small">
            From
            <select
              class="field"
              value={begin}
              onChange={({ currentTarget }) => setBegin(currentTarget.value as "" | "oldest")}
            >
              <option value="">now on</option>
              <option value="oldest">all that is kept</option>
            </select>
          </label>
        </span>
      </div>
      <Tail key={`${begin}/${table}`} table={table} begin={begin} />
    </>
  );
}

function Tail({ table, begin }: { readonly table: string; readonly begin: string }) {
  const [state, setState] = useState<State>("opening");
  const [failure, setFailure] = useState("");
  const [shown, setShown] = useState<readonly RowChange[]>([]);
  const [total, setTotal] = useState(0);
  const next = useRef(begin);
  const isPaused = state === "paused" || state === "failed";
  useEffect(() => {
    if (isPaused) return;
    const end = new AbortController();
    let waiting: RowChange[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = () => {
      timer = undefined;
      const come = waiting;
      waiting = [];
      setTotal((before) => before + come.length);
      setShown((before) => [...come.toReversed(), ...before].slice(0, shownMax));
    };
    followChanges({
      table,
      from: next.current,
      signal: end.signal,
      onStart: () => setState("open"),
      onNext: (position) => next.current = position,
      onChanges: (changes) => {
        waiting.push(...changes);
        timer ??= setTimeout(draw, drawnEveryMs);
      },
    }).catch((error) => {
      if (end.signal.aborted) return;
      setFailure(messageOf(error));
      setState("failed");
    });
    return () => {
      end.abort();
      clearTimeout(timer);
      if (waiting.length > 0) draw();
    };
  }, [isPaused]);
  if (state === "failed" && /keeps no changes/.test(failure)) return <HowToKeep />;
  return (
    <>
      <div class="row">
        <button
          type="button"
          class="button"
          onClick={() => {
            setFailure("");
            setState(isPaused ? "opening" : "paused");
          }}
        >
          <Icon name={isPaused ? "play" : "stop"} />
          {isPaused ? "Go on" : "Pause"}
        </button>
        <button type="button" class="button quiet" onClick={() => setShown([])}>Clear</button>
        <span class="soft small end number" role="status">
          {{ opening: "Asking…", open: "Following", paused: "Paused", failed: "Ended" }[state]}
          {` · ${counted(total, "change")}`}
        </span>
      </div>
      <Failure text={failure} />
      {shown.length === 0
        ? state === "open" && <p class="empty">Nothing has changed since.</p>
        : <ChangeList changes={shown} />}
      {total > shown.length && shown.length === shownMax && (
        <p class="soft small">The last {count(shownMax)} of them.</p>
      )}
    </>
  );
}

/** Changes are kept only where somebody has asked for that. */
function HowToKeep() {
  return (
    <section class="card card-body stack" aria-labelledby="how">
      <h2 id="how">This node keeps no changes</h2>
      <p>
        Start each node with the flag below, one after the other: it then remembers what was done to
        rows, up to that size, and tells of it here and over <code>/db/changes</code>.
      </p>
      <pre class="code">raftlite -changes-size 256MiB …</pre>
      <p class="soft">Writes take a little longer with it. docs/changes.md says more.</p>
    </section>
  );
}

function ChangeList({ changes }: { readonly changes: readonly RowChange[] }) {
  return (
    <ListTable label="Changes, the newest first" heads={["Time", "What", "Table", "Row"]}>
      {changes.map((change) => (
        <tr key={change.number}>
          <td class="number left soft" title={`Index ${change.index} of the log`}>
            {change.time.toLocaleTimeString()}
          </td>
          <td>
            <span class={`chip op-${change.op}`}>{change.op.replace("_", " ")}</span>
          </td>
          <td>
            {change.table !== "" && <a href={tableLink(change.table)}>{change.table}</a>}
          </td>
          <td>
            {change.op === "read_again"
              ? <span class="soft">Rows may be others: {change.reason.replace("_", " ")}</span>
              : <Cells change={change} />}
          </td>
        </tr>
      ))}
    </ListTable>
  );
}

/** Of an update what has changed, and what tells which row it was. */
function Cells({ change: { op, cells, rowId } }: { readonly change: RowChange }) {
  const hasKey = cells.some(({ isKey }) => isKey);
  const shown = op === "update" ? cells.filter((cell) => cell.isKey || hasChanged(cell)) : cells;
  return (
    <span class="cells">
      {!hasKey && rowId !== undefined && (
        <span class="cell">
          <b>rowid</b> <Shown value={rowId} />
        </span>
      )}
      {shown.map((cell) => (
        <span key={cell.name} class="cell">
          <b>{cell.name}</b> {op === "update" && hasChanged(cell)
            ? (
              <>
                <Shown value={cell.before} />
                <span aria-hidden="true">→</span>
                <span class="unseen">becomes</span>
                <Shown value={cell.after} />
              </>
            )
            : <Shown value={op === "delete" ? cell.before : cell.after} />}
        </span>
      ))}
    </span>
  );
}

function hasChanged({ before, after }: ChangedCell): boolean {
  return JSON.stringify(before) !== JSON.stringify(after) || String(before) !== String(after);
}

function Shown({ value }: { readonly value: Value | undefined }) {
  if (value === undefined) return null;
  return <code class={cellKind(value)}>{cellText(value)}</code>;
}
