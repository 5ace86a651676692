import { identifier } from "../../src/sqlite/identifier.ts";
import type { Result } from "../api/client.ts";
import { ExactNumber, stringifyExact, type Value } from "../api/exact.ts";

/** A result as text for other programs. */
export const formats = {
  csv: { label: "CSV", type: "text/csv", text: csv },
  json: { label: "JSON", type: "application/json", text: json },
  sql: { label: "SQL", type: "application/sql", text: sql },
} as const;

export type Format = keyof typeof formats;

export function isBlob(value: Value): value is readonly number[] {
  return Array.isArray(value);
}

export function hexOf(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes of pairs of hexadecimal digits. */
export function bytesOf(hex: string): number[] {
  return hex.match(/../g)?.map((pair) => parseInt(pair, 16)) ?? [];
}

/** RFC 4180, with blobs in hexadecimal digits; NULL is an empty field, "" one in quotes. */
function csv({ columns = [], values = [] }: Result): string {
  return [columns, ...values].map((row) => row.map(csvField).join(",") + "\r\n")
    .join("");
}

function csvField(value: Value): string {
  if (value === null) return "";
  const text = isBlob(value) ? hexOf(value) : String(value);
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** An array of objects; of columns that have one name, the later ones get a number. */
function json({ columns = [], values = [] }: Result): string {
  const names: string[] = [];
  for (const name of columns) {
    let free = name;
    for (let number = 2; names.includes(free); number++) {
      free = `${name}_${number}`;
    }
    names.push(free);
  }
  const rows = values.map((row) =>
    `{${row.map((value, at) => `${JSON.stringify(names[at])}:${stringifyExact(value)}`).join(",")}}`
  );
  return `[${rows.join(",\n")}]\n`;
}

/** INSERTs, for a table that is to be named. */
function sql({ columns = [], values = [] }: Result): string {
  const names = columns.map(identifier).join(", ");
  return values.map((row) =>
    `INSERT INTO "table" (${names}) VALUES (${row.map(literal).join(", ")});\n`
  ).join("");
}

/** A value in SQL. */
export function literal(value: Value): string {
  if (value === null) return "NULL";
  if (isBlob(value)) return `X'${hexOf(value)}'`;
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "number" || value instanceof ExactNumber) {
    return String(value);
  }
  if (!value.includes("\0")) return `'${value.replaceAll("'", "''")}'`;
  return `CAST(X'${hexOf([...new TextEncoder().encode(value)])}' AS TEXT)`;
}
