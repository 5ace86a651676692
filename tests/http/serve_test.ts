import assert from "node:assert/strict";
import { ListenError, serve } from "../../src/http/serve.ts";
import { appWith, FakeService } from "./fake_service.ts";

const local = { hostname: "127.0.0.1", port: 0 };

Deno.test("serve() names the address that it cannot listen on", async () => {
  const parts = appWith(new FakeService());
  const server = serve({ ...parts, ...local });
  const port = Number(server.address.split(":")[1]);
  assert.throws(
    () => serve({ ...parts, ...local, port }),
    (error: unknown) =>
      error instanceof ListenError &&
      error.message === `Cannot listen for HTTP on 127.0.0.1:${port}: the address is in use`,
  );
  await server.stop(1000);
});

Deno.test("serve() stops after the requests under way, with the queue written", async () => {
  const service = new FakeService();
  const parts = appWith(service, {}, { timeoutMs: 60_000 });
  const server = serve({ ...parts, ...local });
  const ask = (path: string) =>
    fetch(`http://${server.address}${path}`, {
      method: "POST",
      body: '["DELETE FROM t"]',
      headers: { "content-type": "application/json" },
    });
  assert.equal((await ask("/db/execute?queue")).status, 200);
  const gate = Promise.withResolvers<void>();
  service.hold = gate.promise;
  const answer = ask("/db/execute");
  while (service.writes.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const stopped = server.stop(10_000);
  gate.resolve();
  assert.equal(await (await answer).text(), '{"results":[{"last_insert_id":1,"rows_affected":1}]}');
  await stopped;
  assert.equal(service.writes.length, 2);
});

Deno.test("A read is interrupted when its client goes away", async () => {
  const service = new FakeService();
  const never = Promise.withResolvers<void>();
  service.hold = never.promise;
  const interrupted = Promise.withResolvers<void>();
  const read = service.read.bind(service);
  service.read = (request, level, signal) => {
    signal?.addEventListener("abort", () => interrupted.resolve());
    return read(request, level, signal);
  };
  const parts = appWith(service);
  const server = serve({ ...parts, ...local });
  const client = new AbortController();
  const asked = fetch(`http://${server.address}/db/query?q=SELECT+1`, { signal: client.signal });
  while (service.reads.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  client.abort();
  await assert.rejects(asked);
  await interrupted.promise;
  never.resolve();
  await server.stop(1000);
});

Deno.test("serve() listens again on an address whose server has stopped", async () => {
  const parts = appWith(new FakeService());
  const first = serve({ ...parts, ...local });
  await first.stop(1000);
  const port = Number(first.address.split(":")[1]);
  const second = serve({ ...appWith(new FakeService()), ...local, port });
  await second.stop(1000);
});
