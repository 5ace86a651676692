import type { Result } from "../api/client.ts";
import { ExactNumber, type Value } from "../api/exact.ts";

/** What can be drawn of a result: numbers, and what each row is called. */
export interface Drawn {
  readonly labels: readonly string[];
  readonly series: readonly {
    readonly name: string;
    readonly values: readonly (number | null)[];
  }[];
}

const seriesMax = 3;
const rowsMax = 2_000;

function numberOf(value: Value | undefined): number | null {
  if (typeof value === "number") return value;
  return value instanceof ExactNumber ? Number(value.source) : null;
}

/**
 * The columns of numbers, by the first column of anything else, or the first of all; undefined when
 * there is nothing to be drawn.
 */
export function drawn({ columns = [], values = [] }: Result): Drawn | undefined {
  if (values.length < 2 || values.length > rowsMax || columns.length < 2) return undefined;
  const isNumeric = columns.map((_, column) => {
    const some = values.filter((row) => row[column] !== null);
    return some.length > 0 && some.every((row) => numberOf(row[column]) !== null);
  });
  const label = Math.max(0, isNumeric.indexOf(false));
  const series = columns.flatMap((name, column) =>
    column === label || !isNumeric[column]
      ? []
      : [{ name, values: values.map((row) => numberOf(row[column])) }]
  );
  if (series.length === 0) return undefined;
  return {
    labels: values.map((row) => row[label] === null ? "NULL" : String(row[label])),
    series: series.slice(0, seriesMax),
  };
}
