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

Deno.test("DisconnectWatch aborts work whose client has gone", quick, async () => {
  const watch = new DisconnectWatch(true);
  const client = new AbortController();
  client.abort(new Error("gone"));
  const { request } = requestWith(client);
  using watched = watch.over(request);
  const signal = watched.signal();
  const aborted = new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  await assert.rejects(aborted, /gone/);
});

Deno.test("DisconnectWatch leaves the signals of short work alone", quick, async () => {
  const watch = new DisconnectWatch(true);
  const short = requestWith(new AbortController());
  const long = requestWith(new AbortController());
  {
    using watched = watch.over(short.request);
    assert.equal(watched.signal().aborted, false);
  }
  using running = watch.over(long.request);
  running.signal();
  while (long.asked() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(short.asked(), 0);
});

Deno.test("DisconnectWatch asks for a signal once work lasts where it would tell nothing later", () => {
  const watch = new DisconnectWatch(false);
  const client = new AbortController();
  const { request, asked } = requestWith(client);
  using watched = watch.over(request);
  assert.equal(asked(), 0);
  watched.lasts();
  assert.equal(asked(), 1);
  client.abort(new Error("gone"));
  assert.equal(watched.signal().aborted, true);
});
