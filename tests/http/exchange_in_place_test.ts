import assert from "node:assert/strict";
import { connect } from "node:tls";
import { exchangeInPlace } from "../../src/http/exchange_in_place.ts";
import { NodeListener } from "../../src/http/node_listener.ts";
import { whyAlone } from "../../src/http/shared_port.ts";
import { pathsOf, readCredentials, type TlsCredentials } from "../../src/tls/credentials.ts";
import { withDirectory } from "../directory.ts";
import { Authority } from "../tls/authority.ts";

const connectionsEach = 24;

/** The common name that a new connection to the port is shown. */
function shownBy(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

/** Of as many new connections that each of two listeners would have some of them. */
async function allShown(port: number): Promise<string[]> {
  const shown = await Promise.all(Array.from({ length: connectionsEach }, () => shownBy(port)));
  return [...new Set(shown)].sort();
}

Deno.test({
  name: "exchangeInPlace shows nobody the old certificate once it has shown somebody the new one",
  ignore: whyAlone({ forCertificates: true }) !== undefined,
  fn: () =>
    withDirectory(async (directory) => {
      const authority = await Authority.create(directory);
      const issued = async (commonName: string): Promise<TlsCredentials> => {
        const pair = await authority.issue({ name: commonName, commonName });
        const paths = { ...pair, caPath: "" };
        const contents = pathsOf(paths).map((path) => Deno.readFile(path));
        return readCredentials(paths, await Promise.all(contents));
      };
      const [old, next] = [await issued("old"), await issued("new")];
      const limits = { headerMsMax: 0, idleMsMax: 0, bodyMsMax: 60_000, connectionsMax: 1_000 };
      const listenAt = (port: number) =>
        NodeListener.listen({
          ...{ hostname: "127.0.0.1", port, isShared: true, limits },
          handler: () => new Response(),
          logger: { log() {} },
          certificates: old,
          clients: undefined,
          audit: undefined,
        });
      const listener = await listenAt(0);
      const { port } = listener.addr;
      const other = await listenAt(port);
      assert.deepEqual(await allShown(port), ["old"]);

      const asked = Promise.withResolvers<void>();
      const renewed = Promise.withResolvers<readonly string[]>();
      const others = {
        listening: () => Promise.resolve(1),
        renew: () => {
          asked.resolve();
          return renewed.promise;
        },
        closeOlder() {},
      };
      const exchange = exchangeInPlace({ listener, others }, next);
      await asked.promise;
      assert.deepEqual(await allShown(port), ["new"]);
      renewed.resolve(["it cannot"]);
      await assert.rejects(exchange, /at other threads: it cannot/);
      // Connections are given to both again.
      assert.deepEqual(await allShown(port), ["new", "old"]);
      other.use(next);
      assert.deepEqual(await allShown(port), ["new"]);
      await Promise.all([listener.shutdown(), other.shutdown()]);
    }),
});
