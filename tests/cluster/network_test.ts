import { strict as assert } from "node:assert";
import { background } from "../background.ts";
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
  // It may still have its lease when the others have elected.
  assert([503, 504].includes(answer.status), answer.body);
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

Deno.test("weak reads are right while followers are started again with shorter times than the leader's", async () => {
  const longer = ["-raft-heartbeat-timeout", "10s"];
  await using cluster = await Cluster.start({ proxies: true, size: 0 });
  const [first, ...others] = [cluster.create(), cluster.create(), cluster.create()];
  assert(first);
  first.start(longer);
  await first.ready();
  for (const node of others) node.start([...longer, "-join", first.raftAddress]);
  for (const node of others) {
    await node.ready();
    await cluster.votes(node);
  }
  await first.execute(["CREATE TABLE t (n INTEGER)", "INSERT INTO t VALUES (0)"]);
  const leader = await cluster.leader();
  assert.equal(leader, first);
  // All at once, and the leader is cut off: its lease goes on, and they must remember that.
  await Promise.all(others.map((node) => node.kill("SIGKILL")));
  cluster.isolate(leader);
  for (const node of others) node.start(["-raft-heartbeat-timeout", "200ms"]);
  let written = 0;
  let stale: unknown;
  const reading = background(async () => {
    while (written < 20) {
      const before = written;
      const answer = await leader.fetch("/db/query?level=weak&timeout=1s&q=SELECT%20n%20FROM%20t");
      const [[n] = []] = answer.status === 200 ? JSON.parse(answer.body).results[0].values : [];
      if (n !== undefined && Number(n) < before) stale ??= `${n} behind ${before}`;
    }
  });
  const told = () => `writes past the leader that is cut off\n${others.map(({ log }) => log)}`;
  await eventually(told, async () => {
    await others[0]?.execute([`UPDATE t SET n = ${written + 1}`], "timeout=2s", 5_000);
    return ++written === 20;
  });
  await reading;
  assert.equal(stale, undefined);
});
