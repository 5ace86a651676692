import type { FigureRow, LiveState } from "../api/live.ts";
import { Chart, type Series } from "../parts/chart.tsx";
import { bytes, count, milliseconds } from "../parts/format.ts";

/** Of a node that has not run for long yet a shorter time is shown, but no shorter than this. */
const shownMsMin = 120_000;
const shownMsMax = 3_600_000;

interface Plan {
  readonly title: string;
  readonly format: (value: number | null | undefined) => string;
  /** What a line is called, by the name of its figure. */
  readonly lines: Readonly<Record<string, string>>;
}

const perSecond = (value: number | null | undefined) => `${count(value)}/s`;
const percent = (value: number | null | undefined) => `${count(value)} %`;

const plans: readonly Plan[] = [
  {
    title: "Requests at this node",
    format: perSecond,
    lines: {
      writes_per_second: "writes",
      reads_per_second: "reads",
      failures_per_second: "failed",
    },
  },
  {
    title: "Entries applied",
    format: perSecond,
    lines: { entries_per_second: "entries" },
  },
  {
    title: "Time of writes",
    format: milliseconds,
    lines: { write_p50_ms: "median", write_p99_ms: "p99" },
  },
  {
    title: "Time of reads",
    format: milliseconds,
    lines: { read_p50_ms: "median", read_p99_ms: "p99" },
  },
  {
    title: "Until it is on disk",
    format: milliseconds,
    lines: { sync_p99_ms: "own, p99", commit_p99_ms: "a majority’s, p99" },
  },
  {
    title: "Waiting",
    format: count,
    lines: {
      pending_writes: "writes",
      queued_writes: "queued",
      apply_lag_entries: "to apply",
    },
  },
  {
    title: "Silence of the leader, longest turn",
    format: milliseconds,
    lines: { leader_contact_ms: "leader", longest_turn_ms: "turn" },
  },
  {
    title: "Processor",
    format: percent,
    lines: { cpu_percent: "of one core" },
  },
  { title: "Memory", format: bytes, lines: { resident_bytes: "resident" } },
  {
    title: "Sizes",
    format: bytes,
    lines: { database_bytes: "database", wal_bytes: "WAL", log_bytes: "log" },
  },
];

/** The node's last hour, also of the time when nobody looked. */
export function Charts(
  { live: { names, rows } }: { readonly live: LiveState },
) {
  const times = rows.map(([at]) => at ?? 0);
  const to = times.at(-1) ?? 0;
  const shownMs = Math.max(
    shownMsMin,
    Math.min(shownMsMax, to - (times[0] ?? to)),
  );
  const from = to - shownMs;
  return (
    <section class="stack" aria-labelledby="last-hour">
      <h2 id="last-hour">The last hour of this node</h2>
      {rows.length === 0
        ? <p class="soft">The first figures come within five seconds.</p>
        : (
          <div class="charts">
            {plans.map((plan) => (
              <Chart
                key={plan.title}
                {...{ title: plan.title, format: plan.format, times, from, to }}
                series={seriesOf(plan, names, rows)}
              />
            ))}
          </div>
        )}
    </section>
  );
}

function seriesOf(
  { lines }: Plan,
  names: readonly string[],
  rows: readonly FigureRow[],
): readonly Series[] {
  return Object.entries(lines).map(([name, label]) => {
    const place = names.indexOf(name);
    return { label, values: rows.map((row) => row[place]) };
  });
}
