import Table from "cli-table3";
import stringWidth from "string-width";
import { valueText } from "./answer.ts";
import type { Table as ResultTable, Value } from "./answer.ts";
import { printable } from "./printable.ts";
import type { Style } from "./style.ts";

/** The library's time grows with the square of a table's rows: it draws that many at once. */
const rowsPerPiece = 200;

const noLines = {
  "top": "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  "bottom": "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  "left": "|",
  "left-mid": "",
  "mid": "",
  "mid-mid": "",
  "right": "|",
  "right-mid": "",
  "middle": "|",
};

/** A box with a row for each row, in pieces. */
export function* columnFormat({ columns, rows }: ResultTable, style: Style): Generator<string> {
  if (columns.length === 0) return;
  const head = columns.map(printable);
  const widths = head.map(widthOf);
  for (const row of rows) {
    for (const [i, width] of widths.entries()) {
      const value = row[i];
      if (value !== undefined) widths[i] = Math.max(width, widthOf(cellText(value)));
    }
  }
  const colWidths = widths.map((width) => width + 2);
  const line = `+${colWidths.map((width) => "-".repeat(width)).join("+")}+\n`;
  const draw = (cells: readonly string[][]) => {
    const table = new Table({ chars: noLines, colWidths, style: { head: [], border: [] } });
    table.push(...cells);
    return `${table.toString()}\n`;
  };
  yield line + draw([head.map((text) => eachLine(text, style.heading))]) + line;
  if (rows.length === 0) return;
  const cellOf = (value: Value) => value === null ? style.faint("NULL") : cellText(value);
  for (let at = 0; at < rows.length; at += rowsPerPiece) {
    yield draw(
      rows.slice(at, at + rowsPerPiece).map((row) => columns.map((_, i) => cellOf(row[i] ?? null))),
    );
  }
  yield line;
}

function cellText(value: Value): string {
  return printable(valueText(value));
}

function widthOf(text: string): number {
  return text.includes("\n") ? Math.max(...text.split("\n").map(stringWidth)) : stringWidth(text);
}

function eachLine(text: string, change: (line: string) => string): string {
  return text.split("\n").map(change).join("\n");
}
