import { identifier } from "../../src/sqlite/identifier.ts";
import type { Statement } from "../api/client.ts";
import { ExactNumber, type Value } from "../api/exact.ts";
import { bytesOf } from "../sql/export.ts";
import type { Column, Structure } from "./schema.ts";

/** A value as SQLite has it: blobs are bytes. */
export interface Stored {
  readonly type: "null" | "integer" | "real" | "text" | "blob";
  readonly value: Value;
  /** How long it is; `value` may be less. */
  readonly bytes: number;
  readonly isWhole: boolean;
}

export interface StoredRow {
  /** Of the table's key, in its order. */
  readonly key: readonly Stored[];
  readonly cells: readonly Stored[];
}

export type Operator =
  | "="
  | "<>"
  | "<"
  | ">"
  | "contains"
  | "is null"
  | "is not null";

export interface Filter {
  readonly column: string;
  readonly operator: Operator;
  readonly text: string;
}

export interface Sorting {
  readonly column: string;
  readonly isDescending: boolean;
}

/** What tells a row from all others: names of columns, or of the rowid; undefined where nothing does. */
export function keyOf(
  { relation, columns }: Structure,
): readonly string[] | undefined {
  if (relation.kind === "view" || relation.kind === "shadow") return undefined;
  if (relation.withoutRowid) {
    return columns.filter(({ keyPlace }) => keyPlace > 0)
      .sort((a, b) => a.keyPlace - b.keyPlace).map(({ name }) => name);
  }
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()));
  const free = ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name));
  return free === undefined ? undefined : [free];
}

