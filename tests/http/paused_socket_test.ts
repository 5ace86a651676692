import assert from "node:assert/strict";
import { createServer, type TLSSocket } from "node:tls";
import { pauseSocket, resumeSocket } from "../../src/http/paused_socket.ts";
import { background } from "../background.ts";
import { withDirectory } from "../directory.ts";
import { Authority } from "../tls/authority.ts";
import { testWithClientCertificates } from "../tls/where_there_is_tls.ts";

/** More than the system keeps of a connection. */
const sentBytes = 64 * 1024 * 1024;
const chunkBytes = 64 * 1024;
/** Of what waits to be sent to somebody who takes nothing there is more. */
const unsentBytesMin = 256 * 1024;

/** How much waits to be sent on a connection, by the ports of its ends: as Linux has it. */
async function unsentOf(port: number, peerPort: number): Promise<number> {
  const lines = (await Deno.readTextFile("/proc/self/net/tcp")).split("\n");
  const end = (port: number) => `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const line of lines) {
    const [, local = "", peer = "", , queues = ""] = line.trim().split(/\s+/);
    if (!local.endsWith(end(port)) || !peer.endsWith(end(peerPort))) continue;
    return parseInt(queues, 16);
  }
  return 0;
}

testWithClientCertificates(
  "a socket of TLS that is paused leaves what comes to the system, and gives all of it when resumed",
  () =>
    withDirectory(async (directory) => {
      if (Deno.build.os !== "linux") return;
      const authority = await Authority.create(directory);
      const { certPath, keyPath } = await authority.issue({ name: "node" });
      const [ca, cert, key] = await Promise.all(
        [authority.caPath, certPath, keyPath].map((path) => Deno.readTextFile(path)),
      );
      const accepted = Promise.withResolvers<TLSSocket>();
      const server = createServer({ cert, key }, (socket) => accepted.resolve(socket));
      await new Promise<void>((resolve) =>
        server.listen({ host: "127.0.0.1", port: 0 }, () => resolve())
      );
      const address = server.address();
      assert.ok(typeof address === "object" && address !== null);
      const { port } = address;
      const connecting = { hostname: "127.0.0.1", port, caCerts: [ca ?? ""] };
      const client = await Deno.connectTls(connecting);
      await client.handshake();
      const socket = await accepted.promise;
      let came = 0;
      const all = Promise.withResolvers<void>();
      socket.on("data", ({ length }: Uint8Array) => {
        if (came === 0) pauseSocket(socket);
        came += length;
        if (came === sentBytes) all.resolve();
      });
      let sent = 0;
      const sending = background(async () => {
        const chunk = new Uint8Array(chunkBytes);
        while (sent < sentBytes) sent += await client.write(chunk.subarray(0, sentBytes - sent));
      });
      const { port: clientPort } = client.localAddr as Deno.NetAddr;
      for (let looks = 0, before = 0; looks < 50; looks++) {
        assert.ok(sent < sentBytes, "All was taken of a client that was to wait");
        const waits = sent === before && await unsentOf(clientPort, port) >= unsentBytesMin;
        if (!waits) looks = 0;
        before = sent;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      assert.ok(came > 0 && came < sentBytes / 2, `${came} bytes were given while paused`);
      resumeSocket(socket);
      await Promise.all([sending, all.promise]);
      assert.equal(came, sentBytes);
      client.close();
      socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }),
);
