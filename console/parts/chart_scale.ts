/** Round numbers up to at least `max`: where a chart's axis ends. */
export function niceMax(max: number): number {
  if (!(max > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(max));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= max) ?? max;
}

export interface Point {
  readonly x: number;
  /** Undefined: there is no value, and the line has a gap. */
  readonly y: number | undefined;
}

/** An SVG path through the points, which are in the chart's own units already. */
export function pathThrough(points: readonly Point[]): string {
  let path = "";
  let isDown = false;
  for (const [at, { x, y }] of points.entries()) {
    if (y === undefined) {
      isDown = false;
      continue;
    }
    path += `${isDown ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    // A point by itself would be no line at all.
    if (!isDown && points[at + 1]?.y === undefined) path += "h.5";
    isDown = true;
  }
  return path;
}
