import { Buffer } from "node:buffer";
import { BoundedMap } from "../base/bounded_map.ts";
import { realText } from "../base/real_text.ts";
import { type Affinity, affinityOf } from "../sqlite/affinity.ts";
import {
  type ChangedTable,
  type ChangedValue,
  type ChangeGroup,
  RawText,
  type ReadAgain,
  type RowChange,
} from "./types.ts";

// Changes in the envelope of Debezium's change events, as its documentation has it for connectors of
// relational databases (https://debezium.io/documentation/reference/stable/connectors/postgresql.html,
// "Data change events"): docs/cdc.md.

export interface DebeziumOptions {
  /** The logical name of the cluster. */
  readonly name: string;
  /** This program's. */
  readonly version: string;
  /** With the schema of Kafka Connect beside the payload, as its JsonConverter writes it. */
  readonly hasSchema: boolean;
}

export interface DebeziumEvent {
  readonly json: string;
  /** "" for what is of none. */
  readonly table: string;
  /** The same whoever tells it, and no other event's of the cluster. */
  readonly id: string;
}

/** What tells that rows may be others by something that tells of no rows. */
type Message = ReadAgain["reason"] | "lost";

type Operation = "c" | "u" | "d";

interface Place {
  readonly index: number;
  readonly time: number;
  /** Within the entry. */
  readonly change: number;
  readonly transaction: number;
}

/** The events of those changes whose table is wanted; whatever is of none is. */
export function debeziumEvents(
  { index, time, first, changes }: ChangeGroup,
  options: DebeziumOptions,
  isWanted: (table: string) => boolean,
): DebeziumEvent[] {
  const events: DebeziumEvent[] = [];
  changes.forEach((change, at) => {
    const place = { index, time, change: first + at, transaction: change.transaction };
    if (change.type === "read_again") events.push(debeziumMessage(change.reason, place, options));
    else if (isWanted(change.table.name)) events.push(...rowEvents(change, place, options));
  });
  return events;
}

/** That everything is to be read again, as a logical message. */
export function debeziumMessage(
  reason: Message,
  place: Place,
  options: DebeziumOptions,
): DebeziumEvent {
  const content = Buffer.from(JSON.stringify({ read_again: reason })).toString("base64");
  const payload = `{"op":"m",${times(place)},"source":${source("", place, options)},` +
    `"message":{"prefix":"raftlite","content":"${content}"}}`;
  const json = options.hasSchema ? `{"schema":${messageSchema},"payload":${payload}}` : payload;
  return { json, table: "", id: idOf(place) };
}

/**
 * With the time: where a cluster was recovered without its last entries, or a standby promoted, others
 * come at their indexes.
 */
function idOf({ index, change, time }: Place): string {
  return `${index}.${change}.${time}`;
}

/** A row that gets another key is one that goes and one that comes. */
function* rowEvents(
  change: RowChange,
  place: Place,
  options: DebeziumOptions,
): Generator<DebeziumEvent> {
  const { table, operation, before, after } = change;
  const id = idOf(place);
  const event = (op: Operation, old: Row, fresh: Row, id: string) => ({
    ...{ table: table.name, id },
    json: envelope(table, { op, before: old, after: fresh }, place, options),
  });
  if (operation === "insert") yield event("c", undefined, after, id);
  else if (operation === "delete") yield event("d", before, undefined, id);
  else if (before !== undefined && after !== undefined && !hasSameKey(table, before, after)) {
    yield event("d", before, undefined, `${id}.d`);
    yield event("c", undefined, after, `${id}.c`);
  } else yield event("u", before, after, id);
}

type Row = readonly ChangedValue[] | undefined;

function hasSameKey(
  { columns }: ChangedTable,
  before: readonly ChangedValue[],
  after: readonly ChangedValue[],
): boolean {
  return columns.every(({ primaryKey }, place) =>
    primaryKey === 0 ||
    (typeof before[place] === typeof after[place] &&
      valueJson(before[place]) === valueJson(after[place]))
  );
}

interface RowEvent {
  readonly op: Operation;
  readonly before: Row;
  readonly after: Row;
}

function envelope(
  table: ChangedTable,
  { op, before, after }: RowEvent,
  place: Place,
  options: DebeziumOptions,
): string {
  const types = options.hasSchema ? connectTypes(table, before, after) : undefined;
  const payload = `{"before":${rowJson(table, before, types)},"after":${
    rowJson(table, after, types)
  },"source":${source(table.name, place, options)},"transaction":null,"op":"${op}",${
    times(place)
  }}`;
  if (types === undefined) return payload;
  return `{"schema":${envelopeSchema(table, types, options)},"payload":${payload}}`;
}

/** The entry's own: the same whoever tells it. */
function times({ time }: Place): string {
  return `"ts_ms":${time},"ts_us":${time}000,"ts_ns":${time}000000`;
}

function source(table: string, place: Place, { name, version }: DebeziumOptions): string {
  const { index, change, transaction } = place;
  return `{"version":${JSON.stringify(version)},"connector":"raftlite",` +
    `"name":${JSON.stringify(name)},${times(place)},"snapshot":"false","db":"main",` +
    `"sequence":${JSON.stringify(JSON.stringify([String(index), String(change)]))},` +
    `"table":${JSON.stringify(table)},"txId":"${index}.${transaction}","index":${index},` +
    `"change":${change}}`;
}

