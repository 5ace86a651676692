import type { ByteWriter } from "../base/bytes.ts";
import type { Database } from "../sqlite/mod.ts";

/** Called when the buffer is worth writing out; empties it. */
export type DumpFlush = () => Promise<void>;

const flushBytes = 0x4_0000;
const encoder = new TextEncoder();
const lineEnd = encoder.encode(";\n");

/**
 * The database as SQL text, in the format of rqlite's dump: tables by name, each with its rows, then
 * indexes, triggers and views. `tables` keeps only those tables; what is not a table always stays.
 * The caller holds a read transaction.
 */
export async function dumpSql(
  database: Database,
  tables: readonly string[],
  out: ByteWriter,
  flush: DumpFlush,
): Promise<void> {
  const line = (text: string) => {
    out.raw(encoder.encode(text));
    out.raw(lineEnd);
  };
  line("PRAGMA foreign_keys=OFF");
  line("BEGIN TRANSACTION");
  for (const [name, sql] of tablesOf(database, tables)) {
    const create = createText(name, sql);
    if (create === undefined) continue;
    line(create);
    using rows = database.prepare(insertQuery(database, name));
    while (rows.step()) {
      out.raw(rows.columnTextBytes(0));
      out.raw(lineEnd);
      if (out.length >= flushBytes) await flush();
    }
  }
  const others = database.prepare(
    "SELECT sql FROM sqlite_master WHERE sql NOT NULL AND type IN ('index', 'trigger', 'view')",
  );
  for (const [sql] of others.values<[string]>()) line(sql);
  line("COMMIT");
  await flush();
}

function tablesOf(database: Database, tables: readonly string[]): [name: string, sql: string][] {
  using statement = database.prepare(
    "SELECT name, sql FROM sqlite_master WHERE sql NOT NULL AND type = 'table' ORDER BY name",
  );
  const all = statement.values<[string, string]>();
  return tables.length === 0 ? all : all.filter(([name]) => tables.includes(name));
}

/** undefined for tables of SQLite's, and the store's, own. */
function createText(name: string, sql: string): string | undefined {
  if (name === "sqlite_sequence") return 'DELETE FROM "sqlite_sequence"';
  if (name === "sqlite_stat1") return 'ANALYZE "sqlite_master"';
  return name.startsWith("sqlite_") ? undefined : sql;
}

/** A query whose rows are INSERT statements. */
function insertQuery(database: Database, table: string): string {
  using info = database.prepare(`PRAGMA table_info(${identifier(table)})`);
  const columns = info.values<[number, string]>().map(([, name]) =>
    `'||quote(${identifier(name)})||'`
  );
  const literal = identifier(table).replaceAll("'", "''");
  return `SELECT 'INSERT INTO ${literal} VALUES(${columns.join(",")})' FROM ${identifier(table)}`;
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
