import { Buffer } from "node:buffer";
import { debeziumEvents, type DebeziumOptions } from "../../changes/debezium.ts";
import { realText } from "../../base/real_text.ts";
import {
  type Change,
  type ChangedTable,
  type ChangedValue,
  type ChangeGroup,
  RawText,
} from "../../changes/types.ts";

// What a stream of changes says: docs/changes.md. Everybody who follows gets the same texts, so they
// are made once.

/** Which tables are wanted; undefined: all. */
export type TableFilter = ((table: string) => boolean) | undefined;

const groupTexts = new WeakMap<ChangeGroup, string>();
const shapeTexts = new WeakMap<ChangedTable, string>();

/** The changes of a group as a JSON array; "" when none of them is wanted. */
export function changesJson(group: ChangeGroup, filter: TableFilter): string {
  if (filter !== undefined) {
    return arrayJson(group.changes.filter((each) => isWanted(each, filter)));
  }
  const known = groupTexts.get(group);
  if (known !== undefined) return known;
  const text = arrayJson(group.changes);
  groupTexts.set(group, text);
  return text;
}

const eventTexts = {
  withSchemas: new WeakMap<ChangeGroup, string>(),
  without: new WeakMap<ChangeGroup, string>(),
};

/** The same as events in Debezium's envelope; `options` are the same for everybody but for schemas. */
export function eventsJson(
  group: ChangeGroup,
  filter: TableFilter,
  options: DebeziumOptions,
): string {
  const texts = options.hasSchema ? eventTexts.withSchemas : eventTexts.without;
  const known = filter === undefined ? texts.get(group) : undefined;
  if (known !== undefined) return known;
  const events = debeziumEvents(group, options, (table) => filter?.(table) ?? true);
  const text = events.length === 0 ? "" : `[${events.map(({ json }) => json).join(",")}]`;
  if (filter === undefined) texts.set(group, text);
  return text;
}

/** That everything is to be read again is for everybody. */
export function isWanted(change: Change, filter: TableFilter): boolean {
  return filter === undefined || change.type === "read_again" || filter(change.table.name);
}

/** What is known of a table at the moment of a change: whether it has row ids, and its columns. */
export function shapeJson(table: ChangedTable): string {
  const known = shapeTexts.get(table);
  if (known !== undefined) return known;
  const { hasRowId, columns } = table;
  const text = JSON.stringify({
    row_ids: hasRowId,
    columns: columns.map(({ name, type, primaryKey, generated }) => ({
      ...{ name, type, primary_key: primaryKey },
      ...(generated === "no" ? {} : { generated }),
    })),
  });
  shapeTexts.set(table, text);
  return text;
}

function arrayJson(changes: readonly Change[]): string {
  return changes.length === 0 ? "" : `[${changes.map(changeJson).join(",")}]`;
}

function changeJson(change: Change): string {
  if (change.type === "read_again") {
    const { reason, transaction } = change;
    return `{"op":"read_again","reason":"${reason}","transaction":${transaction}}`;
  }
  const { operation, table, oldRowId, newRowId, before, after, transaction } = change;
  return `{"op":"${operation}","table":${JSON.stringify(table.name)}` +
    (oldRowId === undefined ? "" : `,"old_row_id":${oldRowId}`) +
    (newRowId === undefined ? "" : `,"new_row_id":${newRowId}`) +
    (before === undefined ? "" : `,"before":${rowJson(table, before)}`) +
    (after === undefined ? "" : `,"after":${rowJson(table, after)}`) +
    `,"transaction":${transaction}}`;
}

function rowJson({ columns }: ChangedTable, values: readonly ChangedValue[]): string {
  const members = columns.map(({ name }, place) => {
    return `${JSON.stringify(name)}:${valueJson(values[place] ?? null)}`;
  });
  return `{${members.join(",")}}`;
}

/** Each of SQLite's types in a form of its own, so that nothing is lost and nothing must be guessed. */
function valueJson(value: ChangedValue): string {
  switch (typeof value) {
    case "bigint":
      return value.toString();
    case "number":
      return Number.isFinite(value) ? realText(value) : `{"real":"${value}"}`;
    case "string":
      return JSON.stringify(value);
    default:
      if (value === null) return "null";
      return value instanceof RawText
        ? `{"text":"${base64(value.bytes)}"}`
        : `{"blob":"${base64(value)}"}`;
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}
