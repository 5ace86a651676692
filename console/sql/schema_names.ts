import { rows } from "../api/client.ts";
import type { Names } from "./editor.ts";

/** Names that are completed at most. */
const namesMax = 5_000;

const query = `SELECT m.name, p.name FROM sqlite_schema AS m, pragma_table_xinfo(m.name) AS p
WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' LIMIT ${namesMax}`;

/** Tables and views with their columns. Nothing where that may not be read. */
export async function schemaNames(): Promise<Names> {
  const names: Record<string, string[]> = {};
  for (const [table, column] of await rows(query).catch(() => [])) {
    (names[String(table)] ??= []).push(String(column));
  }
  return names;
}
