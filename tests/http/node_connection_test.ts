import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers";
import { ClientActivity } from "../../src/http/client_activity.ts";
import type { Handler, NativeServer } from "../../src/http/native_server.ts";
import { NodeConnection } from "../../src/http/node_connection.ts";

const encoder = new TextEncoder();

/** A socket of Node's whose client is the test; what is written to it is taken when the test says so. */
class HeldSocket extends Duplex {
  /** Undefined: at once. */
  taken: Promise<void> | undefined;
  written = "";

  constructor() {
    super({ allowHalfOpen: true });
  }

  setNoDelay(): void {}

  override _read(): void {}

  override _write(chunk: Uint8Array, _: string, done: () => void): void {
    this.written += new TextDecoder().decode(chunk);
    if (this.taken === undefined) done();
    else void this.taken.then(done);
  }

  /** As net.Socket does it. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  send(text: string): void {
    this.push(encoder.encode(text));
  }
}

/** Gives no connection: it says that it was given one, and whether that was shut down. */
class NoServer implements NativeServer {
  readonly served = Promise.withResolvers<void>();
  readonly shutDown = Promise.withResolvers<void>();

  serve(connection: Deno.Conn) {
    this.served.resolve();
    return {
      finished: Promise.resolve(),
      shutdown: () => {
        this.shutDown.resolve();
        connection.close();
        return Promise.resolve();
      },
    };
  }
}

function connected(handler: Handler) {
  const socket = new HeldSocket();
  const native = new NoServer();
  const client = new ClientActivity("", handler);
  return {
    socket,
    native,
    connection: new NodeConnection(socket as unknown as Socket, native, client),
  };
}

/** Some turns of the event loop. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setTimeout(resolve, 0));
}

const asking = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
const pathOf = ({ url }: Request) => new URL(url).pathname;

Deno.test("NodeConnection answers nothing that comes behind a client's last request", async () => {
  const asked: string[] = [];
  const { socket, connection } = connected((request) => {
    asked.push(pathOf(request));
    return Promise.resolve(new Response("ok"));
  });
  const taken = Promise.withResolvers<void>();
  socket.taken = taken.promise;
  socket.send(asking("/last", "Connection: close\r\n"));
  await turns();
  assert.match(socket.written, /^HTTP\/1\.1 200 /);
  // The client has not taken it yet.
  socket.send(asking("/behind"));
  await turns();
  taken.resolve();
  await connection.run();
  assert.deepEqual(asked, ["/last"]);
});

Deno.test("NodeConnection takes no more of a client while much of it waits for its turn", async () => {
  let answers = 0;
  const held = Promise.withResolvers<void>();
  const { socket, connection } = connected(async () => {
    if (answers < 10) await new Promise((resolve) => setTimeout(resolve, 0));
    if (answers++ === 10) await held.promise;
    return new Response("ok");
  });
  const many = asking(`/${"a".repeat(1_000)}`).repeat(64);
  for (let i = 0; i < 20; i++) socket.send(many);
  while (answers < 11) await turns();
  // Ten have been answered, for whose bytes no others were taken.
  assert.ok(socket.readableLength > 10 * many.length, `${socket.readableLength} wait`);
  held.resolve();
  while (answers < 20 * 64) await turns();
  socket.destroy();
  await connection.run();
});

Deno.test("NodeConnection lets others have a turn between requests that came together", async () => {
  let turn = 0;
  const asked: number[] = [];
  const { socket, connection } = connected(() => {
    asked.push(turn);
    return Promise.resolve(new Response("ok"));
  });
  socket.once("data", function next() {
    turn++;
    if (asked.length < 50) setImmediate(next);
  });
  socket.send(asking("/").repeat(50));
  while (asked.length < 50) await turns();
  assert.equal(new Set(asked).size, 50);
  socket.destroy();
  await connection.run();
});

Deno.test("NodeConnection tells each of its requests that the client has gone", async () => {
  const told: string[] = [];
  const { socket, connection } = connected(async (request) => {
    await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
    told.push(pathOf(request));
    return new Response("for nobody");
  });
  socket.send(asking("/first") + asking("/second"));
  socket.push(null);
  await connection.run();
  assert.deepEqual(told, ["/first", "/second"]);
});

Deno.test("NodeConnection gives Deno's server nothing of a client that broke off", async () => {
  const { socket, native, connection } = connected(() => new Response("never"));
  let served = false;
  void native.served.promise.then(() => served = true);
  socket.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhal");
  await turns();
  socket.destroy();
  await connection.run();
  await turns();
  assert.equal(served, false);
});

Deno.test("NodeConnection that stops ends where no request has begun", async () => {
  const { socket, connection } = connected(() => Promise.resolve(new Response("ok")));
  socket.send(`${asking("/")}GET /half`);
  await turns();
  void connection.shutdown();
  await connection.run();
});

Deno.test("NodeConnection that stops has Deno's server stop that is about to get it", async () => {
  const { socket, native, connection } = connected(() => new Response("never"));
  // Behind the connection, which by then looks for a way to it.
  socket.once("data", () => void connection.shutdown());
  socket.send("OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n");
  await native.shutDown.promise;
  await connection.run();
});
