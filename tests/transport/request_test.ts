import assert from "node:assert/strict";
import { FrameType } from "../../src/transport/frame.ts";
import { takePort } from "../ports.ts";
import {
  introduce,
  ManualClock,
  network,
  openNode,
  RawPeer,
  string,
  type TestNode,
  text,
  until,
  untilConnected,
} from "./fixture.ts";

const timeoutMs = 120_000;

/** Has a connection be there: on a slow machine it may take longer than a short request has. */
async function connect(a: TestNode, b: TestNode): Promise<void> {
  b.onRequest = () => Promise.resolve(text(""));
  await a.transport.request({ address: b.address, kind: 0, payload: text("") }, { timeoutMs });
}

Deno.test("request() gets the handler's answer, many at a time", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  b.onRequest = (peer, kind, payload) =>
    Promise.resolve(text(`${peer.id} ${peer.member} ${kind} ${string(payload)}`));
  const answers = await Promise.all(
    Array.from(
      { length: 500 },
      (_, i) =>
        a.transport.request({ address: b.address, kind: i, payload: text(`question ${i}`) }, {
          timeoutMs,
        }),
    ),
  );
  answers.forEach((answer, i) => assert.equal(string(answer), `a true ${i} question ${i}`));
});

Deno.test("request() is refused with the text of the handler's failure", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  b.onRequest = () => Promise.reject(new Error("No such table"));
  const request = a.transport.request({ address: b.address, kind: 1, payload: text("") }, {
    timeoutMs,
  });
  await assert.rejects(request, { kind: "refused", message: "No such table" });
});

Deno.test("request() to a port where nobody listens is unreachable", async () => {
  await using a = await openNode("a");
  const address = `127.0.0.1:${takePort()}`;
  const request = a.transport.request({ address, kind: 1, payload: text("") }, { timeoutMs });
  await assert.rejects(request, { kind: "unreachable" });
});

Deno.test("request() to a server that never answers the handshake is unreachable", async () => {
  await using a = await openNode("a", { limits: { handshakeTimeoutMs: 50 } });
  const listener = await network.listen("127.0.0.1:0");
  const accepting = listener.accept();
  const request = a.transport.request({ address: listener.address, kind: 1, payload: text("") }, {
    timeoutMs,
  });
  await assert.rejects(request, { kind: "unreachable", message: /No handshake within 50 ms/ });
  (await accepting)?.close();
  listener.close();
});

Deno.test("request() that times out before it could be sent is unreachable", async () => {
  await using a = await openNode("a", { limits: { handshakeTimeoutMs: 300 } });
  const listener = await network.listen("127.0.0.1:0");
  const accepting = listener.accept();
  const request = a.transport.request({ address: listener.address, kind: 1, payload: text("") }, {
    timeoutMs: 20,
  });
  await assert.rejects(request, { kind: "unreachable", message: /could not be sent within 20 ms/ });
  (await accepting)?.close();
  listener.close();
});

Deno.test("request() that gets no answer times out, and its handler is aborted", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  await connect(a, b);
  let aborted = false;
  b.onRequest = (_peer, _kind, _payload, signal) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        aborted = true;
        reject(new Error("stopped"));
      });
    });
  const request = a.transport.request({ address: b.address, kind: 1, payload: text("") }, {
    timeoutMs: 30,
  });
  await assert.rejects(request, { kind: "timeout" });
  await until(() => aborted, "the handler is aborted");
});

Deno.test("request() times out when its own time is over, whatever others were given", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  await connect(a, b);
  const release = Promise.withResolvers<Uint8Array>();
  b.onRequest = () => release.promise;
  const times = [timeoutMs, 60, 20, 40];
  let ended = 0;
  const requests = times.map((ms) =>
    a.transport.request({ address: b.address, kind: 1, payload: text("") }, { timeoutMs: ms })
      .then(() => "answered", (error) => error.kind)
      .finally(() => ended++)
  );
  await until(() => ended === 3, "the short ones are given up");
  release.resolve(text("done"));
  assert.deepEqual(await Promise.all(requests), ["answered", "timeout", "timeout", "timeout"]);
});

Deno.test("request() aborted by its signal aborts the handler", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b");
  let running = false;
  let aborted = false;
  b.onRequest = (_peer, _kind, _payload, signal) => {
    running = true;
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        aborted = true;
        reject(new Error("stopped"));
      });
    });
  };
  const controller = new AbortController();
  const { signal } = controller;
  const request = a.transport.request({ address: b.address, kind: 1, payload: text("") }, {
    timeoutMs,
    signal,
  });
  const rejected = assert.rejects(request, { kind: "aborted" });
  await until(() => running, "the handler runs");
  controller.abort();
  await rejected;
  await until(() => aborted, "the handler is aborted");
  const again = a.transport.request({ address: b.address, kind: 1, payload: text("") }, {
    timeoutMs,
    signal,
  });
  await assert.rejects(again, { kind: "aborted" });
});

