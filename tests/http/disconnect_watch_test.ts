import assert from "node:assert/strict";
import { DisconnectWatch } from "../../src/http/disconnect_watch.ts";

const quick = { sanitizeOps: false, sanitizeResources: false };

/** A request that counts how often its signal is asked for. */
function requestWith(client: AbortController): { request: Request; asked: () => number } {
  const request = new Request("http://localhost/");
  let asked = 0;
  Object.defineProperty(request, "signal", {
    get: () => {
      asked++;
      return client.signal;
    },
  });
  return { request, asked: () => asked };
}

Deno.test("DisconnectWatch.run() aborts work whose client has gone", quick, async () => {
  const watch = new DisconnectWatch();
  const client = new AbortController();
  client.abort(new Error("gone"));
  const { request } = requestWith(client);
  const aborted = watch.run(request, (signal) =>
    new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    }));
  await assert.rejects(aborted, /gone/);
});

Deno.test("DisconnectWatch.run() leaves the signals of short work alone", quick, async () => {
  const watch = new DisconnectWatch();
  const short = requestWith(new AbortController());
  const long = requestWith(new AbortController());
  assert.equal(await watch.run(short.request, () => Promise.resolve(7)), 7);
  const end = Promise.withResolvers<void>();
  const running = watch.run(long.request, () => end.promise);
  while (long.asked() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(short.asked(), 0);
  end.resolve();
  await running;
});
