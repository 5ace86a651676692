import assert from "node:assert/strict";
import { background } from "../background.ts";
import { Cluster } from "./harness.ts";

interface Group {
  readonly next: string;
  readonly index?: number;
  readonly changes?: readonly {
    readonly old_row_id?: number;
    readonly new_row_id?: number;
    readonly after?: { readonly v: number };
  }[];
}

/** Enough for a read that takes longer than a write. */
const rows =
  "INSERT INTO t WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 30000) " +
  "SELECT i, 0 FROM n";
const writers = 8;
const copies = 10;

/** docs/changes.md tells how, for who has missed changes. */
Deno.test("A read with raft_index, and the changes from behind it, make a whole copy beside writes", async () => {
  await using cluster = await Cluster.start({ size: 1, flags: ["-changes-size", "16MiB"] });
  const [node] = cluster.nodes;
  assert.ok(node);
  await node.execute(["CREATE TABLE t (id INTEGER PRIMARY KEY, v)", rows]);
  let written = 0;
  let isOver = false;
  const writing = Array.from({ length: writers }, () =>
    background(async () => {
      while (!isOver) {
        written++;
        await node.execute([
          ["INSERT INTO t (v) VALUES (?)", written],
          ["UPDATE t SET v = v + 1 WHERE id BETWEEN ?1 * 17 AND ?1 * 17 + 9", written],
          ["DELETE FROM t WHERE id = ? * 13", written],
        ]);
      }
    }));
  const made: { from: number; rows: Map<number, number> }[] = [];
  while (made.length < copies) {
    const { body } = await node.fetch("/db/query?level=linearizable&raft_index", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(["SELECT id, v FROM t"]),
    });
    const { results: [result], raft_index: index } = JSON.parse(body);
    made.push({ from: index + 1, rows: new Map(result.values ?? []) });
    const before = written;
    while (written < before + writers) await node.query("SELECT 1", "none");
  }
  isOver = true;
  await Promise.all(writing);
  const [done] = await node.execute(["INSERT INTO t (id, v) VALUES (1000000, 1)"]);
  assert.equal(done?.last_insert_id, 1_000_000);
  const expected = new Map(await node.query("SELECT id, v FROM t") as [number, number][]);
  for (const { from, rows } of made) {
    await follow(`${node.url}/db/changes?format=ndjson&from=${from}`, rows);
    assert.deepEqual(new Map([...rows].sort(([a], [b]) => a - b)), expected, `from ${from}`);
  }
});

/** Does to `rows` what is told, whatever of it they have already, up to the last row. */
async function follow(url: string, rows: Map<number, number>): Promise<void> {
  const response = await fetch(url);
  let text = "";
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const lines = (text + piece).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const { changes = [] } = JSON.parse(line) as Group;
      for (const { old_row_id: old, new_row_id: id, after } of changes) {
        if (old !== undefined) rows.delete(old);
        if (id !== undefined && after !== undefined) rows.set(id, after.v);
        if (id === 1_000_000) return;
      }
    }
  }
  assert.fail("The stream ended before the last row");
}
