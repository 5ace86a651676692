import { rows } from "../api/client.ts";
import type { Who } from "../api/session.ts";

export interface Column {
  readonly name: string;
  /** As it was declared; "" for none. */
  readonly type: string;
  readonly notNull: boolean;
  /** In SQL; undefined for none. */
  readonly defaultSql: string | undefined;
  /** Its place in the primary key, from 1; 0 for none. */
  readonly keyPlace: number;
  /** Computed of others: it cannot be written. */
  readonly isGenerated: boolean;
}

export interface Relation {
  readonly name: string;
  readonly kind: "table" | "view" | "virtual" | "shadow";
  readonly columns: number;
  readonly withoutRowid: boolean;
}

export interface ForeignKey {
  readonly table: string;
  readonly from: readonly string[];
  /** Empty for the other table's primary key. */
  readonly to: readonly string[];
  readonly onDelete: string;
}

export interface Index {
  readonly name: string;
  readonly isUnique: boolean;
  readonly isPartial: boolean;
  /** "c": made by CREATE INDEX; others belong to constraints. */
  readonly origin: string;
  /** An expression has no name: it says so. */
  readonly columns: readonly string[];
}

export interface Structure {
  readonly relation: Relation;
  readonly columns: readonly Column[];
  readonly foreignKeys: readonly ForeignKey[];
  /** Of other tables, to this one. */
  readonly referredBy: readonly string[];
  readonly indexes: readonly Index[];
  /** CREATE statements: its own, then those of its indexes and triggers. */
  readonly statements: readonly string[];
  readonly triggers: readonly string[];
}

const relationsMax = 2_000;

/**
 * Tables and views by name; SQLite's own and the cluster's are not among them. Who has rights by
 * table may not read the schema: those that the rights name are tried.
 */
export async function relations(who: Who): Promise<readonly Relation[]> {
  if (who.tables !== undefined) return await namedRelations(who.tables.read);
  const found = await rows(
    `SELECT name, type, ncol, wr FROM pragma_table_list WHERE schema = 'main'
     AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name LIMIT ${relationsMax}`,
  );
  return found.map(relationOf);
}

function relationOf([name, kind, columns, withoutRowid]: Row): Relation {
  return {
    name: String(name),
    kind: String(kind) as Relation["kind"],
    columns: Number(columns),
    withoutRowid: withoutRowid === 1,
  };
}

async function namedRelations(patterns: readonly string[]): Promise<readonly Relation[]> {
  const names = patterns.filter((pattern) => !pattern.includes("*")).sort();
  const sql = "SELECT count(*) FROM pragma_table_xinfo(?)";
  const all = await Promise.all(names.map(async (name) => {
    const [[columns] = []] = await rows(sql, [name]).catch(() => []);
    return { name, kind: "table" as const, columns: Number(columns ?? 0), withoutRowid: false };
  }));
  return all.filter(({ columns }) => columns > 0);
}

/** All about one; undefined when there is none of that name. */
export async function structureOf(who: Who, name: string): Promise<Structure | undefined> {
  const seesAll = who.tables === undefined;
  const ifSeen = (sql: string) => seesAll ? rows(sql, [name]) : Promise.resolve([]);
  const [list, columns, keys, indexes, made, referring] = await Promise.all([
    ifSeen("SELECT name, type, ncol, wr FROM pragma_table_list(?) WHERE schema = 'main'"),
    rows('SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)', [name]),
    rows(
      `SELECT id, "table", "from", "to", on_delete FROM pragma_foreign_key_list(?) ORDER BY id, seq`,
      [name],
    ),
    rows(
      `SELECT l.name, l."unique", l.partial, l.origin, i.name
       FROM pragma_index_list(?) AS l, pragma_index_info(l.name) AS i ORDER BY l.seq, i.seqno`,
      [name],
    ),
    ifSeen(
      `SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ? AND sql IS NOT NULL
       ORDER BY type = 'table' DESC`,
    ),
    ifSeen(
      `SELECT DISTINCT m.name FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f
       WHERE m.type = 'table' AND f."table" = ? COLLATE NOCASE ORDER BY 1`,
    ),
  ]);
  const [found] = list;
  if (columns.length === 0) return undefined;
  const relation = found === undefined ? guessed(name, columns) : relationOf(found);
  return {
    relation,
    columns: columns.filter((row) => row[5] !== 1).map((row) => ({
      name: String(row[0]),
      type: String(row[1] ?? ""),
      notNull: row[2] === 1,
      defaultSql: row[3] === null || row[3] === undefined ? undefined : String(row[3]),
      keyPlace: Number(row[4]),
      isGenerated: row[5] === 2 || row[5] === 3,
    })),
    foreignKeys: grouped(keys, (rows) => ({
      table: String(rows[0]?.[1]),
      from: rows.map((row) => String(row[2])),
      to: rows.filter((row) => row[3] !== null).map((row) => String(row[3])),
      onDelete: String(rows[0]?.[4]),
    })),
    referredBy: referring.map(([table]) => String(table)),
    indexes: grouped(indexes, (rows) => ({
      name: String(rows[0]?.[0]),
      isUnique: rows[0]?.[1] === 1,
      isPartial: rows[0]?.[2] === 1,
      origin: String(rows[0]?.[3]),
      columns: rows.map((row) => row[4] === null ? "an expression" : String(row[4])),
    })),
    statements: made.map(([, , sql]) => `${sql};`),
    triggers: made.filter(([type]) => type === "trigger").map(([, trigger]) => String(trigger)),
  };
}

type Row = Awaited<ReturnType<typeof rows>>[number];

/**
 * What can be told of a table whose schema may not be read: where its key takes no NULL it serves as
 * one, and else it is taken for a view, which has none.
 */
function guessed(name: string, columns: readonly Row[]): Relation {
  const keys = columns.filter((row) => Number(row[4]) > 0);
  const isKey = keys.length > 0 &&
    keys.every((row) => row[2] === 1 || keys.length === 1 && /^integer$/i.test(String(row[1])));
  return { name, kind: isKey ? "table" : "view", columns: columns.length, withoutRowid: isKey };
}

/** One thing of all rows that begin alike, in the order in which they come. */
function grouped<T>(
  all: readonly Row[],
  make: (rows: readonly Row[]) => T,
): T[] {
  const groups = new Map<string, Row[]>();
  for (const row of all) {
    const key = String(row[0]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map(make);
}
