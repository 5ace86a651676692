import assert from "node:assert/strict";
import { withDirectory } from "../directory.ts";
import { CdcReceiver } from "./cdc_receiver.ts";
import { handOver } from "./hand_over.ts";
import { Cluster, eventually, type NodeProcess } from "./harness.ts";

const schema = [
  "CREATE TABLE foo (id INTEGER PRIMARY KEY, name TEXT)",
  "CREATE TABLE w (c, a TEXT, b, PRIMARY KEY (b, a)) WITHOUT ROWID",
  "CREATE TABLE v (r REAL, b BLOB, t TEXT, i, g AS (i + 1) STORED)",
];

interface CdcStatus {
  readonly highwater_mark: number;
  readonly num_gaps: number;
  readonly failing?: { readonly times: number; readonly error: string };
}

async function cdc(node: NodeProcess): Promise<CdcStatus> {
  return (await node.status())["cdc"] as CdcStatus;
}

/** Groups without their times. */
function timeless(bodies: readonly string[]): string[] {
  return bodies.map((body) =>
    body.replaceAll(/"commit_timestamp":\d{13}/g, '"commit_timestamp":0')
  );
}

Deno.test("changes come to the endpoint as rqlite sends them, to the byte", async () => {
  await using receiver = new CdcReceiver();
  await withDirectory(async (directory) => {
    const path = `${directory}/cdc.json`;
    await Deno.writeTextFile(
      path,
      JSON.stringify({
        endpoint: receiver.url,
        service_id: "svc-1",
        max_batch_size: 3,
        max_batch_delay: "50ms",
        high_watermark_interval: 50_000_000,
      }),
    );
    await using cluster = await Cluster.start({ size: 1, flags: ["-cdc-config", path] });
    const [node] = cluster.nodes;
    assert.ok(node);
    await node.execute(schema);
    await node.execute([["INSERT INTO foo VALUES (1, ?)", "<z>\u2028"]]);
    await eventually("the first message", () => receiver.bodies.length === 1);
    await node.execute(["UPDATE foo SET id = 11", "DELETE FROM foo"]);
    await eventually("the second message", () => receiver.bodies.length === 2);
    await node.execute([
      "INSERT INTO w VALUES ('c', 'x', 1)",
      "INSERT INTO v (r, b, t, i) VALUES (1.0, x'00ff', 'a' || char(0), 9223372036854775807 - 1)",
      "INSERT INTO v (r, i) VALUES (9e999, 1e300)",
    ]);
    await eventually("the third message", () => receiver.bodies.length === 3);
    const of = (payload: string) =>
      `{"service_id":"svc-1","node_id":"${node.id}","payload":[${payload}]}`;
    const first = JSON.parse(receiver.bodies[0] ?? "").payload[0].index;
    const group = (after: number, event: string) =>
      `{"index":${first + after},"commit_timestamp":0,"events":[${event}]}`;
    // Each record of how far changes are delivered is an entry of the log, too.
    const second = JSON.parse(receiver.bodies[1] ?? "").payload[0].index - first;
    const third = JSON.parse(receiver.bodies[2] ?? "").payload[0].index - first;
    assert.ok(second > 0 && third > second);
    assert.deepEqual(timeless(receiver.bodies), [
      of(group(
        0,
        '{"op":"INSERT","table":"foo","new_row_id":1,"after":{"id":1,"name":"\\u003cz\\u003e\\u2028"}}',
      )),
      of(
        [
          '{"op":"UPDATE","table":"foo","new_row_id":11,"old_row_id":1,"before":{"id":1,"name":"\\u003cz\\u003e\\u2028"},"after":{"id":11,"name":"\\u003cz\\u003e\\u2028"}}',
          '{"op":"DELETE","table":"foo","old_row_id":11,"before":{"id":11,"name":"\\u003cz\\u003e\\u2028"}}',
        ].map((event) => group(second, event)).join(","),
      ),
      of(
        [
          '{"op":"INSERT","table":"w","after":{"a":"x","b":1,"c":"c"}}',
          '{"op":"INSERT","table":"v","new_row_id":1,"after":{"b":"AP8=","g":9223372036854775807,"i":9223372036854775806,"r":1,"t":"a\\u0000"}}',
          '{"op":"INSERT","table":"v","new_row_id":2,"after":{"b":null,"g":1e+300,"i":1e+300,"r":"Infinity","t":null}}',
        ].map((event) => group(third, event)).join(","),
      ),
    ]);
    const [headers] = receiver.headers;
    assert.equal(headers?.get("content-type"), "application/json");
    assert.equal(headers?.get("accept-encoding"), "gzip");
    await eventually("it to be recorded", async () => {
      return (await cdc(node)).highwater_mark >= first + third;
    });
  });
});

Deno.test("no change is lost by 64 writers, an endpoint that fails, and a leadership that comes back", async () => {
  await using receiver = new CdcReceiver();
  await using cluster = await Cluster.start({ flags: ["-cdc-config", receiver.url] });
  const a = await cluster.leader();
  await a.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)"]);
  receiver.answer = () => new Response("no", { status: 500 });
  const rows = 20;
  const write = async (node: NodeProcess, from: number) => {
    await Promise.all(Array.from({ length: 64 }, async (_, writer) => {
      for (let i = 0; i < rows; i++) {
        await node.execute([["INSERT INTO t VALUES (?, 'v')", from + writer * rows + i]]);
      }
    }));
  };
  await write(a, 0);
  const many = Array.from({ length: 300 }, (_, i) => `INSERT INTO t VALUES (${100_000 + i}, 'm')`);
  await a.execute(many);
  const moveFrom = async (node: NodeProcess) => {
    await eventually("the lead to go", async () => {
      return (await node.fetch("/leader", { method: "POST" })).status === 200;
    });
    return await cluster.leader(node);
  };
  const b = await moveFrom(a);
  await write(b, 2_000);
  await eventually("a message to be refused", () => receiver.refused > 0);
  await handOver(b, a);
  receiver.answer = undefined;
  await a.execute(["INSERT INTO t VALUES (200000, 'last')"]);
  await eventually(
    "the last change",
    () => receiver.events.some(({ new_row_id: id }) => id === 200_000),
    180_000,
  );
  await a.kill();
  const c = await cluster.leader(a);
  await c.execute(["INSERT INTO t VALUES (200001, 'after')"]);
  await eventually(
    "a change behind the crash",
    () => receiver.events.some(({ new_row_id: id }) => id === 200_001),
    180_000,
  );
  const wanted = (await c.query("SELECT id FROM t ORDER BY id")).flat();
  const got = new Set(receiver.events.map(({ after }) => Number(after?.["id"])));
  assert.deepEqual([...got].sort((x, y) => x - y), wanted);
  assert.ok(receiver.events.every(({ error }) => error === undefined));
  // What is sent again is sent from some entry on, and in order: new indexes only ever rise.
  let newest = 0;
  const seen = new Set<string>();
  for (const { index, events } of receiver.groups) {
    const key = `${index} ${JSON.stringify(events)}`;
    if (seen.has(key)) continue;
    seen.add(key);
    assert.ok(index >= newest, `Changes of entry ${index} came behind those of ${newest}`);
    newest = index;
  }
  assert.equal(
    receiver.groups.filter(({ events: [event] }) =>
      (event?.new_row_id ?? 0) >= 100_000 &&
      (event?.new_row_id ?? 0) < 100_300
    ).length >= 300,
    true,
  );
});
