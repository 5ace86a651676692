import { useState } from "preact/hooks";
import { act, askJson } from "../api/client.ts";
import { may, type Who } from "../api/session.ts";
import { Failure, Question } from "../parts/dialog.tsx";
import { count, duration, milliseconds } from "../parts/format.ts";
import { useLoaded } from "../parts/loaded.ts";
import { useLooks } from "../parts/looks.ts";
import { tell } from "../parts/toasts.tsx";

interface Running {
  /** Absent of what is in the queue. */
  readonly id?: number;
  readonly sequence_number?: number;
  readonly path?: string;
  readonly state: string;
  readonly age_ms: number;
  readonly user?: string;
  readonly address?: string;
  readonly statements: number;
  readonly sql: readonly string[];
}

interface Summary {
  readonly sql: string;
  readonly calls: number;
  readonly failures: number;
  readonly rows: number;
  readonly total_ms: number;
  readonly mean_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
}

/** What runs now, and what took the time so far, at the node that the page comes from. */
export function ActivityPage({ who }: { readonly who: Who }) {
  return (
    <>
      <div class="page-head">
        <h1>Activity</h1>
        <span class="soft small">of this node</span>
      </div>
      <RunningNow who={who} />
      {who.tables === undefined && <Statements />}
    </>
  );
}

function RunningNow({ who }: { readonly who: Who }) {
  const [all, setAll] = useState<readonly Running[] | undefined>(undefined);
  const [ended, setEnded] = useState<number | undefined>(undefined);
  const failure = useLooks(async () => {
    const { requests, queued } = await askJson<{ requests: Running[]; queued: Running[] }>(
      "/debug/requests",
    );
    setAll([...requests, ...queued]);
  });
  const canEnd = may(who, "status", "leader-ops");
  return (
    <section class="stack" aria-labelledby="running">
      <h2 id="running">Running now</h2>
      <Failure text={failure} />
      <div class="card scroll-x">
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">Statement</th>
              <th scope="col">State</th>
              <th scope="col">Of</th>
              <th scope="col" class="number">For</th>
              {canEnd && (
                <th scope="col">
                  <span class="unseen">What can be done</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {(all ?? []).length === 0 && (
              <tr>
                <td colSpan={canEnd ? 5 : 4} class="soft">
                  {all === undefined
                    ? "The node is being asked…"
                    : "Nothing that takes longer than a look."}
                </td>
              </tr>
            )}
            {all?.map(({ id, sequence_number, sql, statements, state, user, address, age_ms }) => (
              <tr key={id ?? `q${sequence_number}`}>
                <td>
                  <code class="statement">{sql.join("; ") || "a large request"}</code>
                  {statements > sql.length && (
                    <span class="soft small">and {count(statements - sql.length)} more</span>
                  )}
                </td>
                <td>
                  <span class="chip">{state}</span>
                </td>
                <td class="soft">{[user, address].filter(Boolean).join(" at ")}</td>
                <td class="number">{duration(age_ms)}</td>
                {canEnd && (
                  <td class="number">
                    {id !== undefined && state !== "proposed" && (
                      <button
                        type="button"
                        class="button quiet"
                        onClick={() => setEnded(id)}
                      >
                        End<span class="unseen">request {id}</span>
                      </button>
                    )}
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {ended !== undefined && (
        <Question
          title={`End request ${ended}?`}
          verb="End it"
          grave
          onClose={() => setEnded(undefined)}
          act={async () => {
            await act(`/debug/requests/${ended}`, "DELETE");
            tell(`Request ${ended} is ended`);
          }}
        >
          <p>Its client gets an error, and SQLite stops. Nothing of it is written.</p>
        </Question>
      )}
    </section>
  );
}

const columns = {
  calls: ["Calls", count],
  failures: ["Failed", count],
  rows: ["Rows", count],
  total_ms: ["In all", milliseconds],
  mean_ms: ["Mean", milliseconds],
  p99_ms: ["p99", milliseconds],
  max_ms: ["Longest", milliseconds],
} as const;

type ColumnName = keyof typeof columns;

function Statements() {
  const { value, failure, loadAnew } = useLoaded(() =>
    askJson<{ statements: readonly Summary[] }>("/debug/statements?limit=200")
  );
  const [by, setBy] = useState<ColumnName>("total_ms");
  const shown = value?.statements.toSorted((a, b) => b[by] - a[by]);
  return (
    <section class="stack" aria-labelledby="statements">
      <div class="row">
        <h2 id="statements">Statements since the start</h2>
        <span class="soft small">without their values; times are SQLite’s own</span>
        <button type="button" class="button quiet end" onClick={loadAnew}>Load anew</button>
      </div>
      <Failure text={failure} />
      {shown && (
        <div class="card scroll-x">
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">Statement</th>
                {Object.entries(columns).map(([name, [words]]) => (
                  <th
                    key={name}
                    scope="col"
                    class="number"
                    aria-sort={name === by ? "descending" : "none"}
                  >
                    <button
                      type="button"
                      class="head-button"
                      onClick={() => setBy(name as ColumnName)}
                    >
                      {words}
                      {name === by ? " ↓" : ""}
                    </button>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.length === 0 && (
                <tr>
                  <td colSpan={8} class="soft">None yet.</td>
                </tr>
              )}
              {shown.map((summary) => (
                <tr key={summary.sql}>
                  <td>
                    <code class="statement">{summary.sql}</code>
                  </td>
                  {Object.entries(columns).map(([name, [, format]]) => (
                    <td key={name} class="number">{format(summary[name as ColumnName])}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
