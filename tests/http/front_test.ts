import { background } from "../background.ts";
import { anySeed } from "../store/seeds.ts";
import assert from "node:assert/strict";
import { type Handler, nativeServer } from "../../src/http/native_server.ts";
import { Prng } from "../../src/base/prng.ts";
import { responseOf } from "../../src/http/streamed_response.ts";
import { type RawAnswer, RawConnection } from "./raw_connection.ts";
import { frontOf, native, socketsOf, type Stand } from "./stands.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Says what it was asked, in many ways of saying it. */
const handler: Handler = async (request) => {
  const { pathname } = new URL(request.url);
  const said = [request.method, request.url, ...request.headers].join(" ");
  const body = await request.bytes().then((bytes) => decoder.decode(bytes), () => "broken");
  const text = `${said} ${body.length} ${body.slice(0, 50)}`;
  switch (pathname) {
    case "/none":
      return new Response(null, { headers: { "x-said": said } });
    case "/204":
      return new Response(null, { status: 204 });
    case "/302":
      return new Response(null, { status: 302, headers: { location: "/" } });
    case "/500":
      return new Response(text, { status: 500 });
    case "/empty":
      return new Response("");
    case "/bytes":
      return new Response(encoder.encode(text), { headers: [["a", "1"], ["a", "2"]] });
    case "/stream":
      return responseOf(ReadableStream.from(slowly(["one", "", "two", text])));
    default:
      return new Response(text);
  }
};

async function* slowly(pieces: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield encoder.encode(piece);
  }
}

const paths = ["/", "/none", "/204", "/302", "/500", "/empty", "/bytes", "/stream", "/a?b=%20&c"];
const plain = [
  ...paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n`),
  ...paths.map((path) => `POST ${path} HTTP/1.1\r\nhost:x:80\r\nContent-Length: 3\r\n\r\nabc`),
  "DELETE /remove HTTP/1.1\r\nHost: [::1]:4001\r\nX: \t a b \t\r\nX: c\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
  `PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n${"y".repeat(60_000)}`,
  `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n${"z".repeat(300_000)}`,
];
const others = [
  "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n",
  "OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET / HTTP/1.0\r\nHost: x\r\n\r\n",
  "GET / HTTP/1.1\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
  "GET http://x/absolute HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET /caf\u00e9 HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nX: caf\u00e9\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nNo Header\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\n folded: 1\r\n\r\n",
  "GET /two  spaces HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET / HTTP/3.7\r\nHost: x\r\n\r\n",
  "get / HTTP/1.1\r\nHost: x\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
  `GET / HTTP/1.1\r\nHost: x\r\n${"A: b\r\n".repeat(99)}\r\n`,
  `GET / HTTP/1.1\r\nHost: x\r\n${"A: b\r\n".repeat(120)}\r\n`,
  `GET /${"a".repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  "\u0016\u0003\u0001\u0002\u0000\u0001",
  "GET / HTTP/1.1\r\nHost: x\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc",
  "",
];

interface Pair {
  readonly front: string;
  readonly native: string;
}

function standTest(
  name: string,
  stand: Stand,
  test: (addresses: Pair, stand: Stand) => Promise<void>,
): void {
  Deno.test({
    name: name +
      (native === undefined ? " (not run: this Deno needs none)" : ""),
    ignore: native === undefined,
    async fn() {
      assert.ok(native);
      const standing = await stand(native, handler);
      await using server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen() {} },
        handler,
      );
      const { hostname, port } = server.addr;
      await test({ front: standing.address, native: `${hostname}:${port}` }, stand);
      await standing.shutdown();
    },
  });
}

function frontTest(
  name: string,
  test: (addresses: Pair, stand: Stand) => Promise<void>,
): void {
  standTest(name, frontOf, test);
  standTest(`${name}, over a socket of Node's`, socketsOf, test);
}

/** What a connection answers to requests and the end of its client. */
async function answersTo(address: string, pieces: readonly string[]): Promise<string> {
  using connection = await RawConnection.open(address);
  try {
    for (const piece of pieces) await connection.send(piece);
    await connection.closeWrite();
    const answers = (await connection.rest()).replaceAll(/^date: .*\r\n/gim, "");
    // Where no host is named, that of the connection within the process stands for it.
    return answers.replace(/http:\/\/localhost:\d+/, "http://localhost:0");
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) return "reset";
    if (error instanceof Deno.errors.BrokenPipe) return "reset";
    throw error;
  }
}

