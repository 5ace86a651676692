import { strict as assert } from "node:assert";
import { Cluster, eventually } from "./harness.ts";
import { schema, Workload } from "./workload.ts";

Deno.test("a node cut off serves no linearizable read, and is healed", async () => {
  await using cluster = await Cluster.start({ proxies: true });
  await cluster.nodes[0]?.execute(schema);
  const load = new Workload(cluster, { name: "cut" });
  await eventually("some writes", () => load.acknowledged.length > 100);
  const leader = await cluster.leader();
  cluster.isolate(leader);
  const others = cluster.nodes.filter((node) => node !== leader);
  await eventually("another leader", async () => {
    const id = await others[0]?.leaderId();
    return id !== undefined && id !== "" && id !== leader.id;
  });
  const answer = await leader.fetch(
    "/db/query?level=linearizable&linearizable_timeout=1s&q=SELECT%201",
  );
  assert.equal(answer.status, 503, answer.body);
  const stale = await leader.fetch("/db/query?level=none&q=SELECT%201");
  assert.equal(stale.status, 200, stale.body);
  cluster.isolate(undefined);
  const before = load.acknowledged.length;
  await eventually("writes after the healing", () => load.acknowledged.length > before + 200);
  await load.stop();
  await load.verify();
});

Deno.test("connections reset while writes are forwarded apply each write once", async () => {
  await using cluster = await Cluster.start({ proxies: true });
  await cluster.nodes[0]?.execute(schema);
  const leader = await cluster.leader();
  const followers = cluster.nodes.filter((node) => node !== leader);
  const load = new Workload(cluster, { name: "reset", nodes: followers });
  for (let round = 0; round < 20; round++) {
    const before = load.acknowledged.length;
    await eventually("some writes", () => load.acknowledged.length > before + 30);
    cluster.resetConnections();
  }
  await load.stop();
  assert.deepEqual(load.unknown, [], "each forwarded write finds out what became of it");
  await load.verify();
});

Deno.test("a frozen leader that wakes answers no linearizable read from the past", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(["CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (0)"]);
  const leader = await cluster.leader();
  for (let n = 1; n <= 3; n++) {
    const frozen = n === 1 ? leader : await cluster.leader();
    frozen.freeze();
    // Asked while it sleeps: answered, if at all, after it woke.
    const asked = [1, 2, 3, 4].map(() =>
      frozen.query("SELECT n FROM t", "linearizable").catch(() => undefined)
    );
    const other = cluster.nodes.find((node) => node !== frozen);
    assert(other);
    await eventually("a write past the frozen leader", async () => {
      await other.execute([`UPDATE t SET n = ${n}`], "timeout=2s", 5_000);
      return true;
    });
    frozen.thaw();
    for (const rows of await Promise.all(asked)) {
      if (rows !== undefined) assert.deepEqual(rows, [[n]]);
    }
    assert.deepEqual(await frozen.query("SELECT n FROM t"), [[n]]);
  }
});
