import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { checksum } from "../../src/base/checksum.ts";
import { FrameType } from "../../src/transport/frame.ts";
import { writeStreamEnd } from "../../src/transport/stream_frames.ts";
import { ByteWriter } from "../../src/base/bytes.ts";
import { ManualClock, OPEN_KIND, openNode, RawPeer, string, text, until } from "./fixture.ts";

const options = { timeoutMs: 120_000 };

/** A body of `count` chunks, counted as they are taken. */
class Body {
  taken = 0;
  letGo = false;

  constructor(readonly count: number, readonly chunk: Uint8Array, readonly failAt = Infinity) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (; this.taken < this.count; this.taken++) {
        if (this.taken === this.failAt) throw new Error("disk on fire");
        await Promise.resolve();
        yield this.chunk;
      }
    } finally {
      this.letGo = true;
    }
  }
}

async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of body);
}

Deno.test("stream() carries header, body and answer", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  const chunk = new Prng(3n).fill(new Uint8Array(700_001));
  b.onStream = async (peer, kind, header, body) => {
    let sum = 0;
    let length = 0;
    for await (const piece of body) {
      assert.ok(piece.length <= 256 * 1024);
      sum = checksum(piece, sum);
      length += piece.length;
    }
    return text(`${peer.id} ${kind} ${string(header)} ${length} ${sum}`);
  };
  const body = new Body(3, chunk);
  const answer = await a.transport.stream({
    address: b.address,
    kind: 4,
    header: text("header"),
    body,
  }, options);
  let sum = 0;
  for (let i = 0; i < 3; i++) sum = checksum(chunk, sum);
  assert.equal(string(answer), `a 4 header 2100003 ${sum}`);
  assert.ok(body.letGo);
});

Deno.test("stream() carries an empty body", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  const body = new Body(0, text(""));
  assert.equal(
    string(
      await a.transport.stream({ address: b.address, kind: 4, header: text(""), body }, options),
    ),
    "0",
  );
});

Deno.test("stream() to a slow receiver takes no more of the body than fits in the sockets", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  const release = Promise.withResolvers<void>();
  let opened = false;
  b.onStream = async (_peer, _kind, _header, body) => {
    opened = true;
    await release.promise;
    await drain(body);
    return text("all");
  };
  const body = new Body(2000, new Uint8Array(64 * 1024));
  const stream = a.transport.stream(
    { address: b.address, kind: 4, header: text(""), body },
    options,
  );
  await until(() => opened, "the receiver has begun");
  let before = -1;
  await until(() => {
    const still = body.taken === before && before > 0;
    before = body.taken;
    return still;
  }, "the sender stands still");
  // The system's socket buffers hold a few MiB; 125 MiB would be no back-pressure at all.
  assert.ok(body.taken * 64 * 1024 < 32 * 1024 * 1024, `${body.taken} chunks taken`);
  release.resolve();
  assert.equal(string(await stream), "all");
});

Deno.test("stream() whose receiver fails in the middle is refused with its text", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  b.onStream = async (_peer, _kind, _header, body) => {
    for await (const _ of body) throw new Error("Disk is full");
    return text("");
  };
  const body = new Body(100_000, new Uint8Array(64 * 1024));
  const stream = a.transport.stream(
    { address: b.address, kind: 4, header: text(""), body },
    options,
  );
  await assert.rejects(stream, { kind: "refused", message: "Disk is full" });
  await until(() => body.letGo, "the body is let go of");
});

Deno.test("stream() whose body fails makes the receiver's iterator throw", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  let failure: unknown;
  b.onStream = async (_peer, _kind, _header, body) => {
    await drain(body).catch((error) => failure = error);
    return text("");
  };
  const body = new Body(100, new Uint8Array(1000), 50);
  const stream = a.transport.stream(
    { address: b.address, kind: 4, header: text(""), body },
    options,
  );
  await assert.rejects(stream, { kind: "aborted", message: /disk on fire/ });
  await until(() => failure !== undefined, "the receiver knows");
  assert.match(String(failure), /Sender gave up: Body failed: disk on fire/);
});

Deno.test("stream() aborted by its signal is cut off at the receiver", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  let pieces = 0;
  let failure: unknown;
  b.onStream = async (_peer, _kind, _header, body) => {
    try {
      for await (const _ of body) pieces += 1;
    } catch (error) {
      failure = error;
    }
    return text("");
  };
  const controller = new AbortController();
  const body = {
    async *[Symbol.asyncIterator]() {
      yield text("one");
      await new Promise((resolve) => controller.signal.addEventListener("abort", resolve));
    },
  };
  const { signal } = controller;
  const stream = a.transport.stream({ address: b.address, kind: 4, header: text(""), body }, {
    timeoutMs: 120_000,
    signal,
  });
  const rejected = assert.rejects(stream, { kind: "aborted" });
  await until(() => pieces === 1, "the first piece has come");
  controller.abort();
  await rejected;
  await until(() => failure !== undefined, "the receiver knows");
  assert.match(String(failure), /Stream broken off/);
});

