import assert from "node:assert/strict";
import { ClientActivity } from "../../../src/http/client_activity.ts";
import { ConnectionCount } from "../../../src/http/connection_count.ts";
import { ConnectionWatch } from "../../../src/http/connection_watch.ts";
import { ReadConfirmer } from "../../../src/http/threads/read_confirmer.ts";
import type { Logger } from "../../../src/io/types.ts";
import { noWrites, oneThreadBeside } from "./threads_beside.ts";

Deno.test("HttpThreads lets go of a thread that dies, its requests and connections, and begins another", async () => {
  const lines: string[] = [];
  const logger: Logger = { log: (_level, _room, message) => void lines.push(message) };
  let started = 0;
  const { threads, readers, life } = oneThreadBeside({
    startWorker: () => {
      started++;
      return new Worker(new URL("./dying_worker.ts", import.meta.url), { type: "module" });
    },
    limits: { headerMsMax: 0, idleMsMax: 0, bodyMsMax: 1, connectionsMax: 9 },
    logger,
  });
  life.opened();
  const taken: Request[] = [];
  let next = Promise.withResolvers<Request>();
  const never = new Promise<Response>(() => {});
  threads.begin({
    hostname: "127.0.0.1",
    port: 0,
    shown: () => undefined,
    clients: undefined,
    writes: noWrites,
    handler: (request) => {
      taken.push(request);
      next.resolve(request);
      return never;
    },
  });
  try {
    const { signal } = await next.promise;
    assert.equal(threads.connections.open, 1);
    next = Promise.withResolvers();
    const gone = new Promise((resolve) => signal.addEventListener("abort", resolve));
    // The file is exchanged: this waits for the thread no longer than it lives.
    await readers.release();
    await gone;
    assert.equal(threads.connections.open, 0);
    assert.equal(threads.deaths, 1);
    assert.match(lines.join("\n"), /died, and its clients' connections with it: .*Planted/);
    await next.promise;
    assert.equal(started, 2);
    assert.equal(threads.connections.open, 1);
  } finally {
    threads.terminate();
  }
  assert.equal(threads.connections.open, 0);
});

Deno.test("ReadConfirmer asks once for all that came while it asked", async () => {
  const asked: number[] = [];
  let next = Promise.withResolvers<void>();
  const confirmer = new ReadConfirmer((round) => {
    asked.push(round);
    next.resolve();
  });
  const first = [confirmer.confirm("weak"), confirmer.confirm("weak")];
  await next.promise;
  const second = [confirmer.confirm("weak"), confirmer.confirm("weak")];
  assert.deepEqual(asked, [1]);
  next = Promise.withResolvers();
  confirmer.answered(1, true);
  await next.promise;
  assert.deepEqual(await Promise.all(first), [true, true]);
  assert.deepEqual(asked, [1, 2]);
  confirmer.answered(2, false);
  assert.deepEqual(await Promise.all(second), [false, false]);
});

Deno.test("ConnectionWatch bounds the connections of all threads together, and makes room among its own", () => {
  const limits = { headerMsMax: 0, idleMsMax: 0, bodyMsMax: 60_000, connectionsMax: 2 };
  const count = new ConnectionCount();
  const here = new ConnectionWatch(limits, count);
  const there = new ConnectionWatch(limits, new ConnectionCount(count.memory));
  const idle = () => new ClientActivity("", () => new Response());
  const [first, second, third] = [idle(), idle(), idle()];
  first.begins(new Request("http://localhost/"));
  assert.ok(here.add(first));
  assert.ok(there.add(second));
  // The one that could make room is at the other thread.
  assert.ok(!here.add(third));
  assert.deepEqual(here.figures, { open: 2, openMax: 2, refused: 1 });
  assert.ok(there.add(third));
  assert.ok(second.signal.aborted);
  assert.deepEqual(there.figures, { open: 2, openMax: 2, refused: 1 });
  there.remove(second);
  assert.equal(count.open, 2);
  here.remove(first);
  there.remove(third);
  assert.equal(count.open, 0);
});
