import assert from "node:assert/strict";
import type { Clock, Connection, Network } from "../../src/io/types.ts";
import { FrameType } from "../../src/transport/frame.ts";
import {
  append,
  clock,
  entry,
  heartbeat,
  introduce,
  ManualClock,
  network,
  openNode,
  RawPeer,
  text,
  until,
  untilConnected,
} from "./fixture.ts";

const timeoutMs = 120_000;

/** Accepts one connection and its introduction, as node `nodeId`. */
async function acceptRaw(
  accepting: Promise<Connection | null>,
  nodeId: string,
): Promise<RawPeer> {
  const connection = await accepting;
  assert.ok(connection);
  const peer = new RawPeer(connection);
  assert.equal((await peer.opening())?.type, FrameType.hello);
  await peer.introduce({ nodeId });
  return peer;
}

Deno.test("Transport gives a peer up that answers no ping", async () => {
  const limits = { pingAfterMs: 20, pingTimeoutMs: 60 };
  await using a = await openNode("a", { limits });
  const listener = await network.listen("127.0.0.1:0");
  const request = a.transport.request({ address: listener.address, kind: 1, payload: text("") }, {
    timeoutMs,
  });
  const rejected = assert.rejects(request, {
    kind: "interrupted",
    message: /did not answer a ping/,
  });
  using peer = await acceptRaw(listener.accept(), "dead");
  await rejected;
  assert.equal((await peer.frame())?.type, FrameType.request);
  assert.equal((await peer.frame())?.type, FrameType.ping);
  await peer.untilClosed();
  listener.close();
});

Deno.test("Transport closes an incoming connection whose node vanished", async () => {
  await using b = await openNode("b", { limits: { pingAfterMs: 20, pingTimeoutMs: 60 } });
  using peer = await RawPeer.introduced(b.address);
  await peer.opening();
  assert.equal((await peer.frame())?.type, FrameType.ping);
  await peer.untilClosed();
});

Deno.test("Transport keeps a quiet connection whose other end answers pings", async () => {
  const manual = new ManualClock();
  const options = { clock: manual, limits: { pingAfterMs: 50, pingTimeoutMs: 400 } };
  const watched = new WatchedNetwork();
  await using a = await openNode("a", { ...options, network: watched });
  await using b = await openNode("b", options);
  a.transport.setPeers(new Map([["b", b.address]]));
  await untilConnected(a, b);
  await manual.pass(3000);
  assert.deepEqual(a.log.matching(/Lost/), []);
  assert.equal(watched.made, 1);
  assert.equal(watched.open, 1);
});

Deno.test("Transport keeps its connections after a standstill of its own process", async () => {
  const manual = new ManualClock();
  const options = { clock: manual, limits: { pingAfterMs: 50, pingTimeoutMs: 400 } };
  const watched = new WatchedNetwork();
  await using a = await openNode("a", { ...options, network: watched });
  await using b = await openNode("b", options);
  a.transport.setPeers(new Map([["b", b.address]]));
  await untilConnected(a, b);
  const release = Promise.withResolvers<void>();
  watched.readsHeld = release.promise;
  await manual.pass(200);
  manual.jump(5000);
  watched.readsHeld = undefined;
  release.resolve();
  await manual.pass(300);
  assert.deepEqual(a.log.matching(/Lost/), []);
  assert.equal(watched.open, 1);
});

Deno.test("A peer that reads nothing costs the others nothing, and its queue is bounded", async () => {
  const MiB = 1024 * 1024;
  const never = 3_600_000;
  const limits = { raftQueueBytesMax: 4 * MiB, pingAfterMs: never, pingTimeoutMs: never };
  await using a = await openNode("a", { limits });
  await using c = await openNode("c");
  const listener = await network.listen("127.0.0.1:0");
  const accepting = acceptRaw(listener.accept(), "stuck");
  a.transport.setPeers(new Map([["stuck", listener.address], ["c", c.address]]));
  using _stuck = await accepting;
  await untilConnected(a, c);
  const big = append("a", "stuck", [entry(1, new Uint8Array(MiB))]);
  let sent = 0;
  await until(() => {
    for (let i = 0; i < 4; i++) a.transport.send([big]);
    a.transport.send([heartbeat("a", "c", sent++)]);
    return a.unreachable.includes("stuck");
  }, "the queue for the stuck peer overflows");
  // What left the queue is in the system's socket buffers, a few MiB.
  assert.ok(sent * 4 < 64, `${sent * 4} MiB were taken`);
  await until(() => c.messages.length === sent, "the other peer has got everything");
  assert.deepEqual(a.log.matching(/Lost/), []);
  listener.close();
});

