import { ExactNumber, isObject, parseExact } from "./exact_json.ts";
import { ShellError } from "./shell_error.ts";

/** A value as the API gives it; an array is a blob, byte by byte. */
export type Value = null | boolean | string | ExactNumber | readonly Value[];

/** Rows that a statement gave. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

/** What became of one statement. */
export type Result =
  & {
    /** As the server wrote it, in seconds. */
    readonly time: number;
  }
  & (
    | { readonly type: "table"; readonly table: Table }
    | { readonly type: "change"; readonly rowsAffected: string; readonly lastInsertId: string }
  );

/** Reads the answer to a request of one statement; throws a ShellError if the statement failed. */
export function parseAnswer(text: string): Result {
  const answer = parseExact(text);
  if (!isObject(answer)) throw new ShellError(`Answer is not understood: ${text.slice(0, 200)}`);
  if (typeof answer.error === "string" && answer.error !== "") throw new ShellError(answer.error);
  const results: readonly unknown[] = Array.isArray(answer.results) ? answer.results : [];
  const [result = {}] = results;
  if (!isObject(result)) throw new ShellError(`Answer is not understood: ${text.slice(0, 200)}`);
  if (typeof result.error === "string" && result.error !== "") throw new ShellError(result.error);
  const time = Number(result.time ?? 0);
  if (!Array.isArray(result.columns)) {
    const rowsAffected = String(result.rows_affected ?? 0);
    return { type: "change", time, rowsAffected, lastInsertId: String(result.last_insert_id ?? 0) };
  }
  const rows: readonly unknown[] = Array.isArray(result.values) ? result.values : [];
  const columns = result.columns.map(String);
  return { type: "table", time, table: { columns, rows: rows.map(toRow) } };
}

function toRow(row: unknown): readonly Value[] {
  return Array.isArray(row) ? row.map(toValue) : [];
}

/** A part of an answer as a value; what is none as its JSON. */
export function toValue(value: unknown): Value {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (value instanceof ExactNumber) return value;
  return Array.isArray(value) ? value.map(toValue) : JSON.stringify(value);
}

/** A value as text; NULL has none of its own. */
export function valueText(value: Value): string {
  if (value === null) return "NULL";
  return Array.isArray(value) ? `[${value.join(",")}]` : String(value);
}
