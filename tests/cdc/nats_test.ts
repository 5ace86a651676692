import assert from "node:assert/strict";
import { eventually } from "../cluster/harness.ts";
import { testWith } from "../metrics/outside_program.ts";
import { natsProgram, NatsServer } from "./nats_server.ts";
import { messageOf, sinkOf } from "./nats_sink.ts";

const encoder = new TextEncoder();
const { signal } = new AbortController();

testWith(natsProgram, "NatsSink has a real server store each part once, in order", async () => {
  await using server = await NatsServer.start();
  using sink = sinkOf(server.endpoint);
  const message = messageOf(["1.0", "a", "one"], ["1.1", "odd name.*", "two"], [
    "2.0",
    "",
    "three",
  ]);
  await assert.rejects(sink.send(message, signal), {
    message: /^no stream of JetStream takes the subject raftlite\.changes: make one with/,
  });
  await server.makeStream();
  await sink.send(message, signal);
  // As after an answer that was lost, or by another leader.
  using other = sinkOf(server.endpoint);
  await other.send(message, signal);
  await other.send(messageOf(["3.0", undefined, "four"]), signal);
  assert.deepEqual(await server.stored(), [
    { subject: "raftlite.changes.a", id: "svc.1.0", text: "one" },
    { subject: "raftlite.changes.odd_name__", id: "svc.1.1", text: "two" },
    { subject: "raftlite.changes._message", id: "svc.2.0", text: "three" },
    { subject: "raftlite.changes", id: "svc.3.0", text: "four" },
  ]);
}, { sanitizeResources: false });

testWith(natsProgram, "NatsSink says who it is, and what is wrong", async () => {
  await using server = await NatsServer.start(["--user", "bob", "--pass", "s3:cret"]);
  const message = messageOf(["1.0", "a", "one"]);
  using stranger = sinkOf(server.endpoint);
  await assert.rejects(stranger.send(message, signal), /authorization|permission/i);
  using known = sinkOf(server.endpoint.replace("//", "//bob:s3%3Acret@"));
  await assert.rejects(known.send(message, signal), /no stream of JetStream/);
  using nobody = sinkOf("nats://127.0.0.1:1");
  await assert.rejects(nobody.send(message, signal), /refused/i);
  const stop = new AbortController();
  stop.abort(new Error("the node stops"));
  await assert.rejects(known.send(message, stop.signal), /the node stops/);
}, { sanitizeResources: false });

/** Says to be a server without TLS, answers pings and nothing else, and keeps what it is told. */
class SilentServer implements Disposable {
  told = "";
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #sockets: Deno.Conn[] = [];

  constructor() {
    void this.#serve();
  }

  get address(): string {
    return `127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  async #serve(): Promise<void> {
    for await (const socket of this.#listener) {
      this.#sockets.push(socket);
      void this.#talk(socket).catch(() => {});
    }
  }

  async #talk(socket: Deno.Conn): Promise<void> {
    const info = { server_id: "x", version: "2.10.0", proto: 1, headers: true, max_payload: 1e6 };
    await socket.write(encoder.encode(`INFO ${JSON.stringify(info)}\r\n`));
    const bytes = new Uint8Array(4096);
    for (;;) {
      const length = await socket.read(bytes);
      if (length === null) return;
      const text = new TextDecoder().decode(bytes.subarray(0, length));
      this.told += text;
      if (text.includes("PING")) await socket.write(encoder.encode("PONG\r\n"));
    }
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const socket of this.#sockets) socket.close();
  }
}

Deno.test({
  name: "NatsSink tells a server that has no TLS nothing where tls:// was asked for",
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    using server = new SilentServer();
    using sink = sinkOf(`tls://bob:s3cret@${server.address}`);
    await assert.rejects(sink.send(messageOf(["1.0", "a", "one"]), signal), /tls/);
    assert.equal(server.told, "");
  },
});

Deno.test({
  name: "NatsSink waits for no answer when it is to end",
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    using server = new SilentServer();
    // Without a limit of time of its own it would wait for a minute.
    using sink = sinkOf(`nats://${server.address}`, { timeoutMs: 0 });
    const stop = new AbortController();
    const sent = sink.send(messageOf(["1.0", "a", "one"]), stop.signal);
    await eventually("the message to arrive", () => server.told.includes("one") || undefined);
    const ended = assert.rejects(sent, /the node stops/);
    stop.abort(new Error("the node stops"));
    await ended;
  },
});