Deno.test("stream() cut between two chunks, or with a wrong end, never ends like a whole one", async () => {
  await using b = await openNode("b");
  const endings: ((peer: RawPeer) => Promise<void>)[] = [
    (peer) => Promise.resolve(peer.connection.close()),
    async (peer) => {
      const writer = new ByteWriter();
      writeStreamEnd(writer, 4, checksum(text("bod")));
      await peer.connection.write(writer.view());
    },
    async (peer) => {
      const writer = new ByteWriter();
      writeStreamEnd(writer, 3, 1);
      await peer.connection.write(writer.view());
    },
    (peer) => peer.send(FrameType.pong),
    async (peer) => {
      const chunk = new Uint8Array(256 * 1024 + 1);
      await peer.send(FrameType.streamChunk, (writer) => writer.raw(chunk));
      const writer = new ByteWriter();
      writeStreamEnd(writer, 3 + chunk.length, checksum(chunk, checksum(text("bod"))));
      await peer.connection.write(writer.view()).catch(() => {});
    },
  ];
  for (const end of endings) {
    let failure: unknown;
    let whole = false;
    b.onStream = async (_peer, _kind, _header, body) => {
      try {
        await drain(body);
        whole = true;
      } catch (error) {
        failure = error;
      }
      return text("");
    };
    using peer = await RawPeer.introduced(b.address, { purpose: "stream" });
    assert.equal((await peer.opening())?.type, FrameType.hello);
    await peer.send(FrameType.streamOpen, (writer) => writer.uint16(4));
    await peer.send(FrameType.streamChunk, (writer) => writer.raw(text("bod")));
    await end(peer);
    await until(() => failure !== undefined || whole, "the receiver is done");
    assert.equal(whole, false);
  }
});

Deno.test("stream() is broken off when the sender falls silent", async () => {
  await using b = await openNode("b", { limits: { streamIdleTimeoutMs: 40 } });
  let failure: unknown;
  b.onStream = async (_peer, _kind, _header, body) => {
    await drain(body).catch((error) => failure = error);
    return text("");
  };
  using peer = await RawPeer.introduced(b.address, { purpose: "stream" });
  await peer.opening();
  await peer.send(FrameType.streamOpen, (writer) => writer.uint16(4));
  await until(() => failure !== undefined, "the receiver gives up");
  assert.match(String(failure), /Nothing heard for 40 ms/);
});

Deno.test("stream() outlives a slow body and a slow handler: both ends ping", async () => {
  const manual = new ManualClock();
  const nodeOptions = {
    clock: manual,
    limits: { streamIdleTimeoutMs: 250, pingAfterMs: 20, handshakeTimeoutMs: 1e9 },
  };
  await using a = await openNode("a", nodeOptions);
  await using b = await openNode("b", nodeOptions);
  b.onStream = async (_peer, _kind, _header, body) => {
    await drain(body);
    await manual.pass(1000);
    return text("late");
  };
  const body = {
    async *[Symbol.asyncIterator]() {
      await manual.pass(1000);
      yield text("one");
    },
  };
  const answer = await a.transport.stream({ address: b.address, kind: 4, header: text(""), body }, {
    timeoutMs: 1e9,
  });
  assert.equal(string(answer), "late");
});

Deno.test("stream() may take long, but not go without progress", async () => {
  const manual = new ManualClock();
  await using a = await openNode("a", { clock: manual });
  await using b = await openNode("b");
  const ended = Promise.withResolvers<void>();
  let gaps = 0;
  const body = {
    async *[Symbol.asyncIterator]() {
      for (; gaps < 10; gaps++) {
        await manual.pass(60);
        yield text("more");
      }
      await manual.pass(1000);
      ended.resolve();
    },
  };
  const stream = a.transport.stream({ address: b.address, kind: 4, header: text(""), body }, {
    timeoutMs: 100,
  });
  await assert.rejects(stream, { kind: "timeout", message: /No progress for 100 ms/ });
  assert.equal(gaps, 10);
  await ended.promise;
});

Deno.test("stream() gets an answer as large as a frame", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  b.onStream = () => Promise.resolve(new Uint8Array(1_000_000));
  const answer = await a.transport.stream({
    address: b.address,
    kind: 4,
    header: text(""),
    body: new Body(1, text("x")),
  }, options);
  assert.equal(answer.length, 1_000_000);
});

Deno.test("stream() from a stranger is refused unless its kind is open to all", async () => {
  await using stranger = await openNode("stranger", { clusterId: "" });
  await using b = await openNode("b");
  const send = (kind: number) =>
    stranger.transport.stream({
      address: b.address,
      kind,
      header: text(""),
      body: new Body(1, text("x")),
    }, options);
  await assert.rejects(send(1), { kind: "refused" });
  assert.equal(string(await send(OPEN_KIND)), "1");
});

Deno.test("stream() beyond the bound is overloaded, on either side", async () => {
  await using a = await openNode("a", { limits: { streamsMax: 1 } });
  await using b = await openNode("b", { limits: { streamsMax: 2 } });
  await using c = await openNode("c");
  const release = Promise.withResolvers<Uint8Array>();
  let running = 0;
  b.onStream = () => {
    running += 1;
    return release.promise;
  };
  const send = (node: typeof a) =>
    node.transport.stream({
      address: b.address,
      kind: 1,
      header: text(""),
      body: new Body(1, text("x")),
    }, options);
  const first = send(a);
  await assert.rejects(send(a), { kind: "overloaded" });
  const second = send(c);
  await until(() => running === 2, "two run");
  await assert.rejects(send(c), { kind: "overloaded" });
  release.resolve(text("done"));
  await Promise.all([first, second]);
  assert.equal(string(await send(a)), "done");
});

Deno.test("stream() to a port where nobody listens is unreachable", async () => {
  await using a = await openNode("a");
  const gone = await openNode("gone");
  await gone.transport.close();
  const stream = a.transport.stream({
    address: gone.address,
    kind: 1,
    header: text(""),
    body: new Body(1, text("x")),
  }, options);
  await assert.rejects(stream, { kind: "unreachable" });
});
