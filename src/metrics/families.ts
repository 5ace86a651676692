import type { Histogram } from "../base/histogram.ts";

export type Labels = Readonly<Record<string, string>>;

/** A number of a family, or how often values came. */
export interface Sample<Value> {
  readonly labels?: Labels;
  readonly value: Value;
}

/**
 * All samples of one name, whichever protocol they leave by. Names, labels and what they mean are
 * stable: alerts and dashboards of others rest on them. Names follow Prometheus' conventions: base
 * units at the end, `_total` for what only counts up.
 */
export type Family =
  & {
    readonly name: string;
    readonly help: string;
  }
  & (
    | {
      readonly type: "counter" | "gauge";
      readonly samples: readonly Sample<number>[];
    }
    | { readonly type: "histogram"; readonly samples: readonly Sample<Histogram>[] }
  );

/** A value without labels; no sample at all of what there is not. */
export function single(value: number | undefined): readonly Sample<number>[] {
  return value === undefined ? [] : [{ value }];
}

/** A sample for each value, which a label names. */
export function byLabel(
  label: string,
  values: Readonly<Record<string, number>>,
): readonly Sample<number>[] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
}
