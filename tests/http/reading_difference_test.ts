import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import type { Handler } from "../../src/http/native_server.ts";
import { anySeed } from "../store/seeds.ts";
import { frontOf, native, socketsOf } from "./stands.ts";

const rounds = 200;
const decoder = new TextDecoder("latin1");

/** Says all that it was asked. */
const handler: Handler = async (request) => {
  const body = await request.bytes().then((bytes) => decoder.decode(bytes), () => "broken");
  return new Response([request.method, request.url, ...request.headers, body].join("|"));
};

const methods = ["GET", "GET", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "get", "QUERY"];
const targets = ["/", "/a?b=c", "/a#b", "*", "http://x/y", "", "a", "//x/y", "/%zz", "/<", "/\\x"];
const hosts = ["x", "x:80", "[::1]", "", " ", "x/y", "x?", "x y", "[", "u@x", "x\t"];
const versions = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", ""];
const lineEnds = ["\r\n", "\n", "\r", "\r\r\n", " \r\n"];
/** Without offers to upgrade, which Deno's server refuses where there is a body: upgrade_test.ts. */
const headers = [
  ...["Accept: */*", "X:", "X: a\tb", "X :a", " X: a", "X", ": a", "X: \u00e9", "X: a\x7fb"],
  ...["Connection: close", "Connection: Close, x", "CONNECTION:close", "Connection: keep-alive"],
  ...["Upgrade: h2c", "Upgrade: websocket", "Keep-Alive: 1", "Host: y"],
  ...["Content-Length: 3", "content-length:3", "Content-Length: 03", "Content-Length: +3"],
  ...["Content-Length: 3, 3", "Content-Length:", "Content-Length: \t3\t", "Content-Length : 3"],
  ...["Content-Length: 3.0", "Content-Length: 0", "Content-Length: 0x3", "Content_Length: 3"],
  ...["Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Transfer-Encoding:"],
  ...["Transfer-Encoding: gzip, chunked", "Transfer-Encoding : chunked", "TE: trailers"],
  ...["Trailer: X", "Expect: 100-continue", "Expect: other", "Cookie: a=1", "Cookie: b=2"],
];
const bodies = [
  ...["", "", "abc", "abcd", "3\r\nabc\r\n0\r\n\r\n", "3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\n"],
  ...["0\r\n\r\n", "x\r\n", "GET / HTTP/1.1\r\nHost: z\r\n\r\n"],
];

/** A request of which most is plain. */
function drawn(prng: Prng): string {
  const pick = (values: readonly string[]) => values[prng.below(values.length)] ?? "";
  const rarely = (values: readonly string[], plain: string) =>
    prng.below(4) === 0 ? pick(values) : plain;
  const lines = [`Host: ${rarely(hosts, "x")}`];
  for (let more = prng.below(4); more > 0; more--) lines.push(pick(headers));
  if (prng.below(2) === 0) lines.reverse();
  const line = `${rarely(methods, "POST")} ${rarely(targets, "/a")} ${
    rarely(versions, "HTTP/1.1")
  }`;
  const end = prng.below(8) === 0 ? pick(lineEnds) : "\r\n";
  return `${[line, ...lines].join("\r\n")}${end}\r\n${pick(bodies)}`;
}

/** All that is answered to somebody who sends this and no more; undefined when that was lost. */
async function answered(port: number, text: string): Promise<string | undefined> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let answers = "";
  try {
    await connection.write(Uint8Array.from(text, (char) => char.charCodeAt(0)));
    await connection.closeWrite();
    const chunk = new Uint8Array(16 * 1024);
    for (;;) {
      const length = await connection.read(chunk);
      if (length === null) break;
      answers += decoder.decode(chunk.subarray(0, length));
    }
  } catch {
    // A server that closes with bytes unread may reset the connection.
    return undefined;
  }
  return answers.replaceAll(/^date: .*\r\n/gim, "")
    .replaceAll(/(connection: close\r\n)(content-length: \d+\r\n)/g, "$2$1")
    // Where no host is named, that of the connection within the process stands for it.
    .replaceAll(/http:\/\/localhost:\d+/g, "http://localhost:0")
    .replaceAll(/content-length: \d+/g, "content-length: n");
}

const refusal = "HTTP/1.1 400 Bad Request\r\ncontent-length: n\r\nconnection: close\r\n\r\n";

for (const [name, stand] of [["a front", frontOf], ["sockets of Node's", socketsOf]] as const) {
  Deno.test({
    name: `${name}: whatever requests come are read as Deno's server reads them, or refused`,
    ignore: native === undefined,
    async fn() {
      assert.ok(native);
      const seed = anySeed();
      const prng = new Prng(seed);
      const standing = await stand(native, handler);
      const mine = Number(standing.address.split(":")[1]);
      const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
      await using server = Deno.serve(options, handler);
      for (let round = 0; round < rounds; round++) {
        const count = 1 + prng.below(3);
        const text = Array.from({ length: count }, () => drawn(prng)).join("");
        const [own, expected] = await Promise.all(
          [mine, server.addr.port].map((port) => answered(port, text)),
        );
        if (own === undefined || expected === undefined || own === expected + refusal) continue;
        // It may see the client's end before it has answered the last of several.
        const compared = count > 1 ? own.slice(0, expected.length) : own;
        assert.equal(compared, expected, `seed ${seed}: ${JSON.stringify(text)}`);
      }
      await standing.shutdown();
    },
  });
}
