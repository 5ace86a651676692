import assert from "node:assert/strict";
import { Cluster, eventually } from "../cluster/harness.ts";
import { readTables } from "./copied_rows.ts";
import { FakeNode } from "./fake_node.ts";
import { Nodes } from "./nodes.ts";
import { Report } from "./report.ts";
import { StreamCopy } from "./stream_copy.ts";

// What chaos may only judge once it is so, however slow the machine: each of these was judged too soon.

const shapeOf = (...columns: readonly string[]) => ({
  values: columns.map((name) => ["t", 0, name, 0]),
});

Deno.test("readTables takes no rows whose columns have changed since they were asked for", async () => {
  let changesAfter = 1;
  await using node = new FakeNode((path) => {
    const shape = changesAfter-- > 0 ? shapeOf("v") : shapeOf("v", "more");
    return path.includes("transaction")
      ? { raft_index: 7, results: [{ values: [[1, "integer", 5]] }, shape] }
      : { results: [shape] };
  });
  await assert.rejects(readTables(node.process, "linearizable"), /schema has changed/);
  changesAfter = 100;
  const { tables, seen } = await readTables(node.process, "linearizable");
  assert.deepEqual([[...tables.keys()], seen], [["t"], 7]);
});

Deno.test("StreamCopy is where its rows are for sure, and keeps no part of an entry whose rest is not told", async () => {
  const change = { op: "insert", table: "t", new_row_id: 1, after: { v: 5 } };
  const lines = [
    {
      ...{ next: "3.1", index: 3, first: 0, complete: false },
      ...{ tables: { t: { row_ids: true, columns: [{ name: "v" }] } }, changes: [change] },
    },
    { end: true, next: "3.1", error: "what was before is not here any more" },
  ];
  const asked: string[] = [];
  await using node = new FakeNode((path) => {
    asked.push(path);
    if (path.startsWith("/db/changes")) {
      return lines.splice(0).map((line) => `${JSON.stringify(line)}\n`).join("");
    }
    // Other writes go on: the index of the answer's header is beyond what it has surely seen.
    return path.includes("transaction")
      ? { raft_index: 1, results: [{ values: [[1, "integer", 5]] }, shapeOf("v")] }
      : { results: [shapeOf("v")] };
  });
  const copy = new StreamCopy("the copy", new Report(() => {}), () => node.process);
  await eventually("the copy to go on behind what it has read", () => {
    return asked.some((path) => path.startsWith("/db/changes") && path.endsWith("from=2"));
  });
  assert.deepEqual([copy.index, [...copy.texts]], [1, []]);
  await copy.end();
});

Deno.test("Nodes gives a node to who is to take it away only when no other fault has it", async () => {
  await using cluster = await Cluster.start({ size: 0 });
  const node = cluster.create();
  const nodes = new Nodes({
    ...{ cluster, report: new Report(() => {}), shop: undefined, earlier: undefined },
  });
  const first = await nodes.takeThis(node);
  const order: string[] = [];
  const second = nodes.takeThis(node).then((taken) => {
    order.push("second");
    return taken;
  });
  await new Promise((resolve) => setTimeout(resolve));
  order.push("let go");
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  assert.deepEqual(order, ["let go", "second"]);
});
