import assert from "node:assert/strict";
import type { LiveCluster, LiveNode } from "../../console/api/live.ts";
import { warningsOf } from "../../console/cluster/warnings.ts";

function node(id: number, change: Partial<LiveNode> = {}): LiveNode {
  return {
    id: `n${id}`,
    api_addr: `http://127.0.0.1:${id}`,
    addr: `127.0.0.1:${id}`,
    suffrage: "voter",
    leader: id === 1,
    reachable: true,
    version: "0.1.0",
    lag_entries: 0,
    lag_ms: 0,
    database_bytes: 1_000,
    free_bytes: 50_000_000_000,
    health: "ok",
    ...change,
  };
}

function cluster(nodes: readonly LiveNode[]): LiveCluster {
  const leader = nodes.find((each) => each.leader && each.reachable)?.id ?? "";
  return {
    ...{ at: 0, node: "n1", cluster_id: "c", cluster_version: 2, term: 1, committed: 9 },
    ...{ leader, nodes },
  };
}

const words = (...nodes: readonly LiveNode[]) => warningsOf(cluster(nodes)).map(({ what }) => what);
const gone = { reachable: false, error: "connection refused" };

Deno.test("warningsOf says nothing of a cluster that is well", () => {
  assert.deepEqual(words(node(1), node(2), node(3)), []);
  assert.deepEqual(words(node(1), node(2), node(3), node(4, { suffrage: "learner" })), []);
});

Deno.test("warningsOf says that nothing can be written without a majority, and that first", () => {
  const [first = "", ...rest] = words(node(1), node(2, gone), node(3, gone));
  assert.match(first, /^Only 1 of 3 voters .* a majority is 2: nothing can be written$/);
  assert.match(rest.join(), /n2 cannot be reached: connection refused.*n3/);
});

Deno.test("warningsOf says that no more may be lost, beside which node is", () => {
  const said = words(node(1), node(2), node(3, gone));
  assert.match(said[0] ?? "", /Node n3 cannot be reached/);
  assert.match(said[1] ?? "", /No more voter may be lost/);
});

Deno.test("warningsOf tells of a cluster without a leader, of one node, and of an even number", () => {
  assert.match(words(node(1, { leader: false }), node(2), node(3))[0] ?? "", /no leader/);
  assert.match(words(node(1))[0] ?? "", /One node alone/);
  assert.match(words(node(1), node(2), node(3), node(4)).join(), /4 voters bear .* than 3 would/);
});

Deno.test("warningsOf tells of nodes that are behind, or of another release", () => {
  const all = [node(1), node(2)];
  const of = (change: Partial<LiveNode>) => words(...all, node(3, change)).join();
  assert.match(of({ lag_entries: 12_000, lag_ms: 900 }), /n3 is 12,000 entries/);
  assert.match(of({ version: "0.2.0" }), /2 releases: 0.1.0, 0.2.0/);
});

Deno.test("warningsOf tells what nodes find wrong with themselves, the same of several once", () => {
  const full = {
    grade: "problem",
    text: "is not ready: The disk is full",
    advice: "Make room",
  } as const;
  const busy = (ms: number) =>
    ({ grade: "warning", text: `its main thread was busy for ${ms} ms`, advice: "Look" }) as const;
  const [first, ...rest] = warningsOf(cluster([
    node(1, { faults: [busy(612)] }),
    node(2, { faults: [full] }),
    node(3, { faults: [busy(99.5)] }),
  ]));
  assert.deepEqual(first, {
    isGrave: true,
    what: "Node n2: is not ready: The disk is full",
    todo: "Make room.",
  });
  assert.deepEqual(rest.map(({ what }) => what), [
    "Node n1: its main thread was busy for 612 ms; alike n3",
  ]);
});
