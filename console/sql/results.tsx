import { useMemo, useState } from "preact/hooks";
import type { Result } from "../api/client.ts";
import { Grid } from "../grid/grid.tsx";
import { ValueDialog } from "../grid/value_view.tsx";
import { count, counted, milliseconds } from "../parts/format.ts";
import { Icon } from "../parts/icons.tsx";
import { copy, download } from "../parts/save.ts";
import { type Format, formats } from "./export.ts";
import { drawn } from "./result_chart.ts";
import { ResultChart } from "./result_chart_view.tsx";
import { costOf, planOf, type PlanStep } from "./run.ts";

interface ResultViewProps {
  readonly sql: string;
  readonly result: Result;
}

/** What came of one statement. */
export function ResultView({ sql, result }: ResultViewProps) {
  const { error, values, columns, rows_affected, time } = result;
  const isPlan = columns?.join() === "id,parent,notused,detail";
  return (
    <section class="card result" aria-label="Result">
      <div class="result-head">
        <code class="result-sql" title={sql}>
          {sql.replace(/\s+/g, " ").slice(0, 200)}
        </code>
        <span class="soft small number">
          {error === undefined &&
            (columns === undefined ? changed(result) : counted(values?.length ?? 0, "row"))}
          {time !== undefined && ` · ${milliseconds(time * 1000)}`}
        </span>
        {columns !== undefined && values !== undefined && !isPlan && <Exports result={result} />}
      </div>
      {error !== undefined && (
        <div class="notice bad" role="alert">
          <p>{error}</p>
        </div>
      )}
      {columns !== undefined &&
        (isPlan ? <Plan steps={planOf(result)} /> : <Rows result={result} />)}
      {rows_affected === undefined && columns === undefined &&
        error === undefined && <p class="soft card-body">Done.</p>}
    </section>
  );
}

function changed({ rows_affected, last_insert_id }: Result): string {
  if (rows_affected === undefined) return "";
  const id = last_insert_id === undefined ? "" : `, last id ${last_insert_id}`;
  return `${counted(rows_affected, "row")} changed${id}`;
}

function Rows({ result }: { readonly result: Result }) {
  const { columns = [], types = [], values = [] } = result;
  const [open, setOpen] = useState<readonly [number, number] | undefined>(undefined);
  const [isChart, setChart] = useState(false);
  const chart = useMemo(() => drawn(result), [result]);
  if (values.length === 0) return <p class="soft card-body">No rows.</p>;
  return (
    <>
      {chart && (
        <div class="tabs" role="tablist" aria-label="How to show it">
          {[false, true].map((each) => (
            <button
              key={String(each)}
              type="button"
              role="tab"
              aria-selected={each === isChart}
              onClick={() => setChart(each)}
            >
              {each ? "Chart" : "Rows"}
            </button>
          ))}
        </div>
      )}
      {chart && isChart ? <ResultChart drawn={chart} /> : (
        <Grid
          label={`${count(values.length)} rows`}
          {...{ columns, types, rows: values }}
          onOpen={(row, column) => setOpen([row, column])}
        />
      )}
      {open && (
        <ValueDialog
          name={columns[open[1]] ?? ""}
          value={values[open[0]]?.[open[1]] ?? null}
          onClose={() => setOpen(undefined)}
        />
      )}
    </>
  );
}

function Exports({ result }: { readonly result: Result }) {
  const [format, setFormat] = useState<Format>("csv");
  const { label, type, text } = formats[format];
  return (
    <span class="row end">
      <label>
        <span class="unseen">Format to copy or download</span>
        <select
          class="field small"
          value={format}
          onChange={({ currentTarget }) => setFormat(currentTarget.value as Format)}
        >
          {Object.entries(formats).map(([name, each]) => (
            <option key={name} value={name}>{each.label}</option>
          ))}
        </select>
      </label>
      <button
        type="button"
        class="button quiet"
        onClick={() => copy(text(result), `Copied as ${label}`)}
      >
        <Icon name="copy" />Copy
      </button>
      <button
        type="button"
        class="button quiet"
        onClick={() => download(`result.${format}`, type, text(result))}
      >
        <Icon name="download" />Download
      </button>
    </span>
  );
}

const costWords = {
  scan: "reads every row",
  sort: "sorts by itself",
  search: "by an index",
  other: undefined,
};

/** SQLite's plan, with what costs marked. */
function Plan({ steps }: { readonly steps: readonly PlanStep[] }) {
  return (
    <ul class="plan">
      {steps.map((step, place) => <PlanStepView key={place} step={step} />)}
    </ul>
  );
}

function PlanStepView(
  { step: { detail, steps } }: { readonly step: PlanStep },
) {
  const cost = useMemo(() => costOf(detail), [detail]);
  const words = costWords[cost];
  const tone = cost === "search" ? "leads" : cost === "other" ? "" : "warn";
  return (
    <li>
      <span class="plan-step">
        <code>{detail}</code>
        {words && <span class={`chip ${tone}`}>{words}</span>}
      </span>
      {steps.length > 0 && <Plan steps={steps} />}
    </li>
  );
}
