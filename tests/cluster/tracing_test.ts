import { strict as assert } from "node:assert";
import { Buffer } from "node:buffer";
import { Cluster, eventually } from "./harness.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const spanId = "b7ad6b7169203331";

/** As protobuf has them: bytes. */
function bytesOf(hex: string): string {
  return Buffer.from(hex, "hex").toString("latin1");
}

Deno.test("a write is traced through the nodes where its client records a trace", async () => {
  const traces: string[] = [];
  // What stands in for a collector of OpenTelemetry; the real one is in tests/metrics/collector.
  await using collector = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const body = Buffer.from(await request.arrayBuffer()).toString("latin1");
      if (request.url.endsWith("/v1/traces")) traces.push(body);
      return new Response(new Uint8Array(0));
    },
  );
  await using cluster = await Cluster.start({
    size: 3,
    flags: [
      "-otlp-endpoint",
      `127.0.0.1:${collector.addr.port}`,
      "-otlp-protocol=http",
      "-otlp-insecure",
    ],
  });
  const [first] = cluster.nodes;
  const leader = await eventually("a leader", () => first?.leaderId());
  const follower = cluster.nodes.find(({ id }) => id !== leader);
  assert(follower !== undefined);
  await follower.execute(["CREATE TABLE t (x)"]);
  const write = async (flags: string) => {
    const answer = await follower.fetch("/db/execute", {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "traceparent": `00-${traceId}-${spanId}-${flags}`,
      },
      body: JSON.stringify([["INSERT INTO t VALUES (?)", "hidden"]]),
    });
    assert.equal(answer.status, 200, answer.body);
  };
  await write("00");
  await write("01");
  const [atFollower = "", atLeader = ""] = await eventually("both nodes' spans", () => {
    const found = ["POST /db/execute", "write at the leader"].map((name) =>
      traces.find((body) => body.includes(name))
    );
    return found.includes(undefined) ? undefined : found;
  });
  assert.ok(atFollower.includes("forward") && atFollower.includes(bytesOf(spanId)));
  for (const name of ["wait", "sync", "replicate", "apply"]) {
    assert.ok(atLeader.includes(name), name);
  }
  for (const body of [atFollower, atLeader]) assert.ok(body.includes(bytesOf(traceId)));
  const all = traces.join("");
  // Neither the table's write nor the one that its client does not record.
  assert.equal(all.split("write at the leader").length, 2);
  assert.ok(!all.includes("hidden"));
});
