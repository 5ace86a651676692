import { strict as assert } from "node:assert";
import { FrameType } from "../../src/transport/frame.ts";
import { decodeReject, preambleBytes, readPreamble } from "../../src/transport/handshake.ts";
import {
  heartbeat,
  introduce,
  network,
  OPEN_KIND,
  openNode,
  RawPeer,
  text,
  until,
  untilConnected,
} from "./fixture.ts";

Deno.test("versionAt() is what the node at an address says, once there is a connection at once", async () => {
  await using a = await openNode("a", { version: 2 });
  await using b = await openNode("b", { version: 3 });
  assert.equal(await a.transport.versionAt(b.address, 10_000), 3);
  assert.equal(a.transport.versionAt(b.address, 10_000), 3);
  assert.equal(await b.transport.versionAt(a.address, 10_000), 2);
  await b.transport.close();
  await until(() => a.log.matching(/Lost the connection/).length > 0, "the end is noticed");
  await assert.rejects(async () => await a.transport.versionAt(b.address, 10_000), {
    name: "TransportError",
    kind: "unreachable",
  });
});

Deno.test("versionAt() waits no longer than it is told to", async () => {
  using silent = await network.listen("127.0.0.1:0").then((listener) => ({
    address: listener.address,
    [Symbol.dispose]: () => listener.close(),
  }));
  await using a = await openNode("a", { version: 2 });
  await assert.rejects(async () => await a.transport.versionAt(silent.address, 50), {
    kind: "unreachable",
    message: /No connection in time/,
  });
});

Deno.test("a handler knows the version of who asks; the first release's zero counts as 1", async () => {
  await using a = await openNode("a", { version: 2 });
  await using b = await openNode("b", { version: 2 });
  const versions: number[] = [];
  b.onRequest = (peer, _kind, payload) => {
    versions.push(peer.version);
    return Promise.resolve(payload);
  };
  const call = { kind: OPEN_KIND, payload: text("x") };
  await a.transport.request({ address: b.address, ...call }, { timeoutMs: 120_000 });
  using old = await RawPeer.introduced(b.address, { nodeId: "old", version: 0 });
  await old.opening();
  await old.send(FrameType.request, (writer) => {
    writer.uint32(1);
    writer.uint16(OPEN_KIND);
  });
  assert.equal((await old.frame())?.type, FrameType.answer);
  assert.deepEqual(versions, [2, 1]);
});

Deno.test("the first release's opening is taken, and answered by one that it takes", () => {
  // As commit 464fe8e writes and checks it: what stands in the last two bytes it passes over.
  const preamble = Uint8Array.of(...text("raftlite"), 4, 0, 0, 0);
  assert.equal(preamble.length, preambleBytes);
  assert.equal(readPreamble(preamble), 1);
});

Deno.test("once the version is raised, older nodes are let go and kept out, and told why", async () => {
  await using a = await openNode("a", { version: 2 });
  await using b = await openNode("b", { version: 1 });
  introduce(a, b);
  await untilConnected(a, b);
  await untilConnected(b, a);
  a.transport.setVersion(2);
  const reason = /the cluster has version 2, its raftlite knows versions up to 1 only/;
  await until(
    () => a.log.matching(reason).length >= 2,
    "a says why it lets go of both connections",
  );
  await until(
    () => b.log.matching(/It refused the connection: Too old/).length > 0,
    "b is told",
  );
  a.transport.send([heartbeat("a", "b", 9)]);
  await until(() => a.unreachable.includes("b"), "a takes it for gone");
  assert.deepEqual(b.messages, []);

  using stranger = await RawPeer.introduced(a.address, { clusterId: "", version: 1 });
  const answer = await stranger.opening();
  assert.equal(answer?.type, FrameType.reject);
  assert.match(decodeReject(answer.body), reason);
});

Deno.test("the version that nodes must understand never falls", async () => {
  await using a = await openNode("a", { version: 2 });
  a.transport.setVersion(2);
  a.transport.setVersion(1);
  using stranger = await RawPeer.introduced(a.address, { version: 1 });
  assert.equal((await stranger.opening())?.type, FrameType.reject);
});
