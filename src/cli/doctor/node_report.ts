import type { ClockOffset } from "../../base/clock_offset.ts";
import type { StatusTree } from "../../http/findings/status_tree.ts";

/** What a node says of itself, as far as it is looked at. Undefined: it does not say. */
export interface NodeReport {
  readonly id: string;
  /** Where it was asked. */
  readonly address: string;
  readonly voter: boolean;
  readonly leader: boolean;
  /** Why it could not be asked. */
  readonly failure?: string;
  /** Its clock beside this machine's. */
  readonly clock?: ClockOffset;
  readonly status: StatusTree;
  /** Of its log, in ms, since it started. */
  readonly syncP99Ms?: number | undefined;
}

/** Fewer say nothing about their slowest. */
const countMin = 100;

/**
 * The bound, in seconds, that `fraction` of what a histogram of Prometheus' text counted lies within;
 * undefined where it counted too few, Infinity beyond its last bound.
 */
export function histogramQuantile(
  text: string,
  { name, labels, fraction }: {
    readonly name: string;
    readonly labels: string;
    readonly fraction: number;
  },
): number | undefined {
  const start = `${name}_bucket{${labels},le="`;
  const buckets = text.split("\n").filter((line) => line.startsWith(start)).map((line) => {
    const [bound = "", count = ""] = line.slice(start.length).split('"} ');
    return { bound: bound === "+Inf" ? Infinity : Number(bound), count: Number(count) };
  });
  const total = buckets.at(-1)?.count ?? 0;
  if (total < countMin) return undefined;
  return buckets.find(({ count }) => count >= total * fraction)?.bound;
}
