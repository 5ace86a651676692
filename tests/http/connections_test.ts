import assert from "node:assert/strict";
import { serve } from "../../src/http/serve.ts";
import type { ConnectionLimits } from "../../src/http/connection_watch.ts";
import { appWith, FakeService } from "./fake_service.ts";
import { RawConnection } from "./raw_connection.ts";

const patient: ConnectionLimits = {
  headerMsMax: 0,
  idleMsMax: 0,
  bodyMsMax: 60_000,
  connectionsMax: 10_000,
};
const request = "GET /readyz?noleader HTTP/1.1\r\nHost: x\r\n\r\n";

interface Serving {
  readonly address: string;
  readonly service: FakeService;
  open(): Promise<RawConnection>;
}

async function serving(
  limits: Partial<ConnectionLimits>,
  run: (parts: Serving) => Promise<void>,
): Promise<void> {
  const service = new FakeService();
  const parts = appWith(service, { bodyPauseMsMax: 100 });
  const connections = { ...patient, ...limits };
  const server = await serve({ ...parts, connections, hostname: "127.0.0.1", port: 0 });
  const { address } = server;
  try {
    await run({ address, service, open: () => RawConnection.open(address) });
  } finally {
    await server.stop(5_000);
    parts.bodyReader.end();
  }
}

/** All that still comes, until the server has ended the connection: waits for as long as it takes. */
async function ended(connection: RawConnection): Promise<string> {
  try {
    return await connection.rest();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return "reset";
    throw error;
  }
}

Deno.test("connections that are silent, or send half a head, end", () =>
  serving({ headerMsMax: 50 }, async ({ open }) => {
    const connections = await Promise.all(Array.from({ length: 300 }, open));
    for (const [index, connection] of connections.entries()) {
      if (index % 3 > 0) await connection.send(index % 3 === 1 ? "G" : request.slice(0, -4));
    }
    for (const connection of connections) assert.equal(await ended(connection), "");
    for (const connection of connections) connection[Symbol.dispose]();
  }));

Deno.test("connections that drip end, and others are served meanwhile", () =>
  serving({ headerMsMax: 300, idleMsMax: 300 }, async ({ open, address }) => {
    const dripping = await Promise.all(Array.from({ length: 200 }, async (_, index) => {
      const connection = await open();
      // Some after a request of theirs was answered: Deno's own server has the connection by then.
      if (index % 2 === 0) {
        await connection.send(request);
        assert.equal((await connection.answer()).status, 200);
      }
      return connection;
    }));
    let gone = false;
    const drip = (async () => {
      for (const byte of `GET /${"a".repeat(100_000)}`) {
        if (gone) return;
        await Promise.all(dripping.map((connection) => connection.send(byte).catch(() => {})));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    const all = Promise.all(dripping.map(ended)).then(() => gone = true);
    let answers = 0;
    while (!gone) {
      const answer = await fetch(`http://${address}/readyz?noleader`);
      await answer.body?.cancel();
      assert.equal(answer.status, 200);
      answers++;
    }
    assert.ok(answers > 0);
    await Promise.all([all, drip]);
    for (const connection of dripping) connection[Symbol.dispose]();
  }));

Deno.test("a body that stays away ends its connection, and so does one that drips", () =>
  serving({ bodyMsMax: 100, idleMsMax: 200 }, async ({ open }) => {
    const head = "POST /db/execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    using small = await open();
    await small.send(request);
    await small.answer();
    await small.send(`${head}Content-Length: 20\r\n\r\n[`);
    assert.equal(await ended(small), "");
    using large = await open();
    await large.send(`${head}Content-Length: 100000\r\n\r\n[`);
    let over = false;
    const drip = (async () => {
      while (!over) {
        await large.send(" ").catch(() => over = true);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    assert.match(await ended(large), /^HTTP\/1.1 400 .*request body broke off|^reset/s);
    over = true;
    await drip;
  }));

Deno.test("a request that takes longer than the limits is answered, and its connection goes on", () =>
  serving({ headerMsMax: 30, idleMsMax: 30, bodyMsMax: 30 }, async ({ open, service }) => {
    const gate = Promise.withResolvers<void>();
    service.hold = gate.promise;
    using connection = await open();
    const body = '["DELETE FROM t"]';
    await connection.send(
      `POST /db/execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    // Another connection ends in the meantime: the limits have passed.
    using silent = await open();
    assert.equal(await ended(silent), "");
    using another = await open();
    assert.equal(await ended(another), "");
    gate.resolve();
    const answer = await connection.answer();
    assert.equal(answer.status, 200);
  }));

Deno.test("one connection too many ends the longest idle one, or is refused", () =>
  serving({ connectionsMax: 3 }, async ({ open, service }) => {
    using first = await open();
    await first.send(request);
    assert.equal((await first.answer()).status, 200);
    using second = await open();
    await second.send(request);
    assert.equal((await second.answer()).status, 200);
    using third = await open();
    await third.send(request);
    assert.equal((await third.answer()).status, 200);
    using fourth = await open();
    await fourth.send(request);
    assert.equal((await fourth.answer()).status, 200);
    assert.equal(await ended(first), "");
    const gate = Promise.withResolvers<void>();
    service.hold = gate.promise;
    const body = '["DELETE FROM t"]';
    const writing = [second, third, fourth];
    for (const connection of writing) {
      await connection.send(
        `POST /db/execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${body.length}\r\n\r\n${body}`,
      );
    }
    while (service.writes.length < 3) await new Promise((resolve) => setTimeout(resolve, 1));
    using fifth = await open();
    assert.equal(await ended(fifth), "");
    gate.resolve();
    for (const connection of writing) assert.equal((await connection.answer()).status, 200);
  }));
