import assert from "node:assert/strict";
import { routes } from "../../src/http/routes.ts";
import { serve } from "../../src/http/serve.ts";
import { appWith, FakeService } from "./fake_service.ts";

const bytesMax = 100_000;
const limits = { bodyBytesMax: bytesMax, loadTextBytesMax: bytesMax };
const statement = new Uint8Array(new TextEncoder().encode('["DELETE FROM t"]'));
const refusal = "Too many large requests at a time, try again later\n";

/** A request whose body is `bytes` long so far and goes on until it is ended. */
class Upload {
  readonly answer: Promise<Response>;
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  /** Resolves when the server has taken what was sent. */
  readonly taken = Promise.withResolvers<void>();

  constructor(fetch: ReturnType<typeof appWith>["fetch"], path: string, bytes: number) {
    let pulls = 0;
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: (controller) => {
        if (pulls++ === 0) controller.enqueue(new Uint8Array(bytes).fill(0x20));
        else this.taken.resolve();
      },
    }, { highWaterMark: 0 });
    this.answer = fetch(path, { method: "POST", body });
  }

  end(): void {
    this.#controller?.enqueue(statement);
    this.#controller?.close();
  }

  vanish(): void {
    this.#controller?.error(new TypeError("gone"));
  }
}

Deno.test("large bodies under way share a budget, and give back what they had", async () => {
  const { fetch } = appWith(new FakeService(), limits);
  const paths = ["/db/execute", "/db/query", "/db/load", "/db/execute?queue"];
  for (const path of paths) {
    const uploads = paths.map((other) => new Upload(fetch, other, bytesMax - statement.length));
    await Promise.all(uploads.map(({ taken }) => taken.promise));
    const tooMuch = await new Upload(fetch, path, bytesMax - statement.length).answer;
    assert.deepEqual([tooMuch.status, await tooMuch.text()], [503, refusal], path);
    const body = '["DELETE FROM t"]'.padEnd(60_000);
    const headers = { "content-length": String(body.length) };
    const small = await fetch("/db/execute", { method: "POST", body, headers });
    assert.equal(small.status, 200, "a small one costs nothing");
    for (const [i, upload] of uploads.entries()) {
      if (i % 2 === 0) upload.end();
      else upload.vanish();
    }
    const answers = await Promise.all(uploads.map(({ answer }) => answer));
    assert.deepEqual(answers.map(({ status }) => status === 200), [true, false, true, false], path);
    for (const { body } of answers) await body?.cancel();
  }
});

Deno.test("a body that is too large gives back its part of the budget", async () => {
  const { fetch } = appWith(new FakeService(), limits);
  for (let i = 0; i < 10; i++) {
    const upload = new Upload(fetch, "/db/execute", bytesMax);
    await upload.taken.promise;
    upload.end();
    const { status, body } = await upload.answer;
    assert.equal(status, 413);
    await body?.cancel();
  }
  const last = new Upload(fetch, "/db/execute", bytesMax - statement.length);
  last.end();
  assert.equal((await last.answer).status, 200);
});

Deno.test("a body of which nothing comes any more gives back its part of the budget", async () => {
  const { fetch } = appWith(new FakeService(), { ...limits, bodyPauseMsMax: 10 });
  for (let round = 0; round < 2; round++) {
    const uploads = Array.from({ length: 4 }, () => new Upload(fetch, "/db/execute", bytesMax));
    for (const { answer } of uploads) {
      const response = await answer;
      assert.deepEqual(
        [response.status, await response.text()],
        [400, "request body broke off: next to nothing of it came for 10 ms\n"],
      );
    }
  }
});

/** What a SQLite file begins with, and then nothing, or one byte after another for ever. */
function stalled(bytes: number, drips: boolean): ReadableStream<Uint8Array<ArrayBuffer>> {
  const start = new Uint8Array(bytes);
  start.set(new TextEncoder().encode("SQLite format 3\0").subarray(0, bytes));
  let timer: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream({
    start(controller) {
      if (bytes > 0) controller.enqueue(start);
      if (drips) timer = setInterval(() => controller.enqueue(new Uint8Array(1)), 1);
    },
    cancel: () => clearInterval(timer),
  });
}

