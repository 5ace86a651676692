import { ColumnType, type Database, SqlTokens, type Statement } from "../../src/sqlite/mod.ts";
import { quotedName } from "./random_sql.ts";

export interface DescriptionOptions {
  /** Text by its bytes as stored, not by what it reads as: for databases of one encoding. */
  readonly textBytes: boolean;
}

const isUsers = "name NOT LIKE 'sqlite\\_raft%' ESCAPE '\\'";

/** All that two equal databases have in common, a line for each thing. */
export function describe(database: Database, { textBytes }: DescriptionOptions): string[] {
  const lines: string[] = [];
  const show = (label: string, sql: string, sorted = false, bytes = textBytes) => {
    const rows = rowsOf(database, sql, bytes);
    if (sorted) rows.sort();
    lines.push(...rows.map((row) => `${label}: ${row}`));
  };
  for (const pragma of ["user_version", "application_id", "integrity_check"]) {
    show(pragma, `PRAGMA ${pragma}`, false, false);
  }
  // A file is only made with its first table.
  const isEmpty = database.scalar(`SELECT 1 FROM sqlite_schema WHERE ${isUsers}`) === undefined;
  if (textBytes && !isEmpty) show("encoding", "PRAGMA encoding", false, false);
  using schema = database.prepare(
    "SELECT type, name, tbl_name, sql FROM sqlite_schema " +
      `WHERE ${isUsers} ORDER BY type, name`,
  );
  for (const [type, name, table, sql] of schema.values<[string, string, string, string | null]>()) {
    lines.push(`${type} ${name} of ${table}: ${sql === null ? "" : withoutBlankEnd(sql)}`);
    if (type === "view") show(`rows of ${name}`, `SELECT * FROM ${quotedName(name)}`, true);
    if (type === "table") describeTable(database, name, sql ?? "", show);
  }
  return lines;
}

type Show = (label: string, sql: string, sorted?: boolean) => void;

const shadow = /_(?:data|idx|config|docsize|segments|segdir|stat|node|parent|rowid)$/;

function describeTable(database: Database, name: string, sql: string, show: Show): void {
  const table = quotedName(name);
  const isVirtual = /^create\s+virtual/i.test(sql.replace(/\/\*[^]*?\*\/|--[^\n]*\n/g, " "));
  if (!isVirtual && shadow.test(name) && isShadow(database, name)) return;
  const rowId = rowIdOf(database, name);
  // The row ids of SQLite's own list mean nothing: only its order does.
  const columns = rowId === undefined || name === "sqlite_sequence" ? "*" : `${rowId}, *`;
  const module = /\bfts[345](?!vocab|aux)/i.exec(sql)?.[0].toLowerCase();
  show(`violation in ${name}`, `PRAGMA foreign_key_check(${table})`, true);
  show(`rows of ${name}`, `SELECT ${columns} FROM ${table}`, true);
  if (!isVirtual || module === undefined) return;
  const literal = `'${name.replaceAll("'", "''")}'`;
  const index = module === "fts5"
    ? `CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, ${literal}, instance)`
    : `CREATE VIRTUAL TABLE temp.v USING fts4aux(main, ${table})`;
  database.exec(index);
  show(`index of ${name}`, "SELECT * FROM temp.v", true);
  database.exec("DROP TABLE temp.v");
  if (module === "fts5") {
    show(`settings of ${name}`, `SELECT * FROM ${quotedName(`${name}_config`)}`);
  }
  if (module === "fts4") {
    show(`settings of ${name}`, `SELECT * FROM ${quotedName(`${name}_stat`)} WHERE id = 2`);
  }
}

function isShadow(database: Database, name: string): boolean {
  const type = "SELECT type FROM pragma_table_list WHERE schema = 'main' AND name = ?1";
  return database.scalar(type, name) === "shadow";
}

function rowIdOf(database: Database, name: string): string | undefined {
  using columns = database.prepare("SELECT lower(name) FROM pragma_table_xinfo(?1, 'main')");
  const taken = columns.values<[string]>(name).flat();
  const withoutRowId = "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?1";
  if (database.scalar(withoutRowId, name) === 1) return undefined;
  return ["rowid", "_rowid_", "oid"].find((id) => !taken.includes(id));
}

function rowsOf(database: Database, sql: string, textBytes: boolean): string[] {
  const rows: string[] = [];
  try {
    using statement = database.prepare(sql);
    while (statement.step()) {
      const values = Array.from(
        { length: statement.columnCount },
        (_, column) => valueOf(statement, column, textBytes),
      );
      rows.push(values.join(" | "));
    }
  } catch (error) {
    rows.push(String(error));
  }
  return rows;
}

function valueOf(row: Statement, column: number, textBytes: boolean): string {
  switch (row.columnType(column)) {
    case ColumnType.null:
      return "NULL";
    case ColumnType.integer:
      return String(row.columnInt64(column));
    case ColumnType.float: {
      const value = row.columnDouble(column);
      return Object.is(value, -0) ? "-0.0" : `${value.toExponential(16)}`;
    }
    case ColumnType.text: {
      const bytes = textBytes ? row.columnBlobBytes(column) : row.columnTextBytes(column);
      return `${JSON.stringify(new TextDecoder().decode(bytes))} ${hexOf(bytes)}`;
    }
    default:
      return `x${hexOf(row.columnBlobBytes(column))}`;
  }
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A comment at the end, which SQLite keeps, may have to be closed, and blanks there it drops. */
function withoutBlankEnd(sql: string): string {
  const tokens = SqlTokens.of(sql);
  let end = 0;
  let text = "";
  while (tokens.next()) {
    text += tokens.text;
    if (tokens.kind !== "blank") end = text.length;
  }
  return text.slice(0, end);
}
