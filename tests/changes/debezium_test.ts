import assert from "node:assert/strict";
import { debeziumEvents, type DebeziumOptions } from "../../src/changes/debezium.ts";
import type {
  ChangedTable,
  ChangedValue,
  ChangeGroup,
  RowChange,
} from "../../src/changes/types.ts";
import { RawText } from "../../src/changes/types.ts";

const plain: DebeziumOptions = { name: "shop-1", version: "0.1.0", hasSchema: false };

const orders: ChangedTable = {
  name: "orders",
  hasRowId: true,
  columns: [
    { name: "id", type: "INTEGER", primaryKey: 1, generated: "no" },
    { name: "note", type: "TEXT", primaryKey: 0, generated: "no" },
    { name: "total", type: "REAL", primaryKey: 0, generated: "no" },
    { name: "any", type: "", primaryKey: 0, generated: "no" },
    { name: "picture", type: "BLOB", primaryKey: 0, generated: "no" },
  ],
};

type Values = readonly ChangedValue[];

function change(operation: RowChange["operation"], before?: Values, after?: Values): RowChange {
  const rowIds = { oldRowId: undefined, newRowId: undefined };
  return { type: "row", operation, table: orders, ...rowIds, before, after, transaction: 1 };
}

const one: Values = [1n, "a\u2028", 2, 9223372036854775807n, new Uint8Array([0, 255])];
const other: Values = [1n, new RawText(new Uint8Array([0xff])), Infinity, "text", null];
const moved: Values = [2n, null, null, null, null];

const group: ChangeGroup = {
  index: 12,
  time: 1_795_901_597_008,
  first: 3,
  complete: true,
  changes: [
    change("insert", undefined, one),
    change("update", one, other),
    change("update", other, moved),
    change("delete", moved, undefined),
    { type: "read_again", reason: "load", transaction: 2 },
  ],
};

Deno.test("events have the members that Debezium documents, and exact values", () => {
  const events = debeziumEvents(group, plain, () => true);
  assert.deepEqual(events.map(({ id, table }) => `${id} ${table}`), [
    "12.3.1795901597008 orders",
    "12.4.1795901597008 orders",
    "12.5.1795901597008.d orders",
    "12.5.1795901597008.c orders",
    "12.6.1795901597008 orders",
    "12.7.1795901597008 ",
  ]);
  const [first, second, ...rest] = events.map(({ json }) => json);
  const times = '"ts_ms":1795901597008,"ts_us":1795901597008000,"ts_ns":1795901597008000000';
  const source = '"source":{"version":"0.1.0","connector":"raftlite","name":"shop-1",' +
    `${times},"snapshot":"false","db":"main","sequence":"[\\"12\\",\\"3\\"]","table":"orders",` +
    '"txId":"12.1","index":12,"change":3}';
  assert.equal(
    first,
    '{"before":null,"after":{"id":1,"note":"a\u2028","total":2.0,"any":9223372036854775807,' +
      `"picture":"AP8="},${source},"transaction":null,"op":"c",${times}}`,
  );
  assert.match(
    second ?? "",
    /"after":\{"id":1,"note":"\ufffd","total":"Infinity","any":"text","picture":null\}/,
  );
  // A row with another key is one that goes and one that comes.
  const read = rest.map((json) => JSON.parse(json));
  assert.deepEqual(
    read.map(({ op, before, after }) => [op, before?.id, after?.id]),
    [["d", 1, undefined], ["c", undefined, 2], ["d", 2, undefined], ["m", undefined, undefined]],
  );
  const { message: { prefix, content } } = read[3];
  assert.deepEqual([prefix, atob(content)], ["raftlite", '{"read_again":"load"}']);
  const none = debeziumEvents(group, plain, (table) => table !== "orders");
  assert.deepEqual(none.map(({ id }) => id), ["12.7.1795901597008"]);
});

interface Schema {
  readonly type: string;
  readonly optional: boolean;
  readonly field?: string;
  readonly fields?: readonly Schema[];
}

