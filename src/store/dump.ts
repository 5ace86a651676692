import type { ByteWriter } from "../base/bytes.ts";
import type { Database } from "../sqlite/mod.ts";
import { InsertWriter } from "./dump_rows.ts";
import { type DumpedTable, dumpedTables } from "./dump_tables.ts";
import { identifier } from "./identifier.ts";

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
  const dumped = dumpedTables(database, tables);
  for (const table of dumped) {
    const opening = openingText(table);
    if (opening === undefined) continue;
    line(opening);
    if (table.rows === "none") continue;
    using rows = new InsertWriter(database, table.name, table.rows === "with_rowid");
    while (rows.write(out)) {
      out.raw(lineEnd);
      if (out.length >= flushBytes) await flush();
    }
  }
  for (const { name, rebuilt } of dumped) {
    if (!rebuilt) continue;
    const index = identifier(name);
    line(`INSERT INTO ${index}(${index}) VALUES('rebuild')`);
  }
  const others = database.prepare(
    "SELECT sql FROM sqlite_master WHERE sql NOT NULL AND type IN ('index', 'trigger', 'view')",
  );
  for (const [sql] of others.values<[string]>()) line(sql);
  line("COMMIT");
  await flush();
}

/** What comes before a table's rows; undefined for tables of SQLite's, and the store's, own. */
function openingText({ name, sql }: DumpedTable): string | undefined {
  if (name === "sqlite_sequence") return 'DELETE FROM "sqlite_sequence"';
  if (name === "sqlite_stat1") return 'ANALYZE "sqlite_master"';
  if (name.startsWith("sqlite_")) return undefined;
  return sql;
}
