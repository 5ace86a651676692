import { valueText } from "./answer.ts";
import type { Table, Value } from "./answer.ts";

/**
 * Comma-separated values, RFC 4180. Records end in a bare line feed, as rqlite's do: every reader
 * takes that, and line tools take only that. NULL is the bare word; a text that reads NULL is quoted.
 */
export function* csvFormat({ columns, rows }: Table): Generator<string> {
  if (columns.length === 0) return;
  yield record(columns);
  for (const row of rows) yield record(columns.map((_, i) => row[i] ?? null));
}

function record(values: readonly Value[]): string {
  const fields = values.map(field);
  // A record of one empty field would be an empty line, which readers pass over.
  return `${fields.length === 1 && fields[0] === "" ? '""' : fields.join(",")}\n`;
}

function field(value: Value): string {
  const text = valueText(value);
  const needsQuotes = /[",\r\n]|^\s|\s$/.test(text) || (value !== null && text === "NULL");
  return needsQuotes ? `"${text.replaceAll('"', '""')}"` : text;
}
