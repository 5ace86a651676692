import assert from "node:assert/strict";
import { type HttpServer, serve } from "../../src/http/serve.ts";
import type { ConnectionLimits } from "../../src/http/connection_watch.ts";
import type { HttpsOptions } from "../../src/http/listen.ts";
import { whyAlone } from "../../src/http/shared_port.ts";
import { pathsOf, readCredentials } from "../../src/tls/credentials.ts";
import { background } from "../background.ts";
import { Authority } from "../tls/authority.ts";
import { appWith, FakeService } from "./fake_service.ts";
import { RawConnection } from "./raw_connection.ts";
import { callThread, noWrites, oneThreadBeside } from "./threads/threads_beside.ts";
import { listenersOption, notSentLow } from "./socket_option.ts";

const patient: ConnectionLimits = {
  headerMsMax: 0,
  idleMsMax: 0,
  bodyMsMax: 60_000,
  connectionsMax: 10_000,
};
const request = "GET /readyz?noleader HTTP/1.1\r\nHost: x\r\n\r\n";

/** What connections go over, and by whom. */
interface Way {
  readonly secure: boolean;
  /** Clients are asked for certificates, and show them. */
  readonly verifyClient: boolean;
  /** Another thread than the main one gets the connections. */
  readonly beside: boolean;
}

const plain: Way = { secure: false, verifyClient: false, beside: false };
const ways: readonly (Way & { readonly name: string })[] = [
  { ...plain, name: "HTTP" },
  { ...plain, name: "HTTPS", secure: true },
  { ...plain, name: "HTTPS with clients' certificates", secure: true, verifyClient: true },
  { ...plain, name: "HTTP by another thread", beside: true },
  { ...plain, name: "HTTPS by another thread", secure: true, beside: true },
  {
    ...{ name: "HTTPS with clients' certificates by another thread", secure: true },
    ...{ verifyClient: true, beside: true },
  },
].filter(({ beside, verifyClient: forCertificates }) => {
  return !beside || whyAlone({ forCertificates }) === undefined;
});

interface Serving {
  readonly address: string;
  readonly service: FakeService;
  readonly server: HttpServer;
  open(): Promise<RawConnection>;
  /** A connection without a handshake, where there is one. */
  openBare(): Promise<RawConnection>;
  /** Asks by a client of its own, and reads the answer to its end. */
  ask(): Promise<number>;
}

