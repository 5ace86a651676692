import assert from "node:assert/strict";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { NodeListener } from "../../src/http/node_listener.ts";
import { pathsOf, readCredentials } from "../../src/tls/credentials.ts";
import { withDirectory } from "../directory.ts";
import { Authority } from "../tls/authority.ts";
import { testWithClientCertificates } from "../tls/where_there_is_tls.ts";

const limits = { headerMsMax: 0, idleMsMax: 0, bodyMsMax: 60_000, connectionsMax: 1_000 };

function connected(host: string, port: number, localPort: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const at = { host, port, localAddress: "127.0.0.1", localPort };
    const socket = connectTcp(at, () => resolve(socket));
    socket.once("error", reject);
  });
}

/** What comes until the end in answer to a request over TLS. */
function asked(socket: Socket, pair: { ca: string; cert: string; key: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    const tls = connectTls({ socket, servername: "localhost", rejectUnauthorized: false, ...pair });
    let text = "";
    tls.on("data", (piece) => text += String(piece));
    tls.once("end", () => {
      tls.destroy();
      resolve(text);
    });
    tls.once("error", reject);
    tls.once("close", () => reject(new Error("The connection was broken off")));
    tls.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  });
}

testWithClientCertificates(
  "NodeListener tells two connections apart that a client has from one port to two of its addresses",
  () =>
    withDirectory(async (directory) => {
      // Only there all of 127.0.0.0/8 is this machine.
      if (Deno.build.os !== "linux") return;
      const authority = await Authority.create(directory);
      const { certPath, keyPath } = await authority.issue({ name: "node" });
      const paths = { certPath, keyPath, caPath: authority.caPath };
      const [cert = "", key = "", ca = ""] = await Promise.all(
        [certPath, keyPath, authority.caPath].map((path) => Deno.readTextFile(path)),
      );
      const files = await Promise.all(pathsOf(paths).map((path) => Deno.readFile(path)));
      const clients = new Set<object>();
      const listener = await NodeListener.listen({
        hostname: "0.0.0.0",
        port: 0,
        handler: (request, client) => {
          client.begins(request);
          clients.add(client);
          return client.answered(new Response("answered"));
        },
        limits,
        logger: { log() {} },
        certificates: readCredentials(paths, files),
        clients: { commonName: "" },
        audit: undefined,
      });
      const { port } = listener.addr;
      const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const own = free.addr.port;
      free.close();
      const first = await connected("127.0.0.1", port, own);
      const second = await connected("127.0.0.2", port, own);
      while (listener.connections.open < 2) await new Promise((resolve) => setTimeout(resolve, 1));
      for (const socket of [second, first]) {
        assert.match(await asked(socket, { ca, cert, key }), /answered$/);
      }
      assert.equal(clients.size, 2);
      await listener.shutdown();
    }),
);
