import assert from "node:assert/strict";
import type { Message } from "../../src/raft/types.ts";
import { FrameType } from "../../src/transport/frame.ts";
import { decodeMessage } from "../../src/transport/message_codec.ts";
import { background } from "../background.ts";
import {
  append,
  CLUSTER,
  entry,
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
  const appended = b.messages.find((message) => message.type === "append_request");
  const arrived = appended?.entries[0]?.data;
  assert(arrived?.length === data.length && arrived.every((byte) => byte === 7));
  assert(b.messages.some((message) => message.type === "heartbeat_request" && message.round === 9));
});

const MiB = 1024 * 1024;
const nothing = new Uint8Array();

/** What arrives at a peer that begins to read once all is queued: pieces, and the other messages. */
async function arrivals(sent: readonly Message[], request?: Uint8Array): Promise<string[]> {
  await using a = await openNode("a");
  const listener = await network.listen("127.0.0.1:0");
  a.transport.setPeers(new Map([["b", listener.address]]));
  const connection = await listener.accept();
  assert.ok(connection);
  using b = new RawPeer(connection);
  await b.opening();
  await b.introduce({ nodeId: "b" });
  // It is connected once a message gets through.
  const connected = background(async () => {
    while ((await b.frame())?.type !== FrameType.message);
  });
  await until(() => {
    a.transport.send([heartbeat("a", "b", 1)]);
    return a.log.matching(/Connected to b/).length > 0;
  }, "a is connected");
  await connected;
  if (request !== undefined) {
    a.transport.request({ address: listener.address, kind: 1, payload: request }, {
      timeoutMs: 60_000,
    }).catch(() => {});
  }
  a.transport.send([...sent, heartbeat("a", "b", 99)]);
  const seen: string[] = [];
  // The frame is a little longer than what it carries.
  for (let bytes = 0; bytes <= 8 * MiB;) {
    const frame = await b.frame();
    assert.ok(frame);
    if (frame.type === FrameType.piece) bytes += frame.body.length;
    const message = frame.type === FrameType.message ? decodeMessage(frame.body) : undefined;
    if (message?.type === "heartbeat_request" && message.round === 1) continue;
    seen.push(message?.type ?? (frame.type === FrameType.piece ? "piece" : "other"));
  }
  if (sent.length > 1) seen.push(decodeMessage((await b.frame())?.body ?? nothing).type);
  listener.close();
  return seen;
}

Deno.test("send() lets heartbeats pass a large message, and no entries", async () => {
  const large = append("a", "b", [entry(1, new Uint8Array(8 * MiB))]);
  const seen = await arrivals([large, append("a", "b", [entry(2, nothing)])]);
  assert(seen.includes("piece"));
  assert(seen.indexOf("heartbeat_request") < seen.lastIndexOf("piece"), "a heartbeat passed");
  assert.equal(seen.at(-1), "append_request");
  assert.equal(seen.indexOf("append_request"), seen.length - 1, "the entries behind it did not");
});

Deno.test("request() lets all small Raft messages pass a large request", async () => {
  const seen = await arrivals([append("a", "b", [entry(1, nothing)])], new Uint8Array(8 * MiB));
  const last = seen.lastIndexOf("piece");
  assert(seen.indexOf("append_request") < last && seen.indexOf("heartbeat_request") < last);
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
    joiner.transport.request({ address: leader.address, kind, payload: text("") }, {
      timeoutMs: 120_000,
    });
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
  const late = a.transport.request({ address: b.address, kind: 1, payload: text("") }, {
    timeoutMs: 100,
  });
  await assert.rejects(late, { kind: "unreachable" });
});

Deno.test("callerAddress() says where a member with a connection to this node is, by its newest", async () => {
  await using node = await openNode("a");
  const callerAddress = () => node.transport.callerAddress("raw");
  assert.equal(callerAddress(), undefined);
  using _stranger = await RawPeer.introduced(node.address, { clusterId: "", address: "h:1" });
  using old = await RawPeer.introduced(node.address, { address: "h:2" });
  await until(() => callerAddress() === "h:2", "the member is there, and no stranger");
  using _new = await RawPeer.introduced(node.address, { address: "h:3" });
  await until(() => callerAddress() === "h:3", "it has moved");
  old.connection.close();
  _new.connection.close();
  await until(() => callerAddress() === undefined, "it is gone");
});
