import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { hasPty, Pty } from "../cli/shell_pty.ts";
import { Cluster, eventually } from "./harness.ts";
import { schema, Workload } from "./workload.ts";

/** Far longer than the two steps of a stop, which take 5 s each at most. */
const stopMs = 60_000;

Deno.test("SIGINT and SIGTERM end a single node under load with 0, and keep all that it acknowledged", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(schema);
  const load = new Workload(cluster, { name: "stop" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    const before = load.acknowledged.length;
    await eventually("some writes", () => load.acknowledged.length > before + 100);
    const start = performance.now();
    const { code } = await node.kill(signal);
    assert.equal(code, 0, node.log);
    assert(performance.now() - start < stopMs, `${signal} took too long`);
    node.start();
    await node.ready();
  }
  await load.stop();
  await load.verify();
});

Deno.test("SIGINT to the leader under load hands over: exit 0, and the others go on", async () => {
  await using cluster = await Cluster.start();
  await cluster.nodes[0]?.execute(schema);
  const load = new Workload(cluster, { name: "interrupt" });
  await eventually("some writes", () => load.acknowledged.length > 100);
  const leader = await cluster.leader();
  const { code } = await leader.kill("SIGINT");
  assert.equal(code, 0, leader.log);
  const before = load.acknowledged.length;
  await eventually("writes without it", () => load.acknowledged.length > before + 100);
  leader.start();
  await leader.ready();
  await load.stop();
  await load.verify();
});

Deno.test("a signal while a node joins or waits for others ends it with 0; it can start again", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [first] = cluster.nodes;
  assert(first);
  const nobody = cluster.create();
  const waits: readonly [flags: string[], sign: RegExp][] = [
    [["-join", nobody.raftAddress], /Join failed \(attempt 1 of /],
    [["-bootstrap-expect", "3", "-join", nobody.raftAddress], /Waiting for 3 nodes/],
  ];
  for (const [flags, sign] of waits) {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      const joiner = cluster.create();
      joiner.start(flags);
      await eventually("the wait", () => sign.test(joiner.log));
      assert.equal((await joiner.kill(signal)).code, 0, joiner.log);
      await joiner.logs(new RegExp(`Stopping(?: before the node was up)?: ${signal}`));
      joiner.start(["-join", first.raftAddress]);
      await joiner.ready();
      // Before it stops: once it has its vote, the other one alone is no majority.
      await first.fetch("/remove", { method: "DELETE", body: JSON.stringify({ id: joiner.id }) });
      await joiner.kill("SIGTERM");
    }
  }
  await first.execute(schema);
});

Deno.test("SIGTERM ends a node with 0 whose database is at a write without end", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(["CREATE TABLE numbers (n)", "INSERT INTO numbers VALUES (0)"]);
  const endless =
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c";
  const written = node.execute([`UPDATE numbers SET n = (${endless})`], "timeout=1s");
  await assert.rejects(written, /unknown|Unknown|503/);
  // Ended by force where it does not end by itself: its code is then another.
  const { pid } = node;
  const force = setTimeout(() => Deno.kill(pid, "SIGKILL"), stopMs);
  const { code } = await node.kill("SIGTERM").finally(() => clearTimeout(force));
  assert.equal(code, 0, node.log);
  await node.logs(/Stopped\n$/);
});

Deno.test({
  name: "Ctrl-C at the terminal of deno task start writes what is queued, and ends with 0",
  ignore: !hasPty(),
  fn: async () => {
    await using cluster = await Cluster.start({ size: 0 });
    const node = cluster.create();
    const configuration = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const flags = ["-node-id", node.id, "-http-addr", `127.0.0.1:${node.httpPort}`];
    flags.push("-raft-addr", `127.0.0.1:${node.raftPort}`, "-write-queue-timeout", "5m");
    const task = [Deno.execPath(), "task", "--config", configuration, "start"];
    {
      await using terminal = new Pty([...task, ...flags, node.directory], {});
      await terminal.see(/Listening on .*/);
      await eventually("a table", () => node.execute(["CREATE TABLE t (n)"]));
      await node.execute(["INSERT INTO t VALUES (1)"], "queue");
      await terminal.send("\x03");
      assert.equal(await terminal.ended(), 0, terminal.raw);
      await terminal.see(/Stopped/);
    }
    node.start();
    await node.ready();
    assert.deepEqual(await node.query("SELECT n FROM t"), [[1]]);
  },
});

Deno.test("a second signal that is no echo of the first ends a slow stop at once, and says so", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  const endless =
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r";
  const reading = node.query(endless, "none").catch(() => "cut");
  await eventually("the read to run", async () => {
    const { body } = await node.fetch("/status?key=store");
    return /"busy":\s*1\b/.test(body);
  });
  Deno.kill(node.pid, "SIGINT");
  const exited = node.exited();
  await eventually("the stop to be cut short", () => {
    if (node.log.includes("Stopping: SIGINT") && node.running) Deno.kill(node.pid, "SIGINT");
    return !node.running;
  });
  assert.equal((await exited).code, 1, node.log);
  await node.logs(/Stopping at once: second SIGINT/);
  assert.equal(await reading, "cut");
});

Deno.test("a single node killed five times under load has every acknowledged write once", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await node.execute(schema);
  const load = new Workload(cluster, { name: "killed" });
  for (let round = 0; round < 5; round++) {
    const before = load.acknowledged.length;
    await eventually("some writes", () => load.acknowledged.length > before + 100);
    await node.kill("SIGKILL");
    node.start();
    await node.ready();
  }
  await load.stop();
  await load.verify();
});
