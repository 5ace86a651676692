import assert from "node:assert/strict";
import { ByteWriter } from "../../src/base/bytes.ts";
import { FrameType, writeFrame } from "../../src/transport/frame.ts";
import { protocolVersion } from "../../src/transport/handshake.ts";
import { encodeMessage } from "../../src/transport/message_codec.ts";
import type { Message } from "../../src/raft/types.ts";
import {
  append,
  CLUSTER,
  entry,
  heartbeat,
  openNode,
  OTHER_CLUSTER,
  RawPeer,
  text,
  until,
} from "./fixture.ts";

type Attack = (peer: RawPeer) => Promise<void>;

function sendMessage(peer: RawPeer, message: Message): Promise<void> {
  return peer.send(FrameType.message, (writer) => encodeMessage(writer, message));
}

/** Introduces itself well and then does `attack`. */
function afterHandshake(attack: Attack): Attack {
  return async (peer) => {
    await peer.introduce();
    assert.equal((await peer.opening())?.type, FrameType.hello);
    await attack(peer);
  };
}

function frameBytes(type: FrameType, body: Uint8Array): Uint8Array {
  const writer = new ByteWriter();
  writeFrame(writer, type, body);
  return writer.copy();
}

const attacks: [name: string, attack: Attack, reason: RegExp][] = [
  [
    "an HTTP request",
    (peer) => peer.connection.write(text("GET /status HTTP/1.1\r\n\r\n")),
    /HTTP/,
  ],
  [
    "a TLS greeting",
    (peer) => peer.connection.write(new Uint8Array([22, 3, 1, 2, 0, 1])),
    /TLS/,
  ],
  ["garbage", (peer) => peer.connection.write(text("\x00\x01\x02")), /wrong magic/],
  [
    "another protocol version",
    (peer) => peer.connection.write(text("raftlite\x09\x00\x00\x00")),
    /Protocol version 9/,
  ],
  [
    "a hello larger than any",
    (peer) => peer.introduce({ nodeId: "n".repeat(17_000) }),
    /over the limit of 16384/,
  ],
  ["an empty node id", (peer) => peer.introduce({ nodeId: "" }), /Node id/],
  ["a malformed cluster id", (peer) => peer.introduce({ clusterId: "zz" }), /Cluster id "zz"/],
  [
    "another cluster",
    (peer) => peer.introduce({ clusterId: OTHER_CLUSTER }),
    /Wrong cluster: it belongs to 00000000000000bb, this node to 00000000000000aa/,
  ],
  [
    "a frame in place of a hello",
    async (peer) => {
      await peer.connection.write(
        text(`raftlite${String.fromCharCode(protocolVersion)}\x00\x00\x00`),
      );
      await peer.send(FrameType.ping);
    },
    /in place of a hello/,
  ],
  [
    "a frame of another version",
    afterHandshake(async (peer) => {
      const bytes = frameBytes(FrameType.ping, new Uint8Array());
      bytes[8] = 2;
      await peer.connection.write(bytes);
    }),
    /unknown version 2/,
  ],
  [
    "a frame of unknown type",
    afterHandshake(async (peer) => {
      const bytes = frameBytes(FrameType.ping, new Uint8Array());
      bytes[9] = 99;
      await peer.connection.write(bytes);
    }),
    /unknown type 99/,
  ],
  [
    "a piece within pieces",
    afterHandshake((peer) => {
      const ping = frameBytes(FrameType.ping, new Uint8Array());
      const inner = frameBytes(FrameType.piece, ping);
      return peer.send(FrameType.piece, (writer) => writer.raw(inner));
    }),
    /A piece within pieces/,
  ],
  [
    "a piece with more than one frame",
    afterHandshake((peer) => {
      const ping = frameBytes(FrameType.ping, new Uint8Array());
      return peer.send(FrameType.piece, (writer) => {
        writer.raw(ping);
        writer.raw(ping);
      });
    }),
    /more than one frame/,
  ],
  [
    "a piece of an oversized frame",
    afterHandshake(async (peer) => {
      const bytes = frameBytes(FrameType.message, new Uint8Array());
      new DataView(bytes.buffer).setUint32(4, 0x7fff_ffff, true);
      await peer.send(FrameType.piece, (writer) => writer.raw(bytes));
    }),
    /over the limit of/,
  ],
  [
    "an oversized frame",
    afterHandshake(async (peer) => {
      const bytes = frameBytes(FrameType.message, new Uint8Array());
      new DataView(bytes.buffer).setUint32(4, 0x7fff_ffff, true);
      await peer.connection.write(bytes);
    }),
    /Frame of 2147483647 bytes is over the limit/,
  ],
  [
    "a damaged frame",
    afterHandshake(async (peer) => {
      const bytes = frameBytes(FrameType.request, text("abcdefgh"));
      bytes[15] = (bytes[15] ?? 0) ^ 4;
      await peer.connection.write(bytes);
    }),
    /wrong CRC/,
  ],
  [
    "a message from somebody else",
    afterHandshake((peer) => sendMessage(peer, heartbeat("mallory", "b", 1))),
    /says it is from mallory/,
  ],
  [
    "a message for somebody else",
    afterHandshake((peer) => sendMessage(peer, heartbeat("raw", "c", 1))),
    /for c, not for b/,
  ],
  [
    "a damaged entry",
    afterHandshake((peer) =>
      sendMessage(peer, append("raw", "b", [{ ...entry(1, text("data")), checksum: 1 }]))
    ),
    /Entry 1 is damaged/,
  ],
  [
    "a message that is none",
    afterHandshake((peer) => peer.send(FrameType.message, (writer) => writer.text("hello"))),
    /Cut short|unknown type/,
  ],
  [
    "a message of a node outside",
    async (peer) => {
      await peer.introduce({ clusterId: "" });
      await peer.opening();
      await sendMessage(peer, heartbeat("raw", "b", 1));
    },
    /has not joined/,
  ],
  [
    "an answer to nothing",
    afterHandshake((peer) => peer.send(FrameType.answer, (writer) => writer.uint32(1))),
    /in place of a request/,
  ],
  [
    "a change of identity",
    afterHandshake((peer) =>
      peer.send(FrameType.hello, (writer) => {
        writer.text(CLUSTER);
        writer.text("other");
        writer.text("127.0.0.1:1");
        writer.uint8(0);
        writer.bytes(new Uint8Array());
      })
    ),
    /changed its identity/,
  ],
  [
    "a stranger that joins another cluster",
    async (peer) => {
      await peer.introduce({ clusterId: "" });
      await peer.opening();
      await peer.send(FrameType.hello, (writer) => {
        writer.text(OTHER_CLUSTER);
        writer.text("raw");
        writer.text("127.0.0.1:1");
        writer.uint8(0);
        writer.bytes(new Uint8Array());
      });
    },
    /Wrong cluster/,
  ],
];

