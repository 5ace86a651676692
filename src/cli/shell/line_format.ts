import stringWidth from "string-width";
import { valueText } from "./answer.ts";
import type { Table } from "./answer.ts";
import { printable } from "./printable.ts";
import type { Style } from "./style.ts";

/** A line for each value, and an empty one between rows. */
export function* lineFormat({ columns, rows }: Table, style: Style): Generator<string> {
  const names = columns.map(printable);
  const widths = names.map((name) => stringWidth(name));
  const widest = Math.max(0, ...widths);
  const labels = names.map((name, i) =>
    " ".repeat(widest - (widths[i] ?? 0)) + style.heading(name)
  );
  for (const [number, row] of rows.entries()) {
    if (number > 0) yield "\n";
    for (const [i, label] of labels.entries()) {
      const value = row[i] ?? null;
      const text = printable(valueText(value));
      yield `${label} = ${value === null ? style.faint(text) : text}\n`;
    }
  }
}