function rowJson(
  { columns }: ChangedTable,
  values: Row,
  types: readonly ConnectType[] | undefined,
): string {
  if (values === undefined) return "null";
  const names = types === undefined ? columns.map(({ name }) => name) : fieldNames(columns);
  const members = names.map((name, place) => {
    const value = values[place] ?? null;
    const isText = types?.[place] === "string" && typeof value !== "string" && value !== null;
    const json = valueJson(value);
    return `${JSON.stringify(name)}:${isText && !json.startsWith('"') ? `"${json}"` : json}`;
  });
  return `{${members.join(",")}}`;
}

function valueJson(value: ChangedValue | undefined): string {
  switch (typeof value) {
    case "bigint":
      return value.toString();
    case "number":
      return Number.isFinite(value) ? realText(value) : `"${value}"`;
    case "string":
      return JSON.stringify(value);
    default:
      if (value === null || value === undefined) return "null";
      if (value instanceof RawText) return JSON.stringify(new TextDecoder().decode(value.bytes));
      return `"${Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64")}"`;
  }
}

type ConnectType = "int64" | "double" | "string" | "bytes";

/**
 * What values have; SQLite has types of values, not of columns. Where a column has several in one event
 * it is a string; where it has none, what it is declared as.
 */
function connectTypes({ columns }: ChangedTable, before: Row, after: Row): readonly ConnectType[] {
  return columns.map(({ type }, place) => {
    const [old, fresh] = [typeOf(before?.[place]), typeOf(after?.[place])];
    if (old !== undefined && fresh !== undefined && old !== fresh) return "string";
    return old ?? fresh ?? declaredType(type);
  });
}

function typeOf(value: ChangedValue | undefined): ConnectType | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "bigint") return "int64";
  // Kafka Connect's JsonConverter writes an infinite double as a text, and reads that as 0.
  if (typeof value === "number") return Number.isFinite(value) ? "double" : "string";
  return typeof value === "string" || value instanceof RawText ? "string" : "bytes";
}

const declaredTypes: Readonly<Record<Affinity, ConnectType>> = {
  INTEGER: "int64",
  TEXT: "string",
  BLOB: "bytes",
  REAL: "double",
  NUMERIC: "string",
};

function declaredType(type: string): ConnectType {
  return type === "" ? "string" : declaredTypes[affinityOf(type)];
}

function field(name: string, type: string, optional: boolean) {
  return { type, optional, field: name };
}

const timeFields = [
  field("ts_ms", "int64", true),
  field("ts_us", "int64", true),
  field("ts_ns", "int64", true),
];

const sourceSchema = {
  type: "struct",
  fields: [
    field("version", "string", false),
    field("connector", "string", false),
    field("name", "string", false),
    ...timeFields,
    field("snapshot", "string", true),
    field("db", "string", false),
    field("sequence", "string", true),
    field("table", "string", false),
    field("txId", "string", true),
    field("index", "int64", false),
    field("change", "int64", false),
  ],
  optional: false,
  name: "io.debezium.connector.raftlite.Source",
  field: "source",
};

const transactionSchema = {
  type: "struct",
  fields: [
    field("id", "string", false),
    field("total_order", "int64", false),
    field("data_collection_order", "int64", false),
  ],
  optional: true,
  name: "event.block",
  version: 1,
  field: "transaction",
};

const messageSchema = JSON.stringify({
  type: "struct",
  fields: [
    field("op", "string", false),
    ...timeFields,
    sourceSchema,
    {
      type: "struct",
      fields: [field("prefix", "string", true), field("content", "bytes", true)],
      optional: false,
      name: "io.debezium.connector.raftlite.Message",
      field: "message",
    },
  ],
  optional: false,
  name: "io.debezium.connector.raftlite.MessageValue",
});

/** Schemas that are remembered: a table has another for each choice of types that its values make. */
const envelopeSchemas = new BoundedMap<string>(64);

/** Made once for all events that are alike in it: it is the larger part of most. */
function envelopeSchema(
  { name: table, columns }: ChangedTable,
  types: readonly ConnectType[],
  { name }: DebeziumOptions,
): string {
  const key = JSON.stringify([name, table, types, columns.map(({ name }) => name)]);
  let schema = envelopeSchemas.get(key);
  if (schema === undefined) {
    schema = envelopeSchemaText({ name, table, columns, types });
    envelopeSchemas.set(key, schema);
  }
  return schema;
}

function envelopeSchemaText({ name, table, columns, types }: {
  readonly name: string;
  readonly table: string;
  readonly columns: ChangedTable["columns"];
  readonly types: readonly ConnectType[];
}): string {
  const named = `${connectName(name)}.main.${connectName(table)}`;
  const fields = fieldNames(columns).map((name, place) => {
    return field(name, types[place] ?? "string", true);
  });
  const row = { type: "struct", fields, optional: true, name: `${named}.Value` };
  return JSON.stringify({
    type: "struct",
    fields: [
      { ...row, field: "before" },
      { ...row, field: "after" },
      sourceSchema,
      transactionSchema,
      field("op", "string", false),
      ...timeFields,
    ],
    optional: false,
    name: `${named}.Envelope`,
    version: 1,
  });
}

/** Kafka Connect has no field without a name; SQLite has such columns. */
function fieldNames(columns: ChangedTable["columns"]): readonly string[] {
  const names = columns.map(({ name }) => name);
  const nameless = names.indexOf("");
  if (nameless < 0) return names;
  let name = "_";
  while (names.includes(name)) name += "_";
  return names.with(nameless, name);
}

/** Schemas' names are those of Avro: letters, digits and underscores. */
function connectName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_]/g, "_");
}