Deno.test("Transport closes the connection to a peer that takes no bytes", async () => {
  // A ping may be among the bytes that go into the sockets' buffers, and miss its answer first.
  const limits = { pingAfterMs: 3_600_000, pingTimeoutMs: 100 };
  await using a = await openNode("a", { limits });
  const listener = await network.listen("127.0.0.1:0");
  const request = a.transport.request({
    address: listener.address,
    kind: 1,
    payload: new Uint8Array(32 * 1024 * 1024),
  }, { timeoutMs });
  const rejected = assert.rejects(request, { kind: "interrupted", message: /took no bytes/ });
  using _peer = await acceptRaw(listener.accept(), "stuck");
  await rejected;
  listener.close();
});

Deno.test("Transport closes a connection that asks but never reads its answers", async () => {
  const never = 3_600_000;
  const limits = {
    requestQueueBytesMax: 8 * 1024 * 1024,
    pingAfterMs: never,
    pingTimeoutMs: never,
  };
  await using b = await openNode("b", { limits });
  b.onRequest = () => Promise.resolve(new Uint8Array(1024 * 1024));
  using peer = await RawPeer.introduced(b.address);
  await peer.opening();
  for (let id = 1; id <= 40; id++) {
    await peer.send(FrameType.request, (writer) => {
      writer.uint32(id);
      writer.uint16(1);
    });
  }
  peer.untilClosed();
  await until(() => peer.ended, "the connection is closed");
});

Deno.test("Requests that wait for a stuck peer are bounded in bytes, and never sent ones are unreachable", async () => {
  const MiB = 1024 * 1024;
  await using a = await openNode("a", { limits: { requestQueueBytesMax: 8 * MiB } });
  const listener = await network.listen("127.0.0.1:0");
  const accepting = acceptRaw(listener.accept(), "stuck");
  const kinds: string[] = [];
  const ask = () =>
    a.transport.request({ address: listener.address, kind: 1, payload: new Uint8Array(MiB) }, {
      timeoutMs,
    })
      .catch((error) => kinds.push(error.kind));
  const requests = [ask()];
  const stuck = await accepting;
  await until(() => {
    requests.push(ask());
    return kinds.includes("overloaded");
  }, "the queue is full");
  assert.deepEqual([...new Set(kinds)], ["overloaded"]);
  stuck.connection.close();
  await Promise.all(requests);
  const count = (kind: string) => kinds.filter((each) => each === kind).length;
  assert.equal(count("unreachable"), 7, "what was still queued was never sent");
  assert.ok(count("interrupted") > 0);
  listener.close();
});

Deno.test("Transport reconnects by itself when its peer comes back, and tells that it is away", async () => {
  await using a = await openNode("a");
  const b = await openNode("b");
  introduce(a, b);
  await untilConnected(a, b);
  await b.transport.close();
  await until(() => a.unreachable.includes("b"), "a is told");
  await using again = await openNode("b", { listenAddress: b.address });
  await until(() => a.log.matching(/Connected to b/).length === 2, "a has connected again");
  await untilConnected(a, again);
});

Deno.test("A node that connects to its peer is connected to at once, whatever the back-off", async () => {
  const limits = { reconnectMinMs: 3_600_000, reconnectMaxMs: 3_600_000 };
  await using a = await openNode("a", { limits });
  const b = await openNode("b");
  introduce(a, b);
  await untilConnected(a, b);
  await b.transport.close();
  await until(() => a.unreachable.includes("b"), "a is told");
  await using again = await openNode("b", { listenAddress: b.address });
  again.transport.setPeers(new Map([["a", a.address]]));
  await untilConnected(a, again);
});

