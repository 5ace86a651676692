import assert from "node:assert/strict";
import { join } from "node:path";
import { chooseListeners } from "../../src/http/chosen_listeners.ts";
import { listenersOn } from "../../src/http/listening_sockets.ts";
import { serve } from "../../src/http/serve.ts";
import { whyAlone } from "../../src/http/shared_port.ts";
import { DenoClock } from "../../src/io/deno_clock.ts";
import { WatchedFiles } from "../../src/io/watched_files.ts";
import { pathsOf, readCredentials, type TlsCredentials } from "../../src/tls/credentials.ts";
import { Authority, type Issued } from "../tls/authority.ts";
import { testWithClientCertificates } from "../tls/where_there_is_tls.ts";
import { appWith, FakeService } from "./fake_service.ts";
import { callThread, noWrites, oneThreadBeside } from "./threads/threads_beside.ts";

/** By whom it is served, without clients' certificates, and with them. */
const threads = [
  { name: "by one thread", verifyClient: false, beside: false },
  { name: "by two threads", verifyClient: false, beside: true },
].filter(({ beside }) => !beside || whyAlone() === undefined);
const verifying = [
  { name: "with clients' certificates", verifyClient: true, beside: false },
  { name: "with clients' certificates by two threads", verifyClient: true, beside: true },
].filter(({ beside }) => !beside || whyAlone({ forCertificates: true }) === undefined);

interface Serving {
  readonly directory: string;
  readonly authority: Authority;
  readonly files: WatchedFiles<TlsCredentials>;
  readonly port: number;
  /** Has each of the threads in turn get all connections, and calls. */
  byEach(call: () => Promise<void>): Promise<void>;
  /** Runs curl with the authority's certificate, on a path. */
  curl(path: string, ...args: string[]): Promise<string>;
}

interface Asked {
  readonly verifyClient?: boolean;
  readonly commonName?: string;
  /** Another thread serves beside the main one. */
  readonly beside?: boolean;
}

async function serving(
  { verifyClient = false, commonName = "", beside = false }: Asked,
  run: (parts: Serving) => Promise<void>,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  const parts = appWith(new FakeService());
  const authority = await Authority.create(directory);
  const { certPath, keyPath } = await authority.issue({ name: "node" });
  const paths = { certPath, keyPath, caPath: authority.caPath };
  const files = await WatchedFiles.open({
    what: "The certificate",
    paths: pathsOf(paths),
    read: (contents) => readCredentials(paths, contents),
    clock: new DenoClock(),
    logger: parts.logger,
  });
  const limits = { headerMsMax: 0, idleMsMax: 0, bodyMsMax: 60_000, connectionsMax: 1_000 };
  const threads = beside ? oneThreadBeside({ limits, logger: parts.logger }).threads : undefined;
  const server = await serve({
    ...parts,
    connections: limits,
    beside: threads && { threads, writes: noWrites },
    hostname: "127.0.0.1",
    port: 0,
    https: { certificates: files, clients: verifyClient ? { commonName } : undefined },
  });
  const port = Number(server.address.split(":")[1]);
  const curl = (path: string, ...args: string[]) =>
    output("curl", [
      ...["-sS", "--cacert", authority.caPath, "-w", " %{http_code} %{http_version}"],
      ...[...args, `https://127.0.0.1:${port}${path}`],
    ]);
  await threads?.listening();
  const byEach = async (call: () => Promise<void>) => {
    for (const place of beside ? [0, 1] : []) {
      callThread(port, place);
      await call();
    }
    if (!beside) await call();
  };
  try {
    await run({ directory, authority, files, port, byEach, curl });
    // Both had some of the work.
    for (const { passed } of threads?.figures ?? []) assert.ok(passed > 0);
  } finally {
    files.stop();
    await server.stop(5_000);
    parts.bodyReader.end();
    await Deno.remove(directory, { recursive: true });
  }
}

