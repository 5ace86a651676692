import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { serve } from "../../src/http/serve.ts";
import { appWith, FakeService } from "./fake_service.ts";
import { RawConnection } from "./raw_connection.ts";

const statement = '["DELETE FROM t"]';
const done = '{"results":[{"last_insert_id":1,"rows_affected":1}]}';
/** What Java's HttpClient sends with every request over HTTP. */
const offer =
  "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nUpgrade: h2c\r\n";

function post(headers: string, body = statement): string {
  const lines = `Host: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  return `POST /db/execute HTTP/1.1\r\n${lines}\r\n${headers}\r\n${body}`;
}

async function withServer(use: (address: string) => Promise<void>): Promise<void> {
  const server = await serve({ ...appWith(new FakeService()), hostname: "127.0.0.1", port: 0 });
  try {
    await use(server.address);
  } finally {
    await server.stop(10_000);
  }
}

Deno.test("a request that has a body and offers an upgrade is answered as any other", async () => {
  const chunked =
    `POST /db/execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n${offer}\r\n` +
    `${statement.length.toString(16)}\r\n${statement}\r\n0\r\n\r\n`;
  const requests: Record<string, string> = {
    "as Java does": post(offer),
    "websocket": post("connection: upgrade\r\nupgrade: websocket\r\n"),
    "in several lines": post(
      "Connection: keep-alive\r\nConnection: UPGRADE\r\nUpgrade: h2c, foo\r\n",
    ),
    "without an end of the connection": post(`${offer}Keep-Alive: 1\r\n`),
    "for the last time": post("Connection: close, Upgrade\r\nUpgrade: h2c\r\n"),
    "a large body": post(offer, statement.padEnd(1_000_000)),
    "in chunks": chunked,
    "with letters of the world": post(`User-Agent: J\u00e4va \u0416\r\n${offer}`),
    "after a word": post(`Expect: 100-continue\r\n${offer}`),
    "no body": `GET /db/query?q=SELECT+1 HTTP/1.1\r\nHost: x\r\n${offer}\r\n`,
  };
  await withServer(async (address) => {
    for (const [name, request] of Object.entries(requests)) {
      using connection = await RawConnection.open(address);
      await connection.send(request);
      const { status, body } = await connection.answer();
      assert.equal(status, 200, name);
      if (name !== "no body") assert.equal(body, done, name);
    }
  });
});

Deno.test("a connection whose requests offer upgrades is kept for more, together or apart", async () => {
  await withServer(async (address) => {
    using connection = await RawConnection.open(address);
    for (let i = 0; i < 3; i++) {
      await connection.send(post(offer));
      assert.equal((await connection.answer()).body, done);
    }
    const together = [post(offer), post(""), post(offer)];
    await connection.send(together.join(""));
    for (const _ of together) assert.equal((await connection.answer()).body, done);
    // From here on Deno's server has the connection.
    for (let i = 0; i < 3; i++) {
      await connection.send(post(""));
      assert.equal((await connection.answer()).body, done);
    }
    await connection.send(post("Connection: close\r\n"));
    assert.equal((await connection.answer()).body, done);
    assert.equal(await connection.rest(), "");
  });
});

Deno.test("a request that comes byte by byte is answered, whatever it offers", async () => {
  await withServer(async (address) => {
    for (const headers of [offer, ""]) {
      using connection = await RawConnection.open(address);
      for (const byte of post(headers)) await connection.send(byte);
      assert.equal((await connection.answer()).body, done);
    }
  });
});

Deno.test("a client that offers an upgrade and goes has its read interrupted", async () => {
  const service = new FakeService();
  const never = Promise.withResolvers<void>();
  service.hold = never.promise;
  const interrupted = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const read = service.read.bind(service);
  service.read = (request, level, signal) => {
    signal?.().addEventListener("abort", () => interrupted.resolve());
    begun.resolve();
    return read(request, level, signal);
  };
  const server = await serve({ ...appWith(service), hostname: "127.0.0.1", port: 0 });
  {
    using connection = await RawConnection.open(server.address);
    await connection.send(`GET /db/query?q=SELECT+1 HTTP/1.1\r\nHost: x\r\n${offer}\r\n`);
    await begun.promise;
  }
  await interrupted.promise;
  never.resolve();
  await server.stop(1000);
});

const javaThere = await runs("java", ["-version"]) && await runs("javac", ["-version"]);

Deno.test({
  name: "Java's HttpClient writes and reads in its default setting, on kept connections" +
    (javaThere ? "" : " (not run: there is no java on the PATH)"),
  ignore: !javaThere,
  async fn() {
    const source = fileURLToPath(new URL("./java/DefaultClient.java", import.meta.url));
    await withServer(async (address) => {
      const { code, stdout, stderr } = await new Deno.Command("java", {
        args: [source, `http://${address}`],
        stdout: "piped",
        stderr: "piped",
      }).output();
      const decoder = new TextDecoder();
      assert.equal(code, 0, decoder.decode(stderr));
      assert.equal(decoder.decode(stdout), "16 requests answered\n");
    });
  },
});

async function runs(command: string, args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(command, { args, stdout: "null", stderr: "null" })
      .output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
