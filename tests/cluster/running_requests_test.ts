import { strict as assert } from "node:assert";
import { background } from "../background.ts";
import { type Answer, Cluster, eventually, type NodeProcess } from "./harness.ts";

interface Running {
  readonly id: number;
  readonly state: string;
  readonly sql: readonly string[];
}

async function running(node: NodeProcess, sql: RegExp): Promise<Running | undefined> {
  const { requests } = JSON.parse((await node.fetch("/debug/requests")).body);
  return (requests as Running[]).find((each) => each.sql.some((text) => sql.test(text)));
}

const endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)";

Deno.test("a long read is seen, and ended, at a real node", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node !== undefined);
  for (const rest of ["SELECT count(*) FROM c", "SELECT x, hex(zeroblob(1000)) FROM c"]) {
    const streams = rest.includes("hex");
    const reading: Promise<Answer | Error> = node.fetch(
      `/db/query?q=${encodeURIComponent(`${endless} ${rest}`)}`,
      { timeoutMs: 60_000 },
    ).catch((error) => error);
    const { id } = await eventually("the read to be seen", async () => {
      const found: Running | undefined = await running(node, /WITH RECURSIVE/);
      return streams && found?.state !== "streaming" ? undefined : found;
    });
    assert.equal((await node.fetch(`/debug/requests/${id}`, { method: "DELETE" })).status, 200);
    const answer: Answer | Error = await reading;
    if (streams) assert.ok(answer instanceof Error || !answer.body.endsWith("]}"));
    else assert.deepEqual(answer, { status: 500, body: `ended by DELETE /debug/requests/${id}\n` });
    await eventually(
      "the reader to be free",
      async () =>
        /\nraftlite_readers\{state="busy"\} 0\n/.test((await node.fetch("/metrics")).body),
    );
    assert.equal(await running(node, /WITH RECURSIVE/), undefined);
  }
});

Deno.test("a write that waits for a leader is ended, and never carried out", async () => {
  await using cluster = await Cluster.start({ size: 2 });
  const [one, two] = cluster.nodes;
  assert(one !== undefined && two !== undefined);
  await one.execute(["CREATE TABLE t (x)"]);
  await two.kill();
  await eventually("no leader to be known", async () => (await one.leaderId()) === "");
  // A write gives up after some seconds without a leader: another takes its place.
  const { status, body } = await eventually("a write to be ended", async () => {
    let isOver = false;
    const writing = background(() =>
      one.fetch("/db/execute", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(["INSERT INTO t VALUES (1)"]),
      }).finally(() => isOver = true)
    );
    const found = await eventually(
      "the write to be seen, or over",
      async () => await running(one, /INSERT/) ?? (isOver && "over"),
    );
    if (found === "over") return false;
    const ending = await one.fetch(`/debug/requests/${found.id}`, { method: "DELETE" });
    const answer = await writing;
    return ending.status === 200 && answer;
  });
  assert.equal(status, 500);
  assert.match(body, /^ended by DELETE/);
  two.start();
  await one.ready();
  assert.deepEqual(await one.query("SELECT count(*) FROM t WHERE x = 1"), [[0]]);
});