/** What a program writes, errors too. */
async function output(program: string, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

const hello = (port: number, ...args: string[]) =>
  output("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, ...args]);

const withPair = ({ certPath, keyPath }: Issued) => ["--cert", certPath, "--key", keyPath];

/**
 * Who speaks HTTP to the port is told so, with a body and without one. A descriptor may now and then
 * not be found while other tests of this process open and close many.
 */
async function plainIsAnswered(port: number): Promise<void> {
  if (Deno.build.os !== "linux") return;
  const url = `http://127.0.0.1:${port}/db/execute`;
  for (let round = 0; round < 20; round++) {
    for (const body of [[], ["-d", "x".repeat(10_000)]]) {
      const ask = () => output("curl", ["-sS", "-m", "10", "-w", "%{http_code}", ...body, url]);
      const said = "Client sent an HTTP request to an HTTPS server.\n400";
      let plain = await ask();
      for (let again = 0; again < 5 && plain !== said; again++) plain = await ask();
      assert.equal(plain, said);
    }
  }
}

for (const { name, beside } of threads) {
  Deno.test(`HTTPS ${name} speaks TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1, and nothing older`, () =>
    serving({ beside }, ({ port, byEach, curl }) =>
      byEach(async () => {
        assert.match(await curl("/readyz?noleader"), / 200 2$/);
        assert.match(await curl("/readyz?noleader", "--http1.1"), / 200 1\.1$/);
        assert.match(await curl("/readyz?noleader", "--tls-max", "1.2"), / 200 2$/);
        assert.match(await hello(port, "-tls1_3", "-alpn", "h2"), /ALPN protocol: h2/);
        assert.match(await hello(port, "-tls1_2", "-alpn", "http/1.1"), /ALPN protocol: http\/1.1/);
        assert.match(await hello(port, "-alpn", "smtp"), /alert no application protocol/);
        const old = await hello(port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0");
        assert.match(old, /alert (protocol version|handshake failure)/);
        await plainIsAnswered(port);
      })));
}

for (const { name, ...served } of verifying) {
  testWithClientCertificates(
    `HTTPS ${name} lets only clients in whose certificate is as it has to be`,
    () =>
      serving(
        { ...served, commonName: "alice" },
        async ({ directory, authority, curl, port, byEach }) => {
          const path = "/readyz?noleader";
          const stranger = await Authority.create(directory, "stranger");
          const alice = await authority.issue({ name: "alice", usage: "clientAuth" });
          const refused = [
            [],
            ["--tls-max", "1.2"],
            withPair(await stranger.issue({ name: "mallory", commonName: "alice" })),
            withPair(await authority.issue({ name: "bob" })),
            withPair(await authority.issue({ name: "Alice" })),
            withPair(
              await authority.issue({ name: "wrong", commonName: "alice", usage: "serverAuth" }),
            ),
          ];
          await byEach(async () => {
            await plainIsAnswered(port);
            for (const args of refused) assert.match(await curl(path, ...args), / 000 .*curl: /s);
            assert.match(await curl(path, ...withPair(alice)), / 200 1\.1$/);
            assert.match(await curl(path, "--tls-max", "1.2", ...withPair(alice)), / 200 1\.1$/);
          });
        },
      ),
  );

  testWithClientCertificates(
    `HTTPS ${name} carries large bodies both ways, and ends with its client`,
    () =>
      serving(served, async ({ directory, authority, curl, byEach }) => {
        const pair = withPair(await authority.issue({ name: "alice" }));
        const path = join(directory, "body.json");
        await Deno.writeTextFile(
          path,
          JSON.stringify([["INSERT INTO t VALUES(?)", "x".repeat(3e6)]]),
        );
        await byEach(async () => {
          const answer = await curl(
            "/db/execute",
            ...pair,
            "-d",
            `@${path}`,
            "-H",
            "content-type: application/json",
          );
          assert.match(answer, /last_insert_id.* 200 /);
          const chunked = await curl(
            "/db/execute",
            ...[...pair, "-H", "transfer-encoding: chunked", "-d", `@${path}`],
            ...["-H", "content-type: application/json"],
          );
          assert.match(chunked, /last_insert_id.* 200 /);
          assert.match(await curl("/openapi.json", ...pair), /"openapi".* 200 /s);
        });
      }),
  );
}

testWithClientCertificates(
  "HTTPS with clients' certificates gives each byte of a small answer that is packed",
  () =>
    serving({ verifyClient: true }, async ({ authority, curl }) => {
      const pair = withPair(await authority.issue({ name: "alice" }));
      const file = new URL("../../src/http/console/page/begin.js", import.meta.url);
      const packed = await curl("/console/begin.js", ...pair, "--compressed");
      assert.ok(packed.startsWith(await Deno.readTextFile(file)));
    }),
);

for (const { name, verifyClient, beside } of [...threads, ...verifying]) {
  const test = verifyClient ? testWithClientCertificates : Deno.test;
  test(`HTTPS ${name}: a new certificate is shown at once, and no request fails`, () =>
    serving({ verifyClient, beside }, async ({ authority, files, port, byEach }) => {
      const ca = await Deno.readTextFile(authority.caPath);
      const alice = await authority.issue({ name: "alice" });
      const pair = {
        cert: await Deno.readTextFile(alice.certPath),
        key: await Deno.readTextFile(alice.keyPath),
      };
      const kept = Deno.createHttpClient({ caCerts: [ca], ...pair });
      let over = false;
      let answers = 0;
      const ask = async (client: Deno.HttpClient) => {
        const answer = await fetch(`https://127.0.0.1:${port}/readyz?noleader`, { client });
        await answer.body?.cancel();
        assert.equal(answer.status, 200);
        answers++;
      };
      const askAnew = async () => {
        using client = Deno.createHttpClient({ caCerts: [ca], ...pair, poolMaxIdlePerHost: 0 });
        await ask(client);
      };
      const failures: unknown[] = [];
      const until = async (again: () => Promise<void>) => {
        while (!over && failures.length === 0) await again().catch((error) => failures.push(error));
      };
      const loads = [
        ...Array.from({ length: 4 }, () => until(() => ask(kept))),
        ...Array.from({ length: 4 }, () => until(askAnew)),
      ];
      for (let round = 0; round < 5; round++) {
        const before = answers;
        await authority.issue({ name: "node", commonName: `node ${round}` });
        // The files look at themselves, too, and may be the first to see the new one.
        await files.check();
        const shown = new RegExp(`CN ?= ?node ${round}`);
        const untilShown = async () => {
          while (!shown.test(await hello(port))) { /* Until it is shown. */ }
        };
        await untilShown();
        if (beside) {
          // The older listeners are closed some time later, where there are older ones.
          while (listenersOn(port).length > 2) {
            await new Promise((resolve) => setTimeout(resolve, 5));
          }
          await byEach(async () => {
            // exchange_in_place_test.ts has when those without show it.
            if (verifyClient) await untilShown();
            else assert.match(await hello(port), shown);
          });
          chooseListeners(port, { from: 0, count: 2 });
        }
        while (answers < before + 20 && failures.length === 0) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
      // What is broken leaves the last good one in force.
      await Deno.writeTextFile(join(authority.caPath, "../node.pem"), "broken");
      while (files.failure === undefined) await files.check();
      assert.match(files.failure, /node\.pem has no certificate in PEM form/);
      assert.match(await hello(port), /CN ?= ?node 4/);
      over = true;
      await Promise.all(loads);
      assert.deepEqual(failures, []);
      kept.close();
    }));
}
