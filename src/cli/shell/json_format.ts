import type { Table, Value } from "./answer.ts";

/** An array of objects; of two columns with one name the last one stays. */
export function* jsonFormat({ columns, rows }: Table): Generator<string> {
  if (rows.length === 0) {
    yield "[]\n";
    return;
  }
  let start = "[\n";
  for (const row of rows) {
    // Without a prototype, so that a column may be called __proto__.
    const object: Record<string, Value> = Object.create(null);
    for (const [i, column] of columns.entries()) object[column] = row[i] ?? null;
    yield start + JSON.stringify(object, null, 2).replace(/^/gm, "  ");
    start = ",\n";
  }
  yield "\n]\n";
}
