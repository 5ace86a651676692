import { ByteReader, sameBytes } from "../base/bytes.ts";
import type { Database } from "../sqlite/mod.ts";
import { ChunkReader, type RowHead } from "./group_codec.ts";
import { freeRowIdName, identifier } from "../sqlite/identifier.ts";
import type { ChangedTable } from "./types.ts";
import { bindWanted, nextValue, skipValue, writtenRow } from "./value_codec.ts";

/** So many rows of a statement are looked at: one of them will tell. */
const rowsMax = 1000;

/** A row that the statement changed, and what it was before and behind it; undefined for not there. */
interface Row {
  readonly table: ChangedTable;
  readonly rowId: bigint | undefined;
  readonly before: Uint8Array | undefined;
  after: Uint8Array | undefined;
}

/** What was recorded of the statement: chunks, and where in each its part begins. */
type Recorded = () => Iterable<{ readonly bytes: Uint8Array; readonly from: number }>;

/**
 * Whether the changes of a statement that failed are still there. ABORT takes all of them back, FAIL
 * none, and which it was SQLite does not say: so a row is looked at that the statement had left
 * otherwise than it was. "unknown" if none tells; "undone", too, if all rows are as they were.
 */
export function whatBecameOf(
  database: Database,
  recorded: Recorded,
): "kept" | "undone" | "unknown" {
  const { rows, isAll } = netEffect(recorded());
  let differs = false;
  for (const row of rows) {
    const { before, after } = row;
    if (isSame(before, after)) continue;
    differs = true;
    const now = imageNow(database, row);
    if (now === "unreachable") continue;
    if (isSame(now, after)) return "kept";
    if (isSame(now, before)) return "undone";
  }
  return differs || !isAll ? "unknown" : "undone";
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return sameBytes(one, other);
}

function netEffect(recorded: ReturnType<Recorded>): { rows: Iterable<Row>; isAll: boolean } {
  const rows = new Map<string, Row>();
  let isAll = true;
  const note = (
    { table }: RowHead,
    rowId: bigint | undefined,
    was: Uint8Array | undefined,
    is: Uint8Array | undefined,
  ) => {
    const image = is ?? was ?? new Uint8Array();
    const key = `${table.name}\0${rowId ?? keyOf(table, image)}`;
    const row = rows.get(key);
    if (row !== undefined) row.after = is;
    else if (rows.size < rowsMax) rows.set(key, { table, rowId, before: was, after: is });
    else isAll = false;
  };
  for (const { bytes, from } of recorded) {
    const chunk = new ChunkReader(bytes);
    for (let record = chunk.next(); record !== undefined; record = chunk.next()) {
      if (record.type !== "row") continue;
      const { head } = record;
      const before = head.operation === "insert" ? undefined : image(chunk.reader, head.table);
      const after = head.operation === "delete" ? undefined : image(chunk.reader, head.table);
      if (chunk.reader.offset <= from) continue;
      const moved = head.oldRowId !== head.newRowId ||
        (!head.table.hasRowId && keyOf(head.table, before) !== keyOf(head.table, after));
      if (before !== undefined && (moved || after === undefined)) {
        note(head, head.oldRowId, before, undefined);
      }
      if (after !== undefined) note(head, head.newRowId, moved ? undefined : before, after);
    }
  }
  return { rows: rows.values(), isAll };
}

/** The bytes of a row's values. */
function image(reader: ByteReader, table: ChangedTable): Uint8Array {
  const start = reader.offset;
  for (let left = table.columns.length; left > 0; left--) skipValue(reader);
  return reader.since(start).slice();
}

/** What tells a row of a table without row ids from others. */
function keyOf({ columns }: ChangedTable, values: Uint8Array | undefined): string {
  if (values === undefined) return "";
  const reader = new ByteReader(values);
  let key = "";
  for (const { primaryKey } of columns) {
    const value = nextValue(reader);
    if (primaryKey > 0) key += `${value};`;
  }
  return key;
}

/** The row as it is in the database; "unreachable" if SQL has no name for it. */
function imageNow(
  database: Database,
  { table, rowId, before, after }: Row,
): Uint8Array | undefined | "unreachable" {
  const columns = table.columns.map(({ name }) => name);
  const keys = table.columns.filter(({ primaryKey }) => primaryKey > 0);
  const name = rowId === undefined ? undefined : freeRowIdName(columns);
  if (rowId !== undefined && name === undefined) return "unreachable";
  const where = name !== undefined
    ? `${name} = ?`
    : keys.map(({ name }) => `${identifier(name)} IS ?`).join(" AND ");
  using statement = database.prepare(
    `SELECT ${columns.map(identifier).join(", ")} FROM main.${
      identifier(table.name)
    } WHERE ${where}`,
  );
  if (rowId !== undefined) statement.bindInt64(1, rowId);
  else {
    const isKey = table.columns.map(({ primaryKey }) => primaryKey > 0);
    bindWanted(statement, after ?? before ?? new Uint8Array(), isKey);
  }
  return statement.step() ? writtenRow(statement) : undefined;
}
