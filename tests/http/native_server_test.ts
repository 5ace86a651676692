import assert from "node:assert/strict";
import { nativeServer } from "../../src/http/native_server.ts";

const native = nativeServer();

/** A connection that Deno's server has, and its other end. */
async function served(signal: AbortSignal) {
  assert.ok(native);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connecting = Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const connection = await listener.accept();
  const client = await connecting;
  return { client, ...native.serve(connection, { handle: () => new Response("ok"), signal }) };
}

const options = { ignore: native === undefined };

Deno.test("a connection can be broken off", options, async () => {
  const controller = new AbortController();
  const { client, finished } = await served(controller.signal);
  using _ = client;
  controller.abort();
  await finished.catch(() => {});
  assert.equal(await client.read(new Uint8Array(1)), null);
});

Deno.test("to break off a connection that has ended just now does nothing", options, async () => {
  const controller = new AbortController();
  const { client, finished } = await served(controller.signal);
  client.close();
  await finished;
  controller.abort();
});

Deno.test("to break off a connection that was shut down does nothing", options, async () => {
  const controller = new AbortController();
  const { client, shutdown } = await served(controller.signal);
  await shutdown();
  client.close();
  controller.abort();
});
