import assert from "node:assert/strict";
import type { Configuration, Member } from "../../src/raft/types.ts";
import { appWith, FakeService } from "./fake_service.ts";

interface CallFrame {
  readonly functionName: string;
}

function burnProcessorTime(): number {
  const end = performance.now() + 20;
  let sum = 0;
  while (performance.now() < end) for (let i = 0; i < 1000; i++) sum += Math.sqrt(i);
  return sum;
}

Deno.test("a profile of the processor names the functions that took its time", async () => {
  const { fetch } = appWith(new FakeService());
  // As often as it takes a busy machine to give the processor's time to these lines.
  for (let names: string[] = [], left = 30; !names.includes("burnProcessorTime"); left--) {
    assert.ok(left > 0, names.join());
    const asked = fetch("/debug/pprof/profile?seconds=0.3");
    const burning = setInterval(burnProcessorTime, 1);
    const response = await asked;
    clearInterval(burning);
    assert.equal(response.status, 200);
    assert.match(
      response.headers.get("content-disposition") ?? "",
      /^attachment; .*\.cpuprofile"$/,
    );
    const { nodes, samples, timeDeltas } = await response.json();
    assert.equal(samples.length, timeDeltas.length);
    names = nodes.map(({ callFrame }: { callFrame: CallFrame }) => callFrame.functionName);
  }
});

Deno.test("one profile at a time; one whose client has gone ends, and the next can be taken", async () => {
  const { fetch } = appWith(new FakeService());
  const client = new AbortController();
  const long = fetch("/debug/pprof/profile?seconds=300", { signal: client.signal });
  const second = await fetch("/debug/pprof/allocs?seconds=0.01");
  assert.equal(second.status, 409);
  assert.match(await second.text(), /^a profile is being taken already/);
  client.abort();
  assert.equal((await long).status, 200);
  const third = await fetch("/debug/pprof/allocs?seconds=0.01");
  assert.equal(third.status, 200);
  assert.deepEqual(Object.keys(await third.json()), ["head", "samples"]);
});

Deno.test("a heap's snapshot is complete, and no leader of others makes one unless it is forced to", async () => {
  const service = new FakeService();
  const { fetch } = appWith(service);
  const alone = await fetch("/debug/pprof/heap?force");
  assert.equal(alone.status, 200);
  const { snapshot, nodes } = await alone.json();
  assert.equal(nodes.length, snapshot.node_count * snapshot.meta.node_fields.length);

  const [first] = service.status().configuration.members;
  const member = first as Member;
  const others: Configuration = { members: [member, { ...member, id: "other" }] };
  const status = service.status();
  service.status = () => ({ ...status, configuration: { ...status.configuration, ...others } });
  service.leader = () => member;
  const leading = await fetch("/debug/pprof/heap");
  assert.equal(leading.status, 409);
  assert.match(await leading.text(), /^this node leads and would stand still/);
});

Deno.test("seconds that are none, and profiles that are not there, are refused", async () => {
  const { fetch } = appWith(new FakeService());
  for (const seconds of ["0", "-1", "301", "1e3", "", "x", "1.2345"]) {
    const response = await fetch(`/debug/pprof/profile?seconds=${seconds}`);
    assert.equal(response.status, 400, seconds);
    assert.match(await response.text(), /^seconds is not a number above 0 and up to 300/);
  }
  for (const name of ["goroutine", "trace", "heap/", "profile/x"]) {
    const response = await fetch(`/debug/pprof/${name}`);
    assert.equal(response.status, 404, name);
    assert.equal(await response.text(), "Unknown profile\n");
  }
  for (const path of ["/debug/pprof", "/debug/pprof/"]) {
    assert.match(await (await fetch(path)).text(), /^Profiles of this node's main thread/);
  }
});
