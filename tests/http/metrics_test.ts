import assert from "node:assert/strict";
import { ServiceError } from "../../src/cluster/types.ts";
import { appWith, FakeService } from "./fake_service.ts";

/** Reads leave a timer behind for a moment, which watches clients that go away. */
function httpTest(name: string, run: () => Promise<void>): void {
  Deno.test({ name, sanitizeOps: false, sanitizeResources: false, fn: run });
}

async function linesOf(response: Response): Promise<string[]> {
  return (await response.text()).split("\n");
}

httpTest("/metrics has help and type for each name, by Prometheus' conventions", async () => {
  const { fetch } = appWith(new FakeService());
  const lines = await linesOf(await fetch("/metrics"));
  const types = lines.filter((line) => line.startsWith("# TYPE ")).map((line) => line.split(" "));
  assert.ok(types.length > 40, `only ${types.length}`);
  for (const [, , name = "", type] of types) {
    assert.match(name, /^(raftlite|process)_[a-z_]+$/);
    assert.equal(name.endsWith("_total"), type === "counter", name);
    assert.ok(lines.some((line) => line.startsWith(`# HELP ${name} `)), name);
  }
  assert.equal(new Set(types.map(([, , name]) => name)).size, types.length);
});

httpTest("/metrics counts requests by route and outcome", async () => {
  const service = new FakeService();
  const { fetch, post } = appWith(service);
  await post("/db/execute", '["DELETE FROM t"]');
  await post("/db/executemany", '["DELETE FROM t"]');
  await post("/db/execute", "{");
  service.failure = new ServiceError("overloaded", "Too many");
  await post("/db/execute", '["DELETE FROM t"]');
  await fetch("/nowhere");
  await fetch("/elsewhere/%zz");
  const lines = await linesOf(await fetch("/metrics"));
  const expected = [
    'raftlite_http_requests_total{route="/db/execute",code="200"} 2',
    'raftlite_http_requests_total{route="/db/execute",code="400"} 1',
    'raftlite_http_requests_total{route="/db/execute",code="503"} 1',
    'raftlite_http_requests_total{route="other",code="404"} 1',
    'raftlite_http_requests_total{route="other",code="400"} 1',
    'raftlite_http_request_duration_seconds_count{route="/db/execute",outcome="success"} 2',
    'raftlite_http_request_duration_seconds_count{route="/db/execute",outcome="refused"} 1',
    'raftlite_http_request_duration_seconds_count{route="/db/execute",outcome="failed"} 1',
    'raftlite_http_requests_in_flight{route="/db/execute"} 0',
    'raftlite_http_requests_in_flight{route="/metrics"} 1',
  ];
  assert.deepEqual(expected.filter((line) => !lines.includes(line)), []);
});

httpTest("/metrics says what the node is, and how far it and its peers have come", async () => {
  const service = new FakeService();
  const { fetch } = appWith(service);
  const standing = service.status();
  service.status = () => ({
    ...standing,
    health: "The disk is full",
    progress: [{
      id: "2",
      matchIndex: 4,
      nextIndex: 5,
      state: "replicate",
      recentlyActive: true,
      ackedRound: 3,
    }],
  });
  const lines = await linesOf(await fetch("/metrics"));
  const expected = [
    "raftlite_healthy 0",
    'raftlite_raft_role{role="leader"} 1',
    'raftlite_raft_role{role="follower"} 0',
    "raftlite_raft_commit_index 9",
    "raftlite_raft_applied_index 8",
    'raftlite_raft_members{suffrage="voter"} 1',
    'raftlite_raft_peer_lag_entries{peer="2"} 5',
    'raftlite_raft_peer_active{peer="2"} 1',
    "raftlite_raft_elections_won_total 1",
    "raftlite_database_size_bytes 8192",
    'raftlite_readers{state="idle"} 1',
  ];
  assert.deepEqual(expected.filter((line) => !lines.includes(line)), []);
});
