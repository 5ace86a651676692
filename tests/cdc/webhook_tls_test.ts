import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Webhook, type WebhookTls } from "../../src/cdc/webhook.ts";
import { withDirectory } from "../directory.ts";
import { Authority } from "../tls/authority.ts";

const message = { bytes: new TextEncoder().encode("{}"), parts: [] };

async function send(url: string, tls: WebhookTls | undefined): Promise<void> {
  const webhook = new Webhook(url, { timeoutMs: 5_000, tls, userAgent: "raftlite/test" });
  try {
    await webhook.send(message, new AbortController().signal);
  } finally {
    webhook.close();
  }
}

Deno.test("Webhook trusts the authority that it is told, by the name that it is told", async () => {
  await withDirectory(async (directory) => {
    const authority = await Authority.create(directory);
    const issued = await authority.issue({ name: "server", subjectAltName: "DNS:hook.test" });
    const ca = await Deno.readTextFile(authority.caPath);
    let taken = 0;
    // It speaks HTTP/2 too, where it is asked to.
    const server = Deno.serve({
      port: 0,
      hostname: "127.0.0.1",
      onListen: () => {},
      cert: await Deno.readTextFile(issued.certPath),
      key: await Deno.readTextFile(issued.keyPath),
    }, async (request) => {
      await request.body?.cancel();
      taken++;
      return new Response();
    });
    const url = `https://127.0.0.1:${(server.addr as Deno.NetAddr).port}/`;
    await send(url, { ca, servername: "hook.test", rejectUnauthorized: true });
    await send(url, { rejectUnauthorized: false });
    assert.equal(taken, 2);
    await assert.rejects(send(url, { ca, servername: "other.test", rejectUnauthorized: true }));
    await assert.rejects(send(url, { servername: "hook.test", rejectUnauthorized: true }));
    await assert.rejects(send(url, undefined));
    assert.equal(taken, 2);
    await server.shutdown();
  });
});

Deno.test("Webhook shows its certificate to an endpoint that asks for one", async () => {
  await withDirectory(async (directory) => {
    const authority = await Authority.create(directory);
    const read = async (name: string) => {
      const { certPath, keyPath } = await authority.issue({ name });
      return { cert: await Deno.readTextFile(certPath), key: await Deno.readTextFile(keyPath) };
    };
    const ca = await Deno.readTextFile(authority.caPath);
    const own = await read("server");
    const server = createServer(
      { ...own, ca, requestCert: true, rejectUnauthorized: true },
      (request, answer) => {
        request.resume();
        answer.end();
      },
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await send(url, { ca, ...await read("client"), rejectUnauthorized: true });
    await assert.rejects(send(url, { ca, rejectUnauthorized: true }));
    await new Promise((resolve) => server.close(resolve));
  });
});
