import { strict as assert } from "node:assert";
import { Cluster, eventually } from "./harness.ts";

/** Whether this machine has the IPv6 loopback address; the reason is printed where it has not. */
function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch (error) {
    console.error(`Not tested, for there is no IPv6 here: ${error}`);
    return false;
  }
}

const members = ["SELECT count(*) FROM t"];

Deno.test("nodes known by IPv6 address, by name and by IPv4 address make one cluster", async () => {
  if (!hasIpv6()) return;
  await using cluster = await Cluster.start({ size: 1 });
  const [first] = cluster.nodes;
  assert(first);
  const six = cluster.create();
  const address = `[::1]:${six.raftPort}`;
  six.start(["-raft-addr", address, "-raft-adv-addr", address, "-join", first.raftAddress]);
  await six.ready();
  const named = cluster.create();
  const name = `localhost:${named.raftPort}`;
  named.start(["-raft-addr", name, "-raft-adv-addr", name, "-join", address]);
  await named.ready();
  const last = cluster.create();
  last.start(["-join", name]);
  await last.ready();
  await last.execute(["CREATE TABLE t (n)", "INSERT INTO t VALUES (1)"]);
  assert.deepEqual(await cluster.converged(members), [[[1]]]);
  const nodes = JSON.parse((await last.fetch("/nodes")).body) as Record<string, { addr: string }>;
  assert.deepEqual(
    Object.values(nodes).map((node) => node.addr).sort(),
    [address, first.raftAddress, last.raftAddress, name].sort(),
  );
});

Deno.test("HTTP on an IPv6 address serves, and another node sends clients there", async () => {
  if (!hasIpv6()) return;
  await using cluster = await Cluster.start({ size: 0 });
  const six = cluster.create();
  const api = `[::1]:${six.httpPort}`;
  six.start(["-http-addr", api]);
  await eventually("the node on ::1", async () => {
    const response = await fetch(`http://${api}/readyz`);
    await response.body?.cancel();
    return response.ok;
  });
  const other = cluster.create();
  other.start(["-join", six.raftAddress]);
  await other.ready();
  const answer = await fetch(`${other.url}/db/execute?redirect`, {
    method: "POST",
    body: '["SELECT 1"]',
    redirect: "manual",
  });
  await answer.body?.cancel();
  assert.equal(answer.status, 301);
  assert.equal(answer.headers.get("location"), `http://${api}/db/execute?redirect`);
});

Deno.test("nodes that -bootstrap-expect names by host form one cluster of as many", async () => {
  await using cluster = await Cluster.start({ size: 0 });
  const nodes = [1, 2, 3].map(() => cluster.create());
  const join = nodes.map((node) => `localhost:${node.raftPort}`).join(",");
  const flags = ["-bootstrap-expect", "3", "-join", join];
  const [early, ...late] = nodes;
  assert(early);
  early.start(flags);
  late[0]?.start(flags);
  // Two are not three, although each finds itself under another name as well.
  await eventually(
    "both to wait",
    () => [early, late[0]].every((node) => node && /Waiting for 3 nodes/.test(node.log)),
  );
  late[1]?.start(flags);
  for (const node of nodes) await node.ready();
  const known = JSON.parse((await early.fetch("/nodes")).body);
  assert.deepEqual(Object.keys(known).sort(), nodes.map((node) => node.id).sort());
  assert.equal(nodes.filter((node) => /Forming cluster \w+ of 3 nodes/.test(node.log)).length, 1);
});
