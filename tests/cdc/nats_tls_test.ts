import assert from "node:assert/strict";
import type { NatsTls } from "../../src/cdc/nats.ts";
import { withDirectory } from "../directory.ts";
import { testWith } from "../metrics/outside_program.ts";
import { Authority } from "../tls/authority.ts";
import { natsProgram, NatsServer } from "./nats_server.ts";
import { messageOf, sinkOf } from "./nats_sink.ts";

async function send(endpoint: string, tls: NatsTls | undefined, id: string): Promise<void> {
  using sink = sinkOf(endpoint, { tls });
  await sink.send(messageOf([id, undefined, id]), new AbortController().signal);
}

/** One certificate and key with both of their files. */
async function issued(authority: Authority, name: string, subjectAltName?: string) {
  const { certPath, keyPath } = await authority.issue({
    name,
    ...(subjectAltName === undefined ? {} : { subjectAltName }),
  });
  const [cert, key] = [await Deno.readTextFile(certPath), await Deno.readTextFile(keyPath)];
  return { flags: ["--tlscert", certPath, "--tlskey", keyPath], cert, key };
}

testWith(
  natsProgram,
  "NatsSink publishes over TLS to a real server that it knows by its authority",
  async () => {
    await withDirectory(async (directory) => {
      const authority = await Authority.create(directory);
      const ca = await Deno.readTextFile(authority.caPath);
      const own = await issued(authority, "client");
      const { flags } = await issued(authority, "server");
      await using server = await NatsServer.start(["--tls", ...flags], { ca, ...own });
      await server.makeStream();
      const [plain, tls] = [server.endpoint, server.endpoint.replace("nats:", "tls:")];
      await send(tls, { ca }, "1.0");
      // A server that asks for TLS has it, whatever the endpoint is called.
      await send(plain, { ca }, "2.0");
      await assert.rejects(send(tls, undefined, "3.0"), /certificate|issuer/i);
      await assert.rejects(send(plain, undefined, "3.0"), /certificate|issuer/i);
      const stranger = await Authority.create(directory, "stranger");
      const other = await Deno.readTextFile(stranger.caPath);
      await assert.rejects(send(tls, { ca: other }, "3.0"), /certificate|issuer|signature/i);
      await server.kill();
      await server.start();
      await send(tls, { ca }, "4.0");
      assert.deepEqual((await server.stored()).map(({ text }) => text), ["1.0", "2.0", "4.0"]);
    });
  },
  { sanitizeResources: false },
);

testWith(
  natsProgram,
  "NatsSink takes no server for another by whose name it was asked for",
  async () => {
    await withDirectory(async (directory) => {
      const authority = await Authority.create(directory);
      const ca = await Deno.readTextFile(authority.caPath);
      const { flags } = await issued(authority, "server", "DNS:elsewhere.test");
      await using server = await NatsServer.start(["--tls", ...flags]);
      await assert.rejects(
        send(server.endpoint.replace("nats:", "tls:"), { ca }, "1.0"),
        /certificate|altnames|valid for/i,
      );
    });
  },
  { sanitizeResources: false },
);

testWith(
  natsProgram,
  "NatsSink shows its certificate to a real server that asks for one",
  async () => {
    await withDirectory(async (directory) => {
      const authority = await Authority.create(directory);
      const ca = await Deno.readTextFile(authority.caPath);
      const { flags } = await issued(authority, "server");
      const { cert, key } = await issued(authority, "client");
      await using server = await NatsServer.start(
        ["--tls", "--tlsverify", "--tlscacert", authority.caPath, ...flags],
        { ca, cert, key },
      );
      await server.makeStream();
      const tls = server.endpoint.replace("nats:", "tls:");
      await assert.rejects(send(tls, { ca }, "1.0"));
      await send(tls, { ca, cert, key }, "2.0");
      assert.deepEqual((await server.stored()).map(({ text }) => text), ["2.0"]);
    });
  },
  { sanitizeResources: false },
);
