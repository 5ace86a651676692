import assert from "node:assert/strict";
import { HttpConnection, HttpConnectionError } from "../../src/cli/bench/http_connection.ts";
import { background } from "../background.ts";

/** Sends one request to a server that answers it with these pieces, one write each. */
async function answered(...pieces: string[]): Promise<{ status: number; body: string }> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = background(async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(1024));
    for (const piece of pieces) {
      await connection.write(new TextEncoder().encode(piece));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  });
  const connection = await HttpConnection.open({
    address: { host: "127.0.0.1", port: listener.addr.port },
    tls: undefined,
    authorization: undefined,
  });
  try {
    const { status, body } = await connection.request(
      new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"),
    );
    return { status, body: body.toString() };
  } finally {
    connection.close();
    await serving;
  }
}

Deno.test("HttpConnection reads a body of known length, however it is cut", async () => {
  const whole = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello";
  assert.deepEqual(await answered(whole), { status: 200, body: "hello" });
  for (const at of [3, 17, 44, 45, 46, 47, 50]) {
    const pieces = [whole.slice(0, at), whole.slice(at)];
    assert.deepEqual(await answered(...pieces), { status: 200, body: "hello" }, `cut at ${at}`);
  }
});

Deno.test("HttpConnection joins chunks, however they are cut", async () => {
  const head = "HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n";
  const whole = `${head}5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n`;
  const expected = { status: 503, body: "hello, world" };
  assert.deepEqual(await answered(whole), expected);
  for (let at = head.length - 1; at < whole.length; at++) {
    assert.deepEqual(await answered(whole.slice(0, at), whole.slice(at)), expected, `cut at ${at}`);
  }
});

Deno.test("HttpConnection reads a body larger than its buffer", async () => {
  const body = "x".repeat(100_000);
  const answer = await answered(`HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n${body}`);
  assert.equal(answer.body, body);
});

Deno.test("HttpConnection refuses what it cannot read to its end", async () => {
  const wrong = [
    "SSH-2.0-OpenSSH\r\n\r\n",
    "HTTP/1.1 200 OK\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
  ];
  for (const answer of wrong) await assert.rejects(answered(answer), HttpConnectionError, answer);
});