Deno.test("request() whose connection is lost before the answer is interrupted", async () => {
  await using a = await openNode("a");
  const listener = await network.listen("127.0.0.1:0");
  const request = a.transport.request({ address: listener.address, kind: 1, payload: text("hi") }, {
    timeoutMs,
  });
  const rejected = assert.rejects(request, { kind: "interrupted" });
  const connection = await listener.accept();
  assert.ok(connection);
  {
    using peer = new RawPeer(connection);
    assert.equal((await peer.opening())?.type, FrameType.hello);
    await peer.introduce();
    assert.equal((await peer.frame())?.type, FrameType.request);
  }
  await rejected;
  listener.close();
});

Deno.test("request() whose peer closes is interrupted, and the handler's signal aborts", async () => {
  await using a = await openNode("a");
  const b = await openNode("b", { limits: { closeTimeoutMs: 20 } });
  let running = false;
  let aborted = false;
  b.onRequest = (_peer, _kind, _payload, signal) => {
    running = true;
    signal.addEventListener("abort", () => aborted = true);
    return new Promise(() => {});
  };
  const request = a.transport.request({ address: b.address, kind: 1, payload: text("") }, {
    timeoutMs,
  });
  const rejected = assert.rejects(request, { kind: "interrupted" });
  await until(() => running, "the handler runs");
  await b.transport.close();
  await rejected;
  assert.ok(aborted);
});

Deno.test("request() beyond the bound of pending ones is overloaded, on either side", async () => {
  await using a = await openNode("a", { limits: { pendingRequestsMax: 2 } });
  await using b = await openNode("b", { limits: { pendingRequestsMax: 3 } });
  await using c = await openNode("c");
  const release = Promise.withResolvers<Uint8Array>();
  let running = 0;
  b.onRequest = () => {
    running += 1;
    return release.promise;
  };
  const ask = (node: typeof a) =>
    node.transport.request({ address: b.address, kind: 1, payload: text("") }, { timeoutMs });
  const first = [ask(a), ask(a)];
  await assert.rejects(ask(a), { kind: "overloaded" });
  const second = [ask(c), ask(c), ask(c)];
  await until(() => running === 5, "five run");
  await assert.rejects(ask(c), { kind: "overloaded", message: /too many requests/ });
  release.resolve(text("done"));
  await Promise.all([...first, ...second]);
});

Deno.test("request() that is answered leaves nothing behind on either side", async () => {
  const manual = new ManualClock();
  await using a = await openNode("a", { clock: manual, limits: { pendingRequestsMax: 1 } });
  await using b = await openNode("b", { limits: { pendingRequestsMax: 1 } });
  const ask = () =>
    a.transport.request({ address: b.address, kind: 1, payload: text("") }, { timeoutMs });
  await ask();
  const { timers } = manual;
  for (let i = 0; i < 10; i++) await ask();
  assert.equal(manual.timers, timers);
});

Deno.test("request() larger than a frame is refused before it is sent", async () => {
  await using a = await openNode("a", { limits: { frameBytesMax: 1000 } });
  await using b = await openNode("b");
  const request = a.transport.request({
    address: b.address,
    kind: 1,
    payload: new Uint8Array(1001),
  }, { timeoutMs });
  await assert.rejects(request, { kind: "protocol" });
});

Deno.test("request() whose answer is larger than a frame is refused", async () => {
  await using a = await openNode("a");
  await using b = await openNode("b", { limits: { frameBytesMax: 1000 } });
  b.onRequest = () => Promise.resolve(new Uint8Array(1001));
  const request = a.transport.request({ address: b.address, kind: 1, payload: text("") }, {
    timeoutMs,
  });
  await assert.rejects(request, { kind: "refused", message: /over the limit/ });
});

Deno.test("request() reaches a peer that came back on the same port", async () => {
  await using a = await openNode("a");
  const b = await openNode("b");
  introduce(a, b);
  await untilConnected(a, b);
  await b.transport.close();
  await until(() => a.unreachable.includes("b"), "a notices");
  const down = a.transport.request({ address: b.address, kind: 1, payload: text("") }, {
    timeoutMs,
  });
  await assert.rejects(down, { kind: "unreachable" });
  await using again = await openNode("b", { listenAddress: b.address });
  await untilConnected(a, again);
  await a.transport.request({ address: again.address, kind: 1, payload: text("") }, { timeoutMs });
});
