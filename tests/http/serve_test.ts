import assert from "node:assert/strict";
import { ListenError, serve } from "../../src/http/serve.ts";
import { takePort } from "../ports.ts";
import { appWith, FakeService } from "./fake_service.ts";

const pause = (delayMs: number) => new Promise((resolve) => setTimeout(resolve, delayMs));
const local = { hostname: "127.0.0.1", port: 0 };

Deno.test("serve() names the address that it cannot listen on", async () => {
  const parts = appWith(new FakeService());
  const server = await serve({ ...parts, ...local });
  const port = Number(server.address.split(":")[1]);
  await assert.rejects(
    () => serve({ ...parts, ...local, port }),
    (error: unknown) =>
      error instanceof ListenError &&
      error.message ===
        `Cannot listen for HTTP on 127.0.0.1:${port}: the address is in use; choose another by -http-addr`,
  );
  await server.stop(1000);
});

Deno.test("serve() stops after the requests under way, with the queue written", async () => {
  const service = new FakeService();
  const parts = appWith(service, {}, { timeoutMs: 60_000 });
  const server = await serve({ ...parts, ...local });
  const ask = (path: string) =>
    fetch(`http://${server.address}${path}`, {
      method: "POST",
      body: '["DELETE FROM t"]',
      headers: { "content-type": "application/json" },
    });
  assert.match(await (await ask("/db/execute?queue")).text(), /sequence_number/);
  const gate = Promise.withResolvers<void>();
  service.hold = gate.promise;
  const answer = ask("/db/execute");
  while (service.writes.length === 0) await pause(1);
  const stopped = server.stop(10_000);
  gate.resolve();
  assert.equal(await (await answer).text(), '{"results":[{"last_insert_id":1,"rows_affected":1}]}');
  await stopped;
  assert.equal(service.writes.length, 2);
});

Deno.test("serve() stops in time although a request never ends", async () => {
  const service = new FakeService();
  const gate = Promise.withResolvers<void>();
  service.hold = gate.promise;
  const server = await serve({ ...appWith(service), ...local });
  const asked = fetch(`http://${server.address}/db/execute`, {
    method: "POST",
    body: '["DELETE FROM t"]',
    headers: { "content-type": "application/json" },
  });
  while (service.writes.length === 0) await pause(1);
  await server.stop(20);
  gate.resolve();
  assert.equal((await (await asked).json()).results.length, 1);
});

Deno.test("A read is interrupted when its client goes away", async () => {
  const service = new FakeService();
  const never = Promise.withResolvers<void>();
  service.hold = never.promise;
  let interrupted = false;
  const read = service.read.bind(service);
  service.read = (request, level, signal) => {
    signal?.().addEventListener("abort", () => interrupted = true);
    return read(request, level, signal);
  };
  const server = await serve({ ...appWith(service), ...local });
  // Deno 2.4 notices only clients that go after the watch has begun: stay longer each time.
  for (let stayMs = 1; !interrupted; stayMs *= 2) {
    const client = new AbortController();
    const asked = fetch(`http://${server.address}/db/query?q=SELECT+1`, { signal: client.signal });
    await pause(stayMs);
    client.abort();
    await assert.rejects(asked);
    await pause(stayMs);
  }
  never.resolve();
  await server.stop(1000);
});

Deno.test("serve() listens again on an address whose server has stopped", async () => {
  const parts = appWith(new FakeService());
  const port = takePort();
  const first = await serve({ ...parts, ...local, port });
  await first.stop(1000);
  const second = await serve({ ...appWith(new FakeService()), ...local, port });
  await second.stop(1000);
});