/** What the server shows, and what its clients know and show. */
async function credentials() {
  const directory = await Deno.makeTempDir();
  try {
    const authority = await Authority.create(directory);
    const { certPath, keyPath } = await authority.issue({ name: "node" });
    const client = await authority.issue({ name: "client" });
    const paths = { certPath, keyPath, caPath: authority.caPath };
    const files = await Promise.all(pathsOf(paths).map((path) => Deno.readFile(path)));
    const [ca, cert, key] = await Promise.all(
      [authority.caPath, client.certPath, client.keyPath].map((path) => Deno.readTextFile(path)),
    );
    return {
      server: readCredentials(paths, files),
      client: { caCerts: [ca ?? ""], cert: cert ?? "", key: key ?? "" },
    };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

let made: ReturnType<typeof credentials> | undefined;

async function serving(
  way: Way,
  limits: Partial<ConnectionLimits>,
  run: (parts: Serving) => Promise<void>,
): Promise<void> {
  const service = new FakeService();
  const parts = appWith(service, { bodyPauseMsMax: 100 });
  const connections = { ...patient, ...limits };
  const { server: shown, client: own } = await (made ??= credentials());
  const { secure, verifyClient } = way;
  const https: HttpsOptions | undefined = secure
    ? {
      certificates: { current: shown, onChange() {} },
      clients: verifyClient ? { commonName: "" } : undefined,
    }
    : undefined;
  const threads = way.beside
    ? oneThreadBeside({ limits: connections, logger: parts.logger }).threads
    : undefined;
  const server = await serve({
    ...{ ...parts, connections, hostname: "127.0.0.1", port: 0, https },
    beside: threads && { threads, writes: noWrites },
  });
  const { address } = server;
  await threads?.listening();
  if (threads !== undefined) callThread(portOf(address), 1);
  using client = Deno.createHttpClient(secure ? own : {});
  const scheme = secure ? "https" : "http";
  try {
    await run({
      address,
      service,
      server,
      open: () => secure ? RawConnection.openTls(address, own) : RawConnection.open(address),
      openBare: () => RawConnection.open(address),
      ask: async () => {
        const answer = await fetch(`${scheme}://${address}/readyz?noleader`, { client });
        await answer.body?.cancel();
        return answer.status;
      },
    });
  } finally {
    await server.stop(5_000);
    parts.bodyReader.end();
  }
}

function portOf(address: string): number {
  return Number(address.split(":").at(-1));
}

/** In place of a connection that was ended in its handshake. */
function whoeverEnded(): undefined {}

/** All that still comes, until the server has ended the connection: waits for as long as it takes. */
async function ended(connection: RawConnection): Promise<string> {
  try {
    return await connection.rest();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return "reset";
    throw error;
  }
}

for (const { name, ...way } of ways) {
  Deno.test({
    name: `${name}: the system keeps little of an answer that its client does not take`,
    ignore: Deno.build.os !== "linux",
    fn: () =>
      serving(way, {}, ({ address }) => {
        const threads = way.beside ? 2 : 1;
        const expected = Array(threads).fill(512 * 1024);
        assert.deepEqual(listenersOption(portOf(address), notSentLow), expected);
        return Promise.resolve();
      }),
  });

  Deno.test(`${name}: connections that are silent, or send half a head, end`, () =>
    serving(way, { headerMsMax: 50 }, async ({ open, openBare }) => {
      // Over TLS some never begin the handshake, or never end it.
      const starts = ["", "G", request.slice(0, -4), "bare", "bare\x16\x03\x01"];
      await Promise.all(Array.from({ length: 300 }, async (_, index) => {
        const start = starts[index % starts.length] ?? "";
        const isBare = start.startsWith("bare");
        using connection = await (isBare ? openBare() : open()).catch(whoeverEnded);
        if (connection === undefined) return;
        await connection.send(isBare ? start.slice(4) : start).catch(() => {});
        const rest = await ended(connection);
        // What is no beginning of a handshake may be told so.
        if (!isBare) assert.match(rest, /^(reset)?$/);
      }));
    }));

  Deno.test(`${name}: connections that drip end, and others are served meanwhile`, () =>
    serving(way, { headerMsMax: 1_000, idleMsMax: 300 }, async ({ open, ask }) => {
      const opened = await Promise.all(Array.from({ length: 100 }, async (_, index) => {
        const connection = await open().catch(whoeverEnded);
        // Some after a request of theirs was answered: Deno's own server has the connection by then.
        if (connection === undefined || index % 2 === 1) return connection;
        try {
          await connection.send(request);
          assert.equal((await connection.answer()).status, 200);
          return connection;
        } catch {
          // A slow machine took longer than the limit.
          connection[Symbol.dispose]();
          return undefined;
        }
      }));
      const dripping = opened.filter((connection) => connection !== undefined);
      let gone = false;
      const drip = background(async () => {
        for (const byte of `GET /${"a".repeat(100_000)}`) {
          if (gone) return;
          await Promise.all(dripping.map((connection) => connection.send(byte).catch(() => {})));
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      });
      const all = Promise.all(dripping.map(ended)).then(() => gone = true);
      let answers = 0;
      while (!gone || answers === 0) {
        // One that a slow machine took longer than the limit over is asked again.
        const status = await ask().catch(whoeverEnded);
        if (status === undefined) continue;
        assert.equal(status, 200);
        answers++;
      }
      await Promise.all([all, drip]);
      for (const connection of dripping) connection[Symbol.dispose]();
    }));

  Deno.test(`${name}: a body that stays away ends its connection, and so does one that drips`, () =>
    serving(way, { bodyMsMax: 100, idleMsMax: 5_000 }, async ({ open }) => {
      const head = "POST /db/execute HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
      using small = await open();
      await small.send(request);
      await small.answer();
      await small.send(`${head}Content-Length: 20\r\n\r\n[`);
      assert.equal(await ended(small), "");
      using large = await open();
      await large.send(`${head}Content-Length: 100000\r\n\r\n[`);
      let over = false;
      const drip = background(async () => {
        while (!over) {
          await large.send(" ").catch(() => over = true);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      });
      assert.match(await ended(large), /^HTTP\/1.1 400 .*request body broke off|^reset/s);
      over = true;
      await drip;
    }));

  Deno.test(`${name}: a request that takes longer than the limits is answered, and its connection goes on`, () =>
    serving(
      way,
      { headerMsMax: 3_000, idleMsMax: 3_000, bodyMsMax: 3_000 },
      async ({ open, service }) => {
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
      },
    ));

  Deno.test(`${name}: one connection too many ends the longest idle one, or is refused`, () =>
    serving(way, { connectionsMax: 3 }, async ({ open, service, server }) => {
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
      // Over TLS it may be refused in its handshake.
      using fifth = await open().catch(whoeverEnded);
      if (fifth !== undefined) assert.equal(await ended(fifth), "");
      assert.deepEqual(server.connections, { open: 3, openMax: 3, refused: 1 });
      gate.resolve();
      for (const connection of writing) assert.equal((await connection.answer()).status, 200);
    }));
}
