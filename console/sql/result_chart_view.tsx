import { useState } from "preact/hooks";
import { LegendKey } from "../parts/chart.tsx";
import { niceMax, pathThrough } from "../parts/chart_scale.ts";
import { count } from "../parts/format.ts";
import type { Drawn } from "./result_chart.ts";

const width = 800;
const height = 220;
/** Of more rows than this, lines say more than bars. */
const barsMax = 60;

/** A result as bars, or lines when it is long. The words on top are of the row under the cursor. */
export function ResultChart({ drawn: { labels, series } }: { readonly drawn: Drawn }) {
  const [at, setAt] = useState(0);
  const all = series.flatMap(({ values }) => values.map((value) => value ?? 0));
  const high = niceMax(Math.max(0, ...all));
  const low = Math.min(...all) < 0 ? -niceMax(-Math.min(...all)) : 0;
  const y = (value: number) => height * (high - value) / (high - low);
  const step = width / labels.length;
  const isBars = labels.length <= barsMax;
  const barWidth = step * 0.75 / series.length;
  const move = (by: number) => setAt(Math.max(0, Math.min(labels.length - 1, at + by)));
  const words = series.map(({ name, values }) => `${name} ${count(values[at])}`).join(", ");
  return (
    <div class="result-chart chart">
      <div class="chart-head">
        <span class="key">
          <b>{labels[at]}</b>
        </span>
        {series.map(({ name, values }, place) => (
          <LegendKey key={name} place={place} label={name} value={count(values[at])} />
        ))}
      </div>
      <div class="chart-top number" aria-hidden="true">{count(high)}</div>
      <svg
        class="plot"
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        tabindex={0}
        aria-label={`${labels[at]}: ${words}. ${
          count(labels.length)
        } rows; the arrow keys move over them`}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          const place = Math.floor((event.clientX - box.left) / box.width * labels.length);
          setAt(Math.max(0, Math.min(labels.length - 1, place)));
        }}
        onKeyDown={(event) => {
          const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
          if (by === undefined) return;
          event.preventDefault();
          move(by);
        }}
      >
        <path class="axis" d={`M0 ${y(0)}H${width}M0 ${y(high)}H${width}`} />
        {series.map(({ name, values }, place) =>
          isBars
            ? (
              <g key={name} class={`bars-${place}`}>
                {values.map((value, row) =>
                  value !== null && (
                    <rect
                      key={row}
                      x={row * step + step * 0.125 + place * barWidth}
                      y={Math.min(y(0), y(value))}
                      width={barWidth}
                      height={Math.abs(y(value) - y(0))}
                      class={row === at ? "at" : ""}
                    />
                  )
                )}
              </g>
            )
            : (
              <path
                key={name}
                class={`line-${place}`}
                d={pathThrough(values.map((value, row) => ({
                  x: (row + 0.5) * step,
                  y: value === null ? undefined : y(value),
                })))}
              />
            )
        )}
      </svg>
      <div class="chart-foot" aria-hidden="true">
        <span>{labels[0]}</span>
        <span>{labels.at(-1)}</span>
      </div>
    </div>
  );
}
