import { useState } from "preact/hooks";
import { niceMax, pathThrough } from "./chart_scale.ts";
import { clockTime } from "./format.ts";

export interface Series {
  readonly label: string;
  /** As many as there are times. */
  readonly values: readonly (number | null | undefined)[];
}

interface ChartProps {
  readonly title: string;
  /** In ms since 1970, ascending. */
  readonly times: readonly number[];
  /** Where the axis begins and ends. */
  readonly from: number;
  readonly to: number;
  readonly series: readonly Series[];
  readonly format: (value: number | undefined | null) => string;
}

interface LegendKeyProps {
  /** Of the line among the chart's. */
  readonly place: number;
  readonly label: string;
  readonly value: string;
}

/** How a line looks, and its value under the cursor. */
export function LegendKey({ place, label, value }: LegendKeyProps) {
  return (
    <span class="key">
      <svg viewBox="0 0 18 8" aria-hidden="true">
        <path class={`line-${place}`} d="M0 4H18" />
      </svg>
      {label} <b>{value}</b>
    </span>
  );
}

const width = 600;
const height = 120;

/** Lines over time. The arrow keys move over it, and the words on top say what is under the cursor. */
export function Chart({ title, times, from, to, series, format }: ChartProps) {
  const [cursor, setCursor] = useState<number | undefined>(undefined);
  const highest = (values: Series["values"]) => Math.max(0, ...values.map((v) => v ?? 0));
  const max = niceMax(Math.max(0, ...series.map(({ values }) => highest(values))));
  const x = (ms: number) => (width * (ms - from)) / Math.max(1, to - from);
  const y = (value: number) => height - (height * value) / max;
  const last = times.length - 1;
  const at = cursor === undefined ? last : Math.min(cursor, last);
  const nearest = (fraction: number) => {
    const wanted = from + fraction * (to - from);
    let best = last;
    for (const [place, time] of times.entries()) {
      if (Math.abs(time - wanted) < Math.abs((times[best] ?? 0) - wanted)) {
        best = place;
      }
    }
    return best;
  };
  const move = (by: number) => setCursor(Math.max(0, Math.min(last, at + by)));
  const words = series.map(({ label, values }) =>
    `${label} ${format(values[at])}, at most ${format(highest(values))}`
  ).join("; ");
  const time = times[at];
  return (
    <section class="card chart" aria-label={title}>
      <div class="chart-head">
        <h3>{title}</h3>
        {series.map(({ label, values }, place) => (
          <LegendKey key={label} place={place} label={label} value={format(values[at])} />
        ))}
        {cursor !== undefined && time !== undefined && (
          <span class="key end">{new Date(time).toLocaleTimeString()}</span>
        )}
      </div>
      <div class="chart-top number" aria-hidden="true">{format(max)}</div>
      <svg
        class="plot"
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        tabindex={0}
        aria-label={`${title}, over time. ${words}`}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          setCursor(nearest((event.clientX - box.left) / box.width));
        }}
        onPointerLeave={() => setCursor(undefined)}
        onBlur={() => setCursor(undefined)}
        onKeyDown={(event) => {
          const by = {
            ArrowLeft: -1,
            ArrowRight: 1,
            PageUp: -60,
            PageDown: 60,
          }[event.key];
          if (by === undefined) return;
          event.preventDefault();
          move(by);
        }}
      >
        <path
          class="axis"
          d={`M0 ${height}H${width}M0 ${height / 2}H${width}M0 0H${width}`}
        />
        {series.map(({ label, values }, place) => (
          <path
            key={label}
            class={`line-${place}`}
            d={pathThrough(times.map((ms, i) => {
              const value = values[i];
              return {
                x: x(ms),
                y: value === null || value === undefined ? undefined : y(value),
              };
            }))}
          />
        ))}
        {cursor !== undefined && time !== undefined && (
          <path class="cursor" d={`M${x(time)} 0V${height}`} />
        )}
      </svg>
      <div class="chart-foot number" aria-hidden="true">
        <span>{clockTime(from)}</span>
        <span>{clockTime(to)}</span>
      </div>
    </section>
  );
}
