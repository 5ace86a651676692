import type { Database } from "../sqlite/mod.ts";

/** A table in a dump. */
export interface DumpedTable {
  readonly name: string;
  readonly sql: string;
  /** A shadow table that creating its virtual table, earlier in the dump, has made and filled. */
  readonly exists: boolean;
  /** Its rows are to be written. */
  readonly hasRows: boolean;
}

interface SchemaTable {
  readonly name: string;
  readonly sql: string;
  readonly type: string;
}

/**
 * The tables to dump, in their order; `tables` keeps only those, and what is in them.
 *
 * A virtual table keeps what it holds in shadow tables, which it makes itself: they are emptied and
 * get their rows back, and so it has also what its own rows do not tell: row ids, settings, an index
 * of content that is elsewhere. Sorted by name they come behind it. An R-tree alone takes its rows:
 * how large its nodes are is the database's own matter that it is made in.
 * https://www.sqlite.org/vtab.html#the_xshadowname_method
 */
export function dumpedTables(database: Database, tables: readonly string[]): DumpedTable[] {
  const all = schemaTables(database);
  const chosen = tables.length === 0 ? all : all.filter(({ name }) => tables.includes(name));
  const virtual = new Set(
    chosen.filter(({ type }) => type === "virtual").map(({ name }) => name.toLowerCase()),
  );
  const shadows = new Map<string, Set<string>>();
  for (const { name, type } of all) {
    if (type !== "shadow") continue;
    const [owner, suffix] = shadowName(name);
    shadows.set(owner, (shadows.get(owner) ?? new Set()).add(suffix));
  }
  const isRTree = (name: string) =>
    ["node", "parent", "rowid"].every((suffix) => shadows.get(name)?.has(suffix));
  return all.flatMap((table): DumpedTable[] => {
    const { name, sql, type } = table;
    const owner = type === "shadow" ? shadowName(name)[0] : "";
    if (virtual.has(owner)) {
      return isRTree(owner) ? [] : [{ name, sql, exists: true, hasRows: true }];
    }
    if (!chosen.includes(table)) return [];
    const hasRows = type !== "virtual" || isRTree(name.toLowerCase());
    return [{ name, sql, exists: false, hasRows }];
  });
}

function schemaTables(database: Database): SchemaTable[] {
  using statement = database.prepare(
    "SELECT m.name, m.sql, coalesce(l.type, 'table') AS type FROM sqlite_master AS m " +
      "LEFT JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = m.name " +
      "WHERE m.sql NOT NULL AND m.type = 'table' ORDER BY m.name",
  );
  return statement.all<SchemaTable>();
}

/** Its virtual table's name, in small letters as SQLite does not tell them apart, and what follows it. */
function shadowName(name: string): [owner: string, suffix: string] {
  const at = name.lastIndexOf("_");
  return [name.slice(0, at).toLowerCase(), name.slice(at + 1).toLowerCase()];
}