frontTest("a front answers plain requests as Deno's server does", async (addresses) => {
  for (const request of plain) {
    const [mine, expected] = await Promise.all(
      [addresses.front, addresses.native].map(async (address): Promise<RawAnswer> => {
        using connection = await RawConnection.open(address);
        await connection.send(request);
        return await connection.answer();
      }),
    );
    assert.ok(mine && expected);
    for (const { headers } of [mine, expected]) headers.delete("date");
    const name = request.slice(0, 60);
    assert.deepEqual([mine.status, mine.body], [expected.status, expected.body], name);
    assert.deepEqual([...mine.headers], [...expected.headers], name);
  }
});

frontTest(
  "a front leaves what is not plain to Deno's server, and its end too",
  async (addresses) => {
    for (const request of others) {
      const [mine, expected] = await Promise.all(
        [addresses.front, addresses.native].map((address) => answersTo(address, [request])),
      );
      // A server that closes with bytes unread may reset the connection, and its answer is lost.
      if (expected !== "reset") assert.equal(mine, expected, request.slice(0, 100));
    }
  },
);

frontTest("a front answers requests in any pieces, one behind the other", async ({ front }) => {
  const seed = Number(anySeed() % 1_000_000n);
  const prng = new Prng(BigInt(seed));
  for (let round = 0; round < 50; round++) {
    // Offers first: once Deno's server has a connection, one more would be refused.
    const offers = prng.below(4);
    const requests = Array.from({ length: offers + prng.below(4) }, (_, i) => {
      const body = `${i}`.repeat(prng.below(40));
      const offer = i < offers ? "Connection: Upgrade\r\nUpgrade: h2c\r\n" : "";
      const path = paths[prng.below(paths.length)];
      return {
        text:
          `POST ${path} HTTP/1.1\r\nHost: x\r\n${offer}Content-Length: ${body.length}\r\n\r\n${body}`,
        path,
        body,
      };
    });
    using connection = await RawConnection.open(front);
    let rest = requests.map(({ text }) => text).join("");
    const sent = background(async () => {
      while (rest.length > 0) {
        const piece = rest.slice(0, 1 + prng.below(rest.length));
        rest = rest.slice(piece.length);
        await connection.send(piece);
      }
    });
    for (const { path, body } of requests) {
      const answer = await connection.answer();
      if (path === "/" || path === "/stream") {
        assert.ok(answer.body.endsWith(` ${body.length} ${body.slice(0, 50)}`), `seed ${seed}`);
      }
    }
    await sent;
  }
});

frontTest("HTTP/2 works behind a front as without", async ({ front }) => {
  const { connect } = await import("node:http2");
  const session = connect(`http://${front}`);
  const body = await new Promise<string>((resolve, reject) => {
    const stream = session.request({ ":path": "/two" });
    let text = "";
    stream.setEncoding("utf8");
    stream.on("data", (piece: string) => text += piece);
    stream.on("end", () => resolve(text));
    stream.on("error", reject);
    session.on("error", reject);
    stream.end();
  });
  assert.match(body, /^GET http:\/\/127\.0\.0\.1:\d+\/two /);
  await new Promise<void>((resolve) => session.close(resolve));
});

frontTest(
  "a front that stops ends idle connections, and those under way when they are answered",
  async (_, stand) => {
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const slow = nativeServer();
    async function answerLate(request: Request): Promise<Response> {
      await request.bytes();
      if (new URL(request.url).pathname === "/now") return new Response("now");
      asked.resolve();
      await gate.promise;
      return new Response("late");
    }
    assert.ok(slow);
    const front = await stand(slow, answerLate);
    const { address } = front;
    using idle = await RawConnection.open(address);
    // Of its second request no more than the beginning ever comes.
    using half = await RawConnection.open(address);
    await half.send("GET /now HTTP/1.1\r\nHost: x\r\n\r\nGET /half HTTP");
    assert.equal((await half.answer()).body, "now");
    using busy = await RawConnection.open(address);
    await busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await asked.promise;
    const stopped = front.shutdown();
    for (const connection of [idle, half]) assert.equal(await connection.rest(), "");
    gate.resolve();
    assert.equal((await busy.answer()).body, "late");
    assert.equal(await busy.rest(), "");
    await stopped;
  },
);

frontTest("a front tells a request that its client has gone", async (_, stand) => {
  const asked = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const own = nativeServer();
  assert.ok(own);
  const front = await stand(own, async ({ signal }) => {
    signal.addEventListener("abort", () => gone.resolve(), { once: true });
    asked.resolve();
    await gone.promise;
    return new Response("for nobody");
  });
  const connection = await RawConnection.open(front.address);
  await connection.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await asked.promise;
  connection[Symbol.dispose]();
  await gone.promise;
  await front.shutdown();
});