for (const [name, attack, reason] of attacks) {
  Deno.test(`Transport closes the connection at ${name}, with one log line`, async () => {
    await using b = await openNode("b");
    using peer = await RawPeer.connect(b.address);
    await attack(peer);
    await peer.untilClosed();
    const lines = b.log.matching(/Closed/);
    assert.equal(lines.length, 1, b.log.lines.join("\n"));
    assert.match(lines[0] ?? "", reason);
    assert.match(lines[0] ?? "", /127\.0\.0\.1:\d+/);
    assert.deepEqual(b.messages, []);
  });
}

Deno.test("Transport logs a few lines a remote host, however often it misbehaves", async () => {
  await using b = await openNode("b");
  for (let i = 0; i < 20; i++) {
    using peer = await RawPeer.connect(b.address);
    await peer.connection.write(text("GET / HTTP/1.1\r\n\r\n"));
    await peer.untilClosed();
  }
  assert.equal(b.log.matching(/Closed/).length, 5);
});

Deno.test("Transport closes a connection that does not introduce itself", async () => {
  await using b = await openNode("b", { limits: { handshakeTimeoutMs: 40 } });
  using silent = await RawPeer.connect(b.address);
  using slow = await RawPeer.connect(b.address);
  await slow.connection.write(text("raft"));
  await Promise.all([silent.untilClosed(), slow.untilClosed()]);
  assert.equal(b.log.matching(/No handshake within 40 ms/).length, 2);
});

Deno.test("Transport takes messages of a member that is not its peer", async () => {
  await using b = await openNode("b");
  using peer = await RawPeer.introduced(b.address);
  await peer.opening();
  await sendMessage(peer, heartbeat("raw", "b", 4));
  await until(() => b.messages.length === 1, "the message has arrived");
  assert.deepEqual(b.messages, [heartbeat("raw", "b", 4)]);
});

Deno.test("Transport without a cluster drops messages, and answers pings", async () => {
  await using b = await openNode("b", { clusterId: "" });
  using peer = await RawPeer.introduced(b.address);
  await peer.opening();
  await sendMessage(peer, heartbeat("raw", "b", 4));
  await peer.send(FrameType.ping);
  assert.equal((await peer.frame())?.type, FrameType.pong);
  assert.deepEqual(b.messages, []);
});

Deno.test("Transport at its bound of connections gives up silent ones, never a member's", async () => {
  await using b = await openNode("b", { limits: { connectionsMax: 2 } });
  using member = await RawPeer.introduced(b.address);
  await member.opening();
  using silent = await RawPeer.connect(b.address);
  using newcomer = await RawPeer.introduced(b.address, { nodeId: "second" });
  await silent.untilClosed();
  await newcomer.opening();
  using refused = await RawPeer.introduced(b.address, { nodeId: "third" });
  await refused.untilClosed();
  await sendMessage(member, heartbeat("raw", "b", 1));
  await sendMessage(newcomer, heartbeat("second", "b", 1));
  await until(() => b.messages.length === 2, "both are still served");
  assert.equal(b.log.matching(/Too many connections/i).length, 2);
});

Deno.test("Transport takes no large frame from a stranger", async () => {
  await using b = await openNode("b");
  using peer = await RawPeer.introduced(b.address, { clusterId: "" });
  await peer.opening();
  await peer.send(FrameType.request, (writer) => writer.raw(new Uint8Array(1024 * 1024 + 1)));
  await peer.untilClosed();
  assert.equal(b.log.matching(/over the limit of 1048576/).length, 1);
});

Deno.test("Transport that reaches a node of another cluster says so to its caller", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b", { clusterId: OTHER_CLUSTER });
  const request = a.transport.request({ address: b.address, kind: 1, payload: text("") }, {
    timeoutMs: 120_000,
  });
  await assert.rejects(request, { kind: "protocol", message: /Wrong cluster/ });
});
