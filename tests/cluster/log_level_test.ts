import { strict as assert } from "node:assert";
import { Cluster, eventually } from "./harness.ts";

Deno.test("-raft-log-level sets what consensus writes to the log, and nothing else", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const [node] = cluster.nodes;
  assert(node);
  await eventually("who leads, by default", () => /\[node\] Term \d+: leader/.test(node.log));
  for (const level of ["WARN", "ERROR"]) {
    await node.kill("SIGTERM");
    const before = node.log.length;
    node.start(["-raft-log-level", level]);
    await node.ready();
    await node.kill("SIGTERM");
    const log = node.log.slice(before);
    assert.doesNotMatch(log, /\[(node|raft_log|transport)\]/);
    assert.match(log, /INFO +\[http\] Listening on/);
    node.start();
    await node.ready();
  }
});