Deno.test("A request makes its peer be tried again soon, whatever the back-off", async () => {
  const limits = { reconnectMinMs: 3_600_000, reconnectMaxMs: 3_600_000 };
  await using a = await openNode("a", { limits });
  const b = await openNode("b");
  introduce(a, b);
  await untilConnected(a, b);
  await b.transport.close();
  await until(() => a.unreachable.includes("b"), "a is told");
  await using again = await openNode("b", { listenAddress: b.address });
  await a.transport.request({ address: again.address, kind: 1, payload: text("") }, { timeoutMs });
});

Deno.test("Transport waits longer after each failure, within its bounds", async () => {
  const attempts: number[] = [];
  const refusing: Network = {
    listen: (address) => network.listen(address),
    connect: () => {
      attempts.push(clock.now());
      return Promise.reject(new Error("refused"));
    },
  };
  const limits = { reconnectMinMs: 10, reconnectMaxMs: 80 };
  await using a = await openNode("a", { network: refusing, limits });
  a.transport.setPeers(new Map([["b", "127.0.0.1:1"]]));
  await until(() => attempts.length === 8, "eight attempts were made");
  const waits = attempts.slice(1).map((at, i) => at - (attempts[i] ?? 0));
  [5, 10, 20, 40, 40, 40, 40].forEach((least, i) => {
    assert.ok((waits[i] ?? 0) >= least - 1, `wait ${i} was ${waits[i]} ms, less than ${least}`);
  });
  assert.equal(a.log.matching(/^WARN/).length, 1, "one line an outage");
});

/** The system's network, that notes which outgoing connections are open. */
class WatchedNetwork implements Network {
  made = 0;
  open = 0;
  /** What has been read is handed over only when this resolves. */
  readsHeld: Promise<void> | undefined;

  listen(address: string) {
    return network.listen(address);
  }

  async connect(address: string, connectTimeoutMs: number): Promise<Connection> {
    const connection = await network.connect(address, connectTimeoutMs);
    this.made += 1;
    this.open += 1;
    let isOpen = true;
    return {
      remoteAddress: connection.remoteAddress,
      read: async (into) => {
        const count = await connection.read(into);
        await this.readsHeld;
        return count;
      },
      write: (bytes) => connection.write(bytes),
      close: () => {
        if (isOpen) this.open -= 1;
        isOpen = false;
        connection.close();
      },
    };
  }
}

Deno.test("setPeers() ends the connection to a node that is no peer any more", async () => {
  const watched = new WatchedNetwork();
  await using a = await openNode("a", { network: watched });
  await using b = await openNode("b");
  a.transport.setPeers(new Map([["b", b.address]]));
  await untilConnected(a, b);
  assert.equal(watched.open, 1);
  a.transport.setPeers(new Map());
  await until(() => watched.open === 0, "the connection is closed");
  assert.deepEqual(a.log.matching(/Lost/), []);
});

Deno.test("A connection made for a request alone serves the next one, and ends when idle", async () => {
  const watched = new WatchedNetwork();
  await using a = await openNode("a", { network: watched, limits: { linkIdleMs: 50 } });
  await using b = await openNode("b");
  const ask = () =>
    a.transport.request({ address: b.address, kind: 1, payload: text("") }, { timeoutMs });
  await Promise.all([ask(), ask()]);
  assert.equal(watched.made, 1);
  await until(() => watched.open === 0, "the connection is closed");
  await ask();
  assert.equal(watched.made, 2);
});

Deno.test("Connections at rest wake their node up for one look at all of them, and for nothing else", async () => {
  const clock = new ManualClock();
  let woken = 0;
  const counting: Clock = {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    after: (delayMs, callback) =>
      clock.after(delayMs, () => {
        woken++;
        callback();
      }),
  };
  const limits = { pingAfterMs: 1_000, pingTimeoutMs: 5_000, linkIdleMs: 1e9 };
  await using a = await openNode("a", { limits, clock: counting });
  await using b = await openNode("b", { limits, clock: counting });
  introduce(a, b);
  await untilConnected(a, b);
  await untilConnected(b, a);
  woken = 0;
  await clock.pass(10_000);
  // Two nodes, which look about when a ping may be due.
  assert(woken <= 2 * 15, `${woken} timers in 10 s`);
  assert.deepEqual([a.unreachable, b.unreachable], [[], []]);
});
