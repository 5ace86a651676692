import { strict as assert } from "node:assert";
import { Cluster, type NodeProcess } from "./harness.ts";

async function results(node: NodeProcess, path: string, body: string): Promise<string> {
  const answer = await node.fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  assert.equal(answer.status, 200, answer.body);
  return answer.body;
}

/** Each as a request writes it, with the value's type in SQLite and the answer's text. */
const values: readonly (readonly [sent: string, type: string, answered: string])[] = [
  ["null", "null", "null"],
  ["1", "integer", "1"],
  ["1.0", "real", "1.0"],
  ["-0.0", "real", "-0.0"],
  ["-9223372036854775808", "integer", "-9223372036854775808"],
  ["9007199254740993", "integer", "9007199254740993"],
  ["4611686018427387904.0", "real", "4611686018427388000.0"],
  ["1e300", "real", "1e+300"],
  ["0.1", "real", "0.1"],
  ["1e999", "real", "1e999"],
  ["-1e999", "real", "-1e999"],
  [`"X'41'"`, "text", `"X'41'"`],
  ['"\\u0000é"', "text", '"\\u0000é"'],
  ["[0,255,65]", "blob", "[0,255,65]"],
  ["[]", "blob", "[]"],
];

Deno.test("With exact every value comes back as what it was sent as, at any node, whatever its column is declared as", async () => {
  await using cluster = await Cluster.start({ size: 2 });
  const [leader, follower] = [await cluster.leader(), await cluster.follower()];
  await leader.execute([
    "CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB, t, d DATETIME, o BOOLEAN)",
  ]);
  // Of a length that a Worker reads.
  const long = `"${"a".repeat(300_000)}"`;
  for (const node of [leader, follower]) {
    for (const [sent, type, answered] of [...values, [long, "text", long] as const]) {
      const insert = "INSERT INTO t (b) VALUES (?) RETURNING b, typeof(b), b AS again";
      const written = await results(node, "/db/execute?exact", `[["${insert}", ${sent}]]`);
      assert.match(written, /"values":\[\[/);
      assert(written.includes(`[[${answered},"${type}",${answered}]]`), written.slice(0, 300));
      const read = await results(
        node,
        "/db/request?exact&level=strong",
        `[["SELECT ?, 1", ${sent}]]`,
      );
      assert(read.includes(`"values":[[${answered},1]]`), read.slice(0, 300));
    }
    await results(
      node,
      "/db/execute?exact",
      "[[\"INSERT INTO t (d, o, t) VALUES (1, 7, x'ff41')\"]]",
    );
    const declared = await results(
      node,
      "/db/query?exact&associative",
      '["SELECT d, o, t FROM t WHERE o = 7 ORDER BY id DESC LIMIT 1"]',
    );
    assert(declared.includes('"rows":[{"d":1,"o":7,"t":[255,65]}]'), declared);
  }
  const queued = '[["INSERT INTO t (id, b) VALUES (?, ?)", 1000, "X\'41\'"]]';
  await results(follower, "/db/execute?exact&queue&wait", queued);
  const select = '["SELECT typeof(b) FROM t WHERE id = 1000"]';
  assert.match(await results(leader, "/db/query", select), /"text"\]\]/);
});
