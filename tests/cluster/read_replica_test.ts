import { strict as assert } from "node:assert";
import { background } from "../background.ts";
import { Cluster } from "./harness.ts";

const rows = '{"results":[{"columns":["1"],"types":["integer"],"values":[[1]]}]}';
const stale = '{"results":[],"error":"stale read"}';

// Seen from rqlite 10.3, but for what is said of them in the table in docs/differences.md.
const answers: readonly [query: string, voter: string | 301, replica: string | 301][] = [
  ["level=none&freshness=1h", rows, rows],
  ["level=none&freshness=-1s", stale, stale],
  ["level=none&freshness=0s", rows, rows],
  ["level=none&redirect", rows, rows],
  ["level=auto&freshness=-1s", rows, stale],
  ["level=auto&freshness=1h&freshness_strict", rows, rows],
  ["level=auto&redirect", 301, rows],
  ["level=weak&freshness=-1s", rows, rows],
  ["level=weak&redirect", 301, 301],
];

Deno.test("A read replica reads at auto as at none, a voter as at weak", async () => {
  await using cluster = await Cluster.start({ size: 2 });
  const leader = await cluster.leader();
  const voter = await cluster.follower();
  const replica = await cluster.add(["-raft-non-voter"]);
  for (const [query, ofVoter, ofReplica] of answers) {
    for (const [node, expected] of [[voter, ofVoter], [replica, ofReplica]] as const) {
      const response = await fetch(`${node.url}/db/query?q=SELECT%201&${query}`, {
        redirect: "manual",
      });
      const body = await response.text();
      assert.equal(response.status === 301 ? 301 : body, expected, `${node.id} ${query}`);
    }
  }
  const { body } = await leader.fetch("/db/query?q=SELECT%201&level=none&freshness=-1s");
  assert.equal(body, rows, "the leader is never stale");
});

Deno.test("A strict freshness bears what is committed and has waited for less to be applied", async () => {
  await using cluster = await Cluster.start({ size: 2 });
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  await leader.execute(["CREATE TABLE t (v)"]);
  let writing = true;
  const writer = background(async () => {
    while (writing) await leader.execute(["INSERT INTO t VALUES (randomblob(2000))"]);
  });
  for (let i = 0; i < 300; i++) {
    const { body } = await follower.fetch(
      "/db/query?q=SELECT%201&level=none&freshness=1h&freshness_strict",
    );
    assert.equal(body, rows);
  }
  writing = false;
  await writer;
});