Deno.test("a database of which nothing comes any more is given up, however it comes", async () => {
  const directory = await Deno.makeTempDir();
  try {
    for (const path of ["/db/load", "/boot"]) {
      for (const bytes of [0, 16, 4096, 200_000]) {
        for (const drips of [false, true]) {
          for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
            const service = new FakeService();
            const { fetch } = appWith(service, { bodyPauseMsMax: 20 });
            const status = service.status.bind(service);
            service.status = () => ({ ...status(), dataDirectory: directory });
            const body = stalled(bytes, drips);
            const answer = await fetch(path, { method: "POST", body, headers });
            const text = await answer.text();
            assert.equal(answer.status, 400, `${path} ${bytes} ${drips}: ${text}`);
            assert.match(text, /^request body broke off: next to nothing of it came for 20 ms/);
            assert.deepEqual(service.loads, []);
          }
        }
      }
    }
    assert.deepEqual([...Deno.readDirSync(directory)], []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a database that is taken slowly is not given up for that", async () => {
  const service = new FakeService();
  const taken: number[] = [];
  service.load = async (file) => {
    for await (const piece of file) {
      taken.push(piece.length);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return 7;
  };
  const { fetch } = appWith(service, { bodyPauseMsMax: 20 });
  const file = new Uint8Array(100);
  file.set(new TextEncoder().encode("SQLite format 3\0"));
  const body = ReadableStream.from([file, file, file, file]);
  const { status } = await fetch("/db/load", { method: "POST", body });
  assert.deepEqual([status, taken], [200, [100, 100, 100, 100]]);
});

Deno.test("a SQLite file that streams takes nothing of the budget", async () => {
  const service = new FakeService();
  const { fetch } = appWith(service, limits);
  const file = new Uint8Array(10 * bytesMax);
  file.set(new TextEncoder().encode("SQLite format 3\0"));
  const response = await fetch("/db/load", { method: "POST", body: file });
  assert.equal(response.status, 200);
  assert.equal(service.loads[0]?.length, file.length);
});

Deno.test("a body that breaks off is its client's fault: 400, and a line for DEBUG alone", async () => {
  const { fetch, messages } = appWith(new FakeService(), limits);
  for (const path of ["/db/execute", "/db/query", "/db/request", "/db/load", "/boot"]) {
    const upload = new Upload(fetch, path, 10);
    upload.vanish();
    const { status, body } = await upload.answer;
    assert.equal(status, 400, path);
    await body?.cancel();
  }
  assert.equal(messages.length, 5);
  for (const message of messages) {
    assert.match(message, /^DEBUG http request body broke off: gone$/);
  }
});

Deno.test("a client that vanishes in the middle of its body leaves no error in the log", async () => {
  const parts = appWith(new FakeService());
  const server = await serve({ ...parts, hostname: "127.0.0.1", port: 0 });
  const port = Number(server.address.split(":")[1]);
  const framings = ["Content-Length: 100", "Content-Length: 900000", "Transfer-Encoding: chunked"];
  for (const [i, framing] of framings.entries()) {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const text = `POST /db/execute HTTP/1.1\r\nHost: x\r\n${framing}\r\n\r\n3\r\n["D\r\n`;
    await connection.write(new TextEncoder().encode(text));
    // Half of the connection is left for the answer.
    await connection.closeWrite();
    const answer = await new Response(connection.readable).text();
    assert.match(answer, /^HTTP\/1\.1 400 [^]*\r\n\r\nrequest body broke off: /, framing);
    assert.equal(parts.messages.filter((message) => message.startsWith("DEBUG")).length, i + 1);
  }
  assert.ok(!parts.messages.some((message) => message.startsWith("ERROR")));
  await server.stop(1000);
});

Deno.test("what a route says of its body bounds it, for each route", async () => {
  const bytesMax = 300_000;
  const { fetch } = appWith(new FakeService(), {
    bodyBytesMax: bytesMax,
    loadTextBytesMax: 2 * bytesMax,
  });
  const headers = { "content-type": "application/json" };
  const refusalOf = async (path: string, method: string, bytes: number) => {
    const answer = await fetch(path, { method, headers, body: new Uint8Array(bytes) });
    const told = /^(?:\{"message":")?(request body exceeds \d+ bytes)/;
    return told.exec(await answer.text())?.[1];
  };
  for (const { path, body, methods } of routes) {
    const method = methods === "any" ? "POST" : methods.find((name) => !/^(GET|HEAD)$/.test(name));
    // A body of these is none that anybody could send from here.
    if (method === undefined) continue;
    const found = [await refusalOf(path, method, bytesMax), await refusalOf(path, method, 700_000)];
    const said = (bytes: number) => `request body exceeds ${bytes} bytes`;
    const expected = {
      none: [undefined, undefined],
      words: [said(256 * 1024), said(bytesMax)],
      statements: [undefined, said(bytesMax)],
      database: path === "/boot" ? [undefined, undefined] : [undefined, said(2 * bytesMax)],
    }[body];
    assert.deepEqual(found, expected, `${method} ${path}`);
  }
});