/** A part of SQL, and the parameters in it. */
interface Part {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/**
 * A value to be bound exactly. The API takes texts of the form X'00' for blobs: such a text goes as
 * its bytes, which SQLite makes a text again.
 */
function valuePart(
  { type, value }: Pick<Stored, "type" | "value">,
): Part {
  if (
    type === "text" && typeof value === "string" &&
    /^x'[0-9a-f]*'$/i.test(value)
  ) {
    return {
      sql: "CAST(? AS TEXT)",
      parameters: [[...new TextEncoder().encode(value)]],
    };
  }
  // A real without a fraction must not be stored as an integer where a column takes both.
  if (type === "real" && typeof value === "number" && Number.isInteger(value)) {
    return { sql: "CAST(? AS REAL)", parameters: [value] };
  }
  return { sql: "?", parameters: [value] };
}

function joined(parts: readonly Part[], separator: string): Part {
  return {
    sql: parts.map(({ sql }) => sql).join(separator),
    parameters: parts.flatMap(({ parameters }) => parameters),
  };
}

/** Of longer values a page has the beginning only. */
const clippedBytes = 400;
export const rowsOfPage = 200;

/** A column's value and, behind it, its type and length: blobs as hexadecimal digits. */
function cellSql(name: string, bytesMax: number): string {
  const column = identifier(name);
  return `CASE typeof(${column}) WHEN 'blob' THEN hex(substr(${column}, 1, ${bytesMax}))` +
    ` WHEN 'text' THEN CASE WHEN length(CAST(${column} AS BLOB)) > ${bytesMax}` +
    ` THEN substr(${column}, 1, ${bytesMax}) ELSE ${column} END ELSE ${column} END,` +
    ` typeof(${column}) || ':' || coalesce(length(CAST(${column} AS BLOB)), 0)`;
}

/** The key and all columns of a table's rows, in the order in which `storedRows` takes them. */
function selectSql(structure: Structure, bytesMax: number): string {
  const cells = [
    ...(keyOf(structure) ?? []).map((name) => cellSql(name, keyBytesMax)),
    ...structure.columns.map(({ name }) => cellSql(name, bytesMax)),
  ];
  return `SELECT ${cells.join(", ")} FROM ${identifier(structure.relation.name)}`;
}

function storedIn(value: Value, about: Value, bytesMax: number): Stored {
  const [type = "null", length = "0"] = String(about).split(":");
  const bytes = Number(length);
  return {
    type: type as Stored["type"],
    value: type === "blob" ? bytesOf(String(value)) : value,
    bytes,
    isWhole: (type !== "blob" && type !== "text") || bytes <= bytesMax,
  };
}

/** Rows as `pageStatement` and `rowStatement` ask for them. */
export function storedRows(
  rows: readonly (readonly Value[])[],
  keyLength: number,
  bytesMax = clippedBytes,
): readonly StoredRow[] {
  return rows.map((row) => {
    const all: Stored[] = [];
    for (let at = 0; at < row.length; at += 2) {
      const isKey = at < 2 * keyLength;
      all.push(
        storedIn(
          row[at] ?? null,
          row[at + 1] ?? null,
          isKey ? keyBytesMax : bytesMax,
        ),
      );
    }
    return { key: all.slice(0, keyLength), cells: all.slice(keyLength) };
  });
}

/** Keys are never cut short: no limit of SQLite's is larger. */
const keyBytesMax = 1_000_000_000;

export interface PageAsked {
  readonly structure: Structure;
  readonly sorting: Sorting | undefined;
  readonly filters: readonly Filter[];
  /** The last row of the page before; undefined for the first page. */
  readonly after: StoredRow | undefined;
  /** Pages before, where there is no key to go on from. */
  readonly page: number;
}

/** One page of a table, of whatever size: it begins behind a key, and passes over no rows. */
export function pageStatement(
  { structure, sorting, filters, after, page }: PageAsked,
): Statement {
  const key = keyOf(structure);
  const conditions = [
    ...filters.map(filterPart),
    ...(after === undefined || key === undefined ? [] : [behind(structure, key, sorting, after)]),
  ];
  const where = joined(
    conditions.map(({ sql, ...rest }) => ({ sql: `(${sql})`, ...rest })),
    " AND ",
  );
  const order = [
    ...(sorting ? [`${identifier(sorting.column)}${sorting.isDescending ? " DESC" : ""}`] : []),
    ...(key ?? []).map(identifier),
  ];
  const skip = key === undefined && page > 0 ? ` OFFSET ${page * rowsOfPage}` : "";
  const sql = selectSql(structure, clippedBytes) +
    (where.sql === "" ? "" : ` WHERE ${where.sql}`) +
    (order.length === 0 ? "" : ` ORDER BY ${order.join(", ")}`) +
    ` LIMIT ${rowsOfPage}${skip}`;
  return [sql, ...where.parameters];
}

function filterPart({ column, operator, text }: Filter): Part {
  const name = identifier(column);
  switch (operator) {
    case "is null":
      return { sql: `${name} IS NULL`, parameters: [] };
    case "is not null":
      return { sql: `${name} IS NOT NULL`, parameters: [] };
    case "contains":
      return { sql: `instr(lower(${name}), lower(?)) > 0`, parameters: [text] };
  }
  const words = valuePart({ type: "text", value: text });
  if (!/^-?\d+(?:\.\d+)?$/.test(text)) {
    return { ...words, sql: `${name} ${operator} ${words.sql}` };
  }
  // A column without a type has numbers as well as texts.
  const link = operator === "<>" ? "AND" : "OR";
  return {
    sql: `${name} ${operator} ? ${link} ${name} ${operator} ?`,
    parameters: [text, new ExactNumber(text)],
  };
}

/** What comes behind a row in the order of the page. */
function behind(
  structure: Structure,
  key: readonly string[],
  sorting: Sorting | undefined,
  { key: values, cells }: StoredRow,
): Part {
  const keyParts = joined(values.map(valuePart), ", ");
  const names = key.map(identifier).join(", ");
  const later = {
    sql: `(${names}) > (${keyParts.sql})`,
    parameters: keyParts.parameters,
  };
  if (sorting === undefined) return later;
  const place = structure.columns.findIndex(({ name }) => name === sorting.column);
  const last = cells[place];
  if (last === undefined) return later;
  const name = identifier(sorting.column);
  const isNull = last.type === "null";
  if (sorting.isDescending && isNull) {
    return joined([{ sql: `${name} IS NULL`, parameters: [] }, later], " AND ");
  }
  if (isNull) {
    return joined([
      { sql: `${name} IS NOT NULL`, parameters: [] },
      { sql: `${name} IS NULL AND ${later.sql}`, parameters: later.parameters },
    ], " OR ");
  }
  // What is not here as a whole is in its row.
  const value = last.isWhole ? valuePart(last) : {
    sql: `(SELECT ${name} FROM ${
      identifier(structure.relation.name)
    } WHERE (${names}) = (${keyParts.sql}))`,
    parameters: keyParts.parameters,
  };
  const sign = sorting.isDescending ? "<" : ">";
  return joined([
    { sql: `${name} ${sign} ${value.sql}`, parameters: value.parameters },
    ...(sorting.isDescending ? [{ sql: `${name} IS NULL`, parameters: [] }] : []),
    joined([
      { sql: `${name} = ${value.sql}`, parameters: value.parameters },
      later,
    ], " AND "),
  ], " OR ");
}

/** Longer values than this are shown in part, and stay as they are. */
export const editedBytesMax = 262_144;

/** One row as a whole. */
export function rowStatement(
  structure: Structure,
  key: readonly Stored[],
): Statement {
  const { sql, parameters } = keyPart(structure, key);
  return [`${selectSql(structure, editedBytesMax)} WHERE ${sql}`, ...parameters];
}

function keyPart(structure: Structure, key: readonly Stored[]): Part {
  const names = keyOf(structure) ?? [];
  return joined(
    names.map((name, place) => equals(identifier(name), key[place])),
    " AND ",
  );
}

function equals(name: string, stored: Stored | undefined): Part {
  if (stored === undefined || stored.type === "null") {
    return { sql: `${name} IS NULL`, parameters: [] };
  }
  const { sql, parameters } = valuePart(stored);
  return { sql: `${name} = ${sql}`, parameters };
}

/** The row that was read, if it still is as it was. */
function asRead(structure: Structure, row: StoredRow): Part {
  const parts = [keyPart(structure, row.key), unchanged(structure.columns, row)];
  return joined(parts.filter(({ sql }) => sql !== ""), " AND ");
}

/** That a row is as it was read: every column, whatever its collation takes for equal. */
function unchanged(columns: readonly Column[], { cells }: StoredRow): Part {
  return joined(
    columns.flatMap(({ name, isGenerated }, place) => {
      const cell = cells[place];
      if (isGenerated || cell === undefined) return [];
      const column = identifier(name);
      if (!cell.isWhole) {
        return [{
          sql: `length(CAST(${column} AS BLOB)) = ?`,
          parameters: [cell.bytes],
        }];
      }
      const { sql, parameters } = valuePart(cell);
      return [{ sql: `${column} COLLATE BINARY IS ${sql}`, parameters }];
    }),
    " AND ",
  );
}

/** New values by the names of their columns. */
export type Changes = ReadonlyMap<string, Pick<Stored, "type" | "value">>;

/** Changes a row, if it is as it was read. */
export function updateStatement(
  structure: Structure,
  row: StoredRow,
  changes: Changes,
): Statement {
  const set = joined(
    [...changes].map(([name, value]) => {
      const { sql, parameters } = valuePart(value);
      return { sql: `${identifier(name)} = ${sql}`, parameters };
    }),
    ", ",
  );
  const where = asRead(structure, row);
  const table = identifier(structure.relation.name);
  return [
    `UPDATE ${table} SET ${set.sql} WHERE ${where.sql}`,
    ...set.parameters,
    ...where.parameters,
  ];
}

/** Takes a row away, if it is as it was read. */
export function deleteStatement(
  structure: Structure,
  row: StoredRow,
): Statement {
  const where = asRead(structure, row);
  return [
    `DELETE FROM ${identifier(structure.relation.name)} WHERE ${where.sql}`,
    ...where.parameters,
  ];
}

/** Adds a row; columns that are not given get their defaults. */
export function insertStatement(
  structure: Structure,
  changes: Changes,
): Statement {
  const table = identifier(structure.relation.name);
  if (changes.size === 0) return [`INSERT INTO ${table} DEFAULT VALUES`];
  const names = [...changes.keys()].map(identifier).join(", ");
  const { sql, parameters } = joined(
    [...changes.values()].map(valuePart),
    ", ",
  );
  return [`INSERT INTO ${table} (${names}) VALUES (${sql})`, ...parameters];
}
