import { parseAnswer, valueText } from "./answer.ts";
import type { Value } from "./answer.ts";
import type { Client } from "./client.ts";

/** The columns of each table and view. */
export type Schema = ReadonlyMap<string, readonly string[]>;

const keptMs = 5_000;
const timeoutMs = 1_000;
const columnsMax = 20_000;

const sql = `SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c
WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite^_%' ESCAPE '^' LIMIT ${columnsMax}`;

/** Gets the schema from a node when it is needed; an old one, or none, where the node is too slow. */
export class SchemaSource {
  readonly #client: Client;
  #schema: Schema = new Map();
  #fetchedAt = -Infinity;

  constructor(client: Client) {
    this.#client = client;
  }

  async schema(): Promise<Schema> {
    if (performance.now() - this.#fetchedAt < keptMs) return this.#schema;
    try {
      const answer = await this.#client.text({
        method: "GET",
        path: "db/query",
        parameters: { level: "none", q: sql },
        repeatable: true,
      }, AbortSignal.timeout(timeoutMs));
      const result = parseAnswer(answer);
      if (result.type === "table") this.#schema = schemaOf(result.table.rows.map(namesOf));
      this.#fetchedAt = performance.now();
    } catch {
      // Completion is a help: without it, the user types.
    }
    return this.#schema;
  }
}

function namesOf(row: readonly Value[]): [table: string, column: string] {
  const [table = null, column = null] = row;
  return [valueText(table), valueText(column)];
}

function schemaOf(names: readonly (readonly [string, string])[]): Schema {
  const schema = new Map<string, string[]>();
  for (const [table, column] of names) {
    const columns = schema.get(table);
    if (columns === undefined) schema.set(table, [column]);
    else columns.push(column);
  }
  return schema;
}