/** What of a value is not as Kafka Connect's JsonConverter takes it by its schema. */
function contradiction(schema: Schema, value: unknown, where: string): string | undefined {
  if (value === null || value === undefined) {
    return schema.optional ? undefined : `${where} is missing`;
  }
  const { fields } = schema;
  if (fields !== undefined) {
    const names = fields.map(({ field }) => field);
    const extra = Object.keys(value).find((name) => !names.includes(name));
    if (extra !== undefined) return `${where}.${extra} is in no schema`;
    const members = new Map<string, unknown>(Object.entries(value));
    for (const each of fields) {
      const { field = "" } = each;
      const found = contradiction(each, members.get(field), `${where}.${field}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const forms: Readonly<Record<string, (value: unknown) => boolean>> = {
    int64: Number.isInteger,
    double: (value) => typeof value === "number",
    string: (value) => typeof value === "string",
    bytes: (value) => typeof value === "string" && btoa(atob(value)) === value,
  };
  return forms[schema.type]?.(value) ? undefined : `${where} is no ${schema.type}: ${value}`;
}

Deno.test("schemas describe their payloads, whatever types the values have", () => {
  for (const { json } of debeziumEvents(group, { ...plain, hasSchema: true }, () => true)) {
    const { schema, payload } = JSON.parse(json);
    assert.equal(contradiction(schema, payload, "payload"), undefined, json);
    assert.match(schema.name, /^(shop_1\.main\.orders\.Envelope|io\.debezium\..*MessageValue)$/);
  }
  const [, second] = debeziumEvents(group, { ...plain, hasSchema: true }, () => true);
  const { schema, payload } = JSON.parse(second?.json ?? "");
  const types = (field: string) =>
    schema.fields.find((each: Schema) => each.field === field).fields.map(({ type }: Schema) =>
      type
    );
  assert.deepEqual(types("after"), ["int64", "string", "string", "string", "bytes"]);
  assert.deepEqual(types("before"), types("after"));
  assert.deepEqual([payload.before.total, payload.after.total], ["2.0", "Infinity"]);
  assert.equal(payload.before.any, "9223372036854775807");
});

Deno.test("a column without a name has one where there is a schema, which takes none", () => {
  const column = (name: string) => ({ name, type: "INT", primaryKey: 0, generated: "no" as const });
  const odd: ChangedTable = { ...orders, columns: [column("_"), column(""), column("__")] };
  const changes = [{ ...change("insert", undefined, [1n, 2n, 3n]), table: odd }];
  const of = (hasSchema: boolean) => {
    const [event] = debeziumEvents({ ...group, changes }, { ...plain, hasSchema }, () => true);
    return JSON.parse(event?.json ?? "");
  };
  const { schema, payload } = of(true);
  assert.deepEqual(payload.after, { _: 1, ___: 2, __: 3 });
  assert.equal(contradiction(schema, payload, "payload"), undefined);
  assert.deepEqual(of(false).after, { _: 1, "": 2, __: 3 });
});

Deno.test("the schema of an envelope is made once for all events of one shape", () => {
  const options = { ...plain, name: "made once", hasSchema: true };
  const { stringify } = JSON;
  let made = 0;
  const events = [];
  try {
    JSON.stringify = (value: { readonly name?: unknown }, ...others: never[]) => {
      if (/^made_once\..*\.Envelope$/.test(String(value?.name))) made++;
      return stringify(value, ...others);
    };
    for (let i = 0; i < 10; i++) {
      events.push(...debeziumEvents(renewed(group), options, () => true));
    }
  } finally {
    JSON.stringify = stringify;
  }
  const schemas = events.map(({ json }) => stringify(JSON.parse(json).schema))
    .filter((schema) => schema.includes("Envelope"));
  assert.ok(schemas.length >= 10);
  assert.equal(made, new Set(schemas).size);
});

/** As it is when it is read again: its tables are others, alike. */
function renewed(group: ChangeGroup): ChangeGroup {
  const changes = group.changes.map((change) =>
    change.type === "row" ? { ...change, table: { ...change.table } } : change
  );
  return { ...group, changes };
}
