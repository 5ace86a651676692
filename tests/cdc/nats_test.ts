import assert from "node:assert/strict";
import { NatsSink } from "../../src/cdc/nats.ts";
import { testWith } from "../metrics/outside_program.ts";
import { natsProgram, NatsServer } from "./nats_server.ts";

const encoder = new TextEncoder();
const { signal } = new AbortController();

function sinkOf(endpoint: string, options: Partial<{ subject: string; timeoutMs: number }> = {}) {
  const sink = new NatsSink({
    ...{ endpoint, subject: "raftlite.changes", timeoutMs: 120_000, serviceId: "svc" },
    ...{ tls: undefined, credentials: undefined },
    ...options,
  });
  return Object.assign(sink, { [Symbol.dispose]: () => sink.close() });
}

function messageOf(...parts: [id: string, table: string | undefined, text: string][]) {
  return {
    bytes: encoder.encode(""),
    parts: parts.map(([id, table, text]) => ({ id, table, bytes: encoder.encode(text) })),
  };
}

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
