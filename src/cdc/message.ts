import { Buffer } from "node:buffer";
import { goJson } from "../base/go_json.ts";
import { debeziumEvents, debeziumMessage, type DebeziumOptions } from "../changes/debezium.ts";
import {
  type Change,
  type ChangedTable,
  type ChangedValue,
  type ChangeGroup,
  RawText,
  type ReadAgain,
  type RowChange,
} from "../changes/types.ts";

// Messages to the byte as rqlite 10 sends them, but for what its values lose: see docs/cdc.md.

export interface EventOptions {
  /** Debezium's, in place of rqlite's. */
  readonly debezium: DebeziumOptions | undefined;
  readonly rowIdsOnly: boolean;
  /** Undefined for all tables. */
  readonly tableFilter: RegExp | undefined;
}

/** What one SQL transaction has changed, in JSON; or a single event of Debezium's. */
export interface EncodedGroup {
  readonly json: string;
  readonly index: number;
  readonly events: number;
  /** The same whoever sends the same, and no other's of the cluster. */
  readonly id: string;
  /** What an event of Debezium's is of. */
  readonly table?: string;
}

/** The groups of SQL transactions in what an entry changed; none for one that nobody wants. */
export function encodeGroups(group: ChangeGroup, options: EventOptions): EncodedGroup[] {
  const { index, time, first } = group;
  const { debezium, tableFilter } = options;
  if (debezium !== undefined) {
    return debeziumEvents(group, debezium, (table) => tableFilter?.test(table) ?? true)
      .map((event) => ({ ...event, index, events: 1 }));
  }
  const groups: EncodedGroup[] = [];
  let change = first;
  for (const changes of transactionsOf(group.changes)) {
    const events = changes.map((change) => encodeEvent(change, options)).filter((e) => e !== "");
    // A long transaction is cut into several, and another node may have cut it elsewhere.
    // Of a recovered cluster, and a standby's that was promoted, others come at the indexes of lost entries.
    const id = `${index}.${change}.${changes.length}.${time}`;
    if (events.length > 0) groups.push(encodedGroup(index, id, time, events));
    change += changes.length;
  }
  return groups;
}

/** A group that tells of changes which are lost. */
export function lossGroup(
  from: number,
  to: number,
  time: number,
  { debezium }: Pick<EventOptions, "debezium">,
): EncodedGroup {
  if (debezium !== undefined) {
    const place = { index: to, time, change: 0, transaction: 0 };
    const event = debeziumMessage("lost", place, debezium);
    return { ...event, id: `lost.${from}.${to}`, index: to, events: 1 };
  }
  const error =
    `changes of the entries from index ${from} to ${to} are lost: read everything again`;
  return encodedGroup(to, `lost.${from}.${to}`, time, [`{"error":${goJson(error)}}`]);
}

function encodedGroup(
  index: number,
  id: string,
  time: number,
  events: readonly string[],
): EncodedGroup {
  const json = `{"index":${index},"commit_timestamp":${time},"events":[${events.join(",")}]}`;
  return { json, index, events: events.length, id };
}

function* transactionsOf(changes: readonly Change[]): Generator<readonly Change[]> {
  let start = 0;
  for (let i = 1; i <= changes.length; i++) {
    if (changes[i]?.transaction === changes[start]?.transaction) continue;
    yield changes.slice(start, i);
    start = i;
  }
}

export interface MessageOptions {
  readonly nodeId: string;
  /** "" for none. */
  readonly serviceId: string;
  readonly debezium: DebeziumOptions | undefined;
}

/** A message with such groups. */
export function encodeMessage(
  groups: readonly EncodedGroup[],
  { nodeId, serviceId, debezium }: MessageOptions,
): string {
  if (debezium !== undefined) return `[${groups.map(({ json }) => json).join(",")}]`;
  const service = serviceId === "" ? "" : `"service_id":${goJson(serviceId)},`;
  const payload = groups.map(({ json }) => json).join(",");
  return `{${service}"node_id":${goJson(nodeId)},"payload":[${payload}]}`;
}

const operations = { insert: "INSERT", update: "UPDATE", delete: "DELETE" } as const;

/** "" for what is not told. */
function encodeEvent(change: Change, options: EventOptions): string {
  if (change.type === "read_again") return encodeReadAgain(change);
  const { table, operation } = change;
  if (options.tableFilter !== undefined && !options.tableFilter.test(table.name)) return "";
  let json = `{"op":"${operations[operation]}","table":${goJson(table.name)}`;
  json += rowId("new_row_id", change.newRowId) + rowId("old_row_id", change.oldRowId);
  if (!options.rowIdsOnly) json += rows(change);
  return `${json}}`;
}

/** What rqlite leaves out: where it tells nothing either, nothing is told. */
function encodeReadAgain({ reason }: ReadAgain): string {
  const texts: Record<ReadAgain["reason"], string> = {
    schema: "",
    load: "another database was loaded",
    too_large: "the entry changed more rows than -changes-size holds",
    unknown: "rows changed in a way that SQLite does not tell of",
  };
  const text = texts[reason];
  return text === "" ? "" : `{"error":${goJson(`${text}: read everything again`)}}`;
}

function rowId(key: string, id: bigint | undefined): string {
  return id === undefined || id === 0n ? "" : `,"${key}":${id}`;
}

function rows({ table, before, after }: RowChange): string {
  const columns = sortedColumns(table);
  return (before === undefined ? "" : `,"before":${row(columns, before)}`) +
    (after === undefined ? "" : `,"after":${row(columns, after)}`);
}

interface SortedColumn {
  /** With the colon behind it. */
  readonly key: string;
  readonly place: number;
}

const sorted = new WeakMap<ChangedTable, readonly SortedColumn[]>();
const encoder = new TextEncoder();

/** A table's columns in the order of their names' bytes. */
function sortedColumns(table: ChangedTable): readonly SortedColumn[] {
  const known = sorted.get(table);
  if (known !== undefined) return known;
  const columns = table.columns
    .map(({ name }, place) => ({ bytes: encoder.encode(name), key: `${goJson(name)}:`, place }))
    .sort((one, other) => compareBytes(one.bytes, other.bytes));
  sorted.set(table, columns);
  return columns;
}

function compareBytes(one: Uint8Array, other: Uint8Array): number {
  const end = Math.min(one.length, other.length);
  for (let i = 0; i < end; i++) {
    const difference = (one[i] ?? 0) - (other[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return one.length - other.length;
}

function row(columns: readonly SortedColumn[], values: readonly ChangedValue[]): string {
  const members = columns.map(({ key, place }) => key + encodeValue(values[place] ?? null));
  return `{${members.join(",")}}`;
}

function encodeValue(value: ChangedValue): string {
  switch (typeof value) {
    case "bigint":
      return value.toString();
    case "number":
      // JSON has none: as text, so that nothing is lost.
      return Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`;
    case "string":
      return goJson(value);
    default:
      if (value === null) return "null";
      if (value instanceof RawText) return goJson(new TextDecoder().decode(value.bytes));
      return `"${Buffer.from(value).toString("base64")}"`;
  }
}
