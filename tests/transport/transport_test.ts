import assert from "node:assert/strict";
import {
  append,
  CLUSTER,
  entry,
  heartbeat,
  introduce,
  network,
  OPEN_KIND,
  openNode,
  text,
  until,
  untilConnected,
} from "./fixture.ts";

Deno.test("send() delivers messages of one peer to the other in order, both ways", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  introduce(a, b);
  await untilConnected(a, b);
  await untilConnected(b, a);
  a.messages.length = 0;
  b.messages.length = 0;
  const batch = Array.from({ length: 1000 }, (_, round) => heartbeat("a", "b", round));
  a.transport.send(batch);
  b.transport.send([append("b", "a", [entry(1, text("one")), entry(2, text(""))])]);
  await until(() => b.messages.length >= 1000 && a.messages.length >= 1, "all have arrived");
  assert.deepEqual(b.messages, batch);
  assert.deepEqual(a.messages, [append("b", "a", [entry(1, text("one")), entry(2, text(""))])]);
});

Deno.test("send() carries an entry of 64 MiB", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  introduce(a, b);
  await untilConnected(a, b);
  b.messages.length = 0;
  const data = new Uint8Array(64 * 1024 * 1024).fill(7);
  a.transport.send([append("a", "b", [entry(1, data)]), heartbeat("a", "b", 9)]);
  await until(() => b.messages.length >= 2, "the entry has arrived");
  const [first, second] = b.messages;
  assert.ok(first?.type === "append_request" && first.entries[0]?.data.length === data.length);
  assert.ok(second?.type === "heartbeat_request" && second.round === 9);
});

Deno.test("send() to a node that is no peer goes over the connection that it made", async () => {
  await using leader = await openNode("leader");
  await using joiner = await openNode("joiner");
  leader.transport.setPeers(new Map([["joiner", joiner.address]]));
  await untilConnected(leader, joiner);
  joiner.transport.send([heartbeat("joiner", "leader", 5)]);
  await until(() => leader.messages.length === 1, "the answer has arrived");
  assert.deepEqual(leader.messages, [heartbeat("joiner", "leader", 5)]);
});

Deno.test("send() to a node nobody knows tells that it is unreachable", async () => {
  await using a = await openNode("a");
  a.transport.send([heartbeat("a", "nobody", 1), heartbeat("a", "nobody", 2)]);
  assert.deepEqual(a.unreachable, [], "never from within send()");
  await until(() => a.unreachable.length > 0, "the node is told");
  assert.deepEqual(a.unreachable, ["nobody"]);
});

Deno.test("setCluster() makes open connections a member's", async () => {
  await using leader = await openNode("leader");
  await using joiner = await openNode("joiner", { clusterId: "" });
  const seen: boolean[] = [];
  leader.onRequest = (peer) => {
    seen.push(peer.member);
    return Promise.resolve(text(peer.address));
  };
  const ask = (kind: number) =>
    joiner.transport.request(leader.address, kind, text(""), { timeoutMs: 5000 });
  await ask(OPEN_KIND);
  await assert.rejects(ask(1), { kind: "refused", message: /members of this node's cluster/ });
  leader.transport.setPeers(new Map([["joiner", joiner.address]]));
  await until(() => leader.log.matching(/Connected to joiner/).length === 1, "they are connected");
  leader.transport.send([heartbeat("leader", "joiner", 1)]);
  await until(() => leader.unreachable.includes("joiner"), "the leader keeps it to itself");
  joiner.transport.setCluster(CLUSTER);
  await ask(1);
  assert.deepEqual(seen, [false, true]);
  await untilConnected(leader, joiner);
  assert.ok(!joiner.messages.some((m) => m.type === "heartbeat_request" && m.round === 1));
});

Deno.test("send() to a peer's address where another node lives is unreachable", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  a.transport.setPeers(new Map([["c", b.address]]));
  a.transport.send([heartbeat("a", "c", 1)]);
  await until(() => a.log.matching(/Connected to b/).length === 1, "they are connected");
  await until(() => a.unreachable.includes("c"), "what was queued is reported");
  a.unreachable.length = 0;
  a.transport.send([heartbeat("a", "c", 2)]);
  await until(() => a.unreachable.includes("c"), "what is sent is reported");
  assert.deepEqual(b.messages, []);
  assert.deepEqual(b.log.matching(/Closed/), []);
});

Deno.test("Messages that wait for a peer are bounded in number", async () => {
  await using a = await openNode("a", { limits: { raftQueueCountMax: 10 } });
  await using b = await openNode("b");
  introduce(a, b);
  await untilConnected(a, b);
  a.transport.send(Array.from({ length: 25 }, (_, round) => heartbeat("a", "b", round)));
  await until(() => a.unreachable.includes("b"), "the drop is reported");
  await until(() => b.messages.length >= 10, "the first ones arrive");
  await untilConnected(a, b);
  assert.deepEqual(a.log.matching(/Lost/), []);
});

Deno.test("Messages that have been sent make room for others", async () => {
  await using a = await openNode("a", { limits: { raftQueueBytesMax: 2000 } });
  await using b = await openNode("b");
  introduce(a, b);
  await untilConnected(a, b);
  a.unreachable.length = 0;
  for (let i = 1; i <= 20; i++) {
    a.transport.send([append("a", "b", [entry(1, new Uint8Array(1000))])]);
    await until(() => b.messages.length === i, "the message has arrived");
  }
  assert.deepEqual(a.unreachable, []);
});

Deno.test("close() is the end of all calls to the handlers", async () => {
  const a = await openNode("a");
  const listener = await network.listen("127.0.0.1:0");
  const accepting = listener.accept();
  a.transport.setPeers(new Map([["silent", listener.address]]));
  a.transport.send([heartbeat("a", "silent", 1)]);
  const connection = await accepting;
  await a.transport.close();
  connection?.close();
  listener.close();
  await new Promise((resolve) => setTimeout(resolve, 0));
  assert.deepEqual(a.unreachable, []);
});

Deno.test("close() sends what is queued and can be called twice", async () => {
  const a = await openNode("a");
  await using b = await openNode("b");
  introduce(a, b);
  await untilConnected(a, b);
  b.messages.length = 0;
  const data = new Uint8Array(8 * 1024 * 1024);
  a.transport.send([append("a", "b", [entry(1, data)]), heartbeat("a", "b", 2)]);
  await Promise.all([a.transport.close(), a.transport.close()]);
  await until(() => b.messages.length >= 2, "both have arrived");
  const late = a.transport.request(b.address, 1, text(""), { timeoutMs: 100 });
  await assert.rejects(late, { kind: "unreachable" });
});
