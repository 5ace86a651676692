import assert from "node:assert/strict";
import { Webhook } from "../../src/cdc/webhook.ts";
import { CdcReceiver } from "../cluster/cdc_receiver.ts";

const bytes = new TextEncoder().encode('{"node_id":"1","payload":[]}') as Uint8Array<ArrayBuffer>;
const message = { bytes, parts: [] };
const options = { timeoutMs: 2_000, tls: undefined, userAgent: "raftlite/test" };
const { signal } = new AbortController();

function open(url: string, more: Partial<{ timeoutMs: number }> = {}) {
  const webhook = new Webhook(url, { ...options, ...more });
  return Object.assign(webhook, { [Symbol.dispose]: () => webhook.close() });
}

Deno.test("Webhook sends who asks, and shows neither that nor its path", async () => {
  await using receiver = new CdcReceiver();
  using webhook = open(receiver.url.replace("//", "//u%3A:p%40ss@"));
  await webhook.send(message, signal);
  assert.deepEqual(receiver.bodies, [new TextDecoder().decode(bytes)]);
  const [headers] = receiver.headers;
  assert.equal(headers?.get("authorization"), `Basic ${btoa("u::p@ss")}`);
  assert.equal(headers?.get("user-agent"), "raftlite/test");
  assert.equal(headers?.get("content-length"), String(bytes.length));
  assert.match(webhook.name, /^http:\/\/…@127\.0\.0\.1:\d+\/(…)?$/);
  using other = open("https://hooks.example/services/T0/B0/token?a=b");
  assert.equal(other.name, "https://hooks.example/…");
});

Deno.test("Webhook takes 200 and 202 for arrived, and follows 307 and 308 only", async () => {
  await using receiver = new CdcReceiver();
  await using other = new CdcReceiver();
  using webhook = open(receiver.url);
  for (const status of [201, 204, 301, 302, 303, 400, 500]) {
    receiver.answer = () => new Response(null, { status, headers: { location: other.url } });
    await assert.rejects(webhook.send(message, signal), {
      message: new RegExp(`status ${status}$`),
    });
  }
  assert.equal(other.bodies.length, 0);
  receiver.answer = () => new Response("taken", { status: 202 });
  await webhook.send(message, signal);
  for (const status of [307, 308]) {
    receiver.answer = () => new Response(null, { status, headers: { location: other.url } });
    await webhook.send(message, signal);
  }
  assert.equal(other.bodies.length, 2);
  receiver.answer = () => new Response(null, { status: 307, headers: { location: "/again" } });
  await assert.rejects(webhook.send(message, signal), { message: /more than 10 redirections/ });
});

Deno.test("Webhook gives up a message in time, and when it is told to", async () => {
  await using receiver = new CdcReceiver();
  const released = Promise.withResolvers<void>();
  receiver.answer = async () => {
    await released.promise;
    return new Response();
  };
  using webhook = open(receiver.url, { timeoutMs: 100 });
  await assert.rejects(webhook.send(message, signal), { message: "no answer within 100 ms" });
  using patient = open(receiver.url, { timeoutMs: 0 });
  const stop = new AbortController();
  const sending = patient.send(message, stop.signal);
  stop.abort(new Error("stopped"));
  await assert.rejects(sending, { message: "stopped" });
  released.resolve();
});
