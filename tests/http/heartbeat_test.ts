import assert from "node:assert/strict";
import { newsWithin } from "../../src/http/streams/heartbeat.ts";

/** News that never come. */
function silence(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
}

Deno.test("newsWithin() waits for nothing where its reader has gone, be it before", async () => {
  const reader = new AbortController();
  const waiting = newsWithin(reader.signal, silence);
  reader.abort();
  assert.equal(await waiting, false);
  const waits = () => Promise.reject(new Error("It waits for a heartbeat"));
  assert.equal(await newsWithin(reader.signal, waits), false);
  assert.equal(await newsWithin(new AbortController().signal, () => Promise.resolve()), true);
});
