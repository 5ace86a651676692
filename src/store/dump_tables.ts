import type { Database } from "../sqlite/mod.ts";

/** A table in a dump. */
export interface DumpedTable {
  readonly name: string;
  readonly sql: string;
  /** Its rows are to be written; those of a full-text table with their row ids. */
  readonly rows: "none" | "plain" | "with_rowid";
  /** An index of what another table holds: to be made anew once all tables have their rows. */
  readonly rebuilt: boolean;
}

interface SchemaTable {
  readonly name: string;
  readonly sql: string;
  readonly type: string;
}

/**
 * The tables to dump, in their order; `tables` keeps only those.
 *
 * A virtual table makes the shadow tables that it keeps what it holds in, and SQL may not write
 * them: it gets its own rows back. A full-text table without a shadow table for its content has none:
 * it is an index of another table, or it never kept its content and comes back empty.
 * https://www.sqlite.org/fts5.html#external_content_and_contentless_tables
 */
export function dumpedTables(database: Database, tables: readonly string[]): DumpedTable[] {
  const all = schemaTables(database);
  const shadows = new Set(
    all.filter(({ type }) => type === "shadow").map(({ name }) => name.toLowerCase()),
  );
  return all
    .filter(({ name, type }) => type !== "shadow" && (tables.length === 0 || tables.includes(name)))
    .map(({ name, sql, type }) => {
      if (type !== "virtual") return { name, sql, rows: "plain", rebuilt: false };
      const has = (suffix: string) => shadows.has(`${name.toLowerCase()}_${suffix}`);
      if (has("node")) return { name, sql, rows: "plain", rebuilt: false };
      if (has("content")) return { name, sql, rows: "with_rowid", rebuilt: false };
      const isIndex = has("docsize") || has("segdir");
      return { name, sql, rows: "none", rebuilt: isIndex && !contentless.test(sql) };
    });
}

const contentless = /\bcontent\s*=\s*(?:''|""|,|\))/i;

function schemaTables(database: Database): SchemaTable[] {
  using statement = database.prepare(
    "SELECT m.name, m.sql, coalesce(l.type, 'table') AS type FROM sqlite_master AS m " +
      "LEFT JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = m.name " +
      "WHERE m.sql NOT NULL AND m.type = 'table' ORDER BY m.name",
  );
  return statement.all<SchemaTable>();
}
