import type { Socket } from "node:net";
import { joinBytes } from "../base/bytes.ts";
import { ByteProgress } from "./byte_progress.ts";
import type { ClientActivity } from "./client_activity.ts";
import type { AcceptedConnection } from "./front.ts";
import { type ByteSink, writeResponse } from "./front_answer.ts";
import {
  type ForeignRequest,
  type FrontRequest,
  type PlainRequest,
  readRequest,
  withoutUpgrade,
} from "./front_request.ts";
import type { NativeServer, ServedConnection } from "./native_server.ts";
import { relay } from "./relay.ts";
import { untilDrained } from "./until_drained.ts";

const nothing = new Uint8Array(0);

/** Who sends no more is given so long to be answered, in ms: most have gone. */
const goneAfterMs = 50;

/** Bytes that came and wait for an answer to what was before them: with more, no more are taken. */
const waitingBytesMax = 256 * 1024;

/**
 * One client's connection over a socket of Node's. Its requests are read here as far as they are
 * plain, since Node's server takes several times as long for a short one; from the first one on that
 * is not, Deno's server answers, by way of a connection within the process.
 */
export class NodeConnection implements AcceptedConnection {
  readonly #socket: Socket;
  readonly #native: NativeServer;
  readonly #client: ClientActivity;
  readonly #progress = new ByteProgress();
  /** What has come and was not read yet. */
  #received: Uint8Array<ArrayBuffer> = nothing;
  /** With fewer bytes there is no whole request. */
  #bytesMin = 1;
  /** Only its body is missing. */
  #bodyComes: (() => void) | undefined;
  /** Under way. */
  #request: FrontRequest | undefined;
  /** Undefined as long as this reads the requests; called when there is something, or nothing more. */
  #relayed: { came: () => void } | undefined;
  #served: ServedConnection | undefined;
  #isOver = false;
  #stopping = false;
  readonly #closed = Promise.withResolvers<void>();

  constructor(socket: Socket, native: NativeServer, client: ClientActivity) {
    this.#socket = socket;
    this.#native = native;
    this.#client = client;
    socket.setNoDelay(true);
    // It is closed then.
    socket.on("error", () => {});
    socket.on("data", (chunk: Uint8Array<ArrayBuffer>) => this.#take(chunk));
    socket.once("end", () => this.#end());
    socket.once("close", () => {
      this.#end();
      this.#request?.abort();
      this.#closed.resolve();
    });
  }

  /** Resolves when the connection has ended, in whatever way. */
  run(): Promise<void> {
    return this.#closed.promise;
  }

  /** Lets the request under way end, and then the connection. */
  async shutdown(): Promise<void> {
    this.#stopping = true;
    if (this.#served !== undefined) return await this.#served.shutdown();
    if (this.#request === undefined && this.#received.length === 0) this.#socket.destroySoon();
  }

  #take({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): void {
    if (this.#progress.came(length)) this.#client.mark();
    const chunk = new Uint8Array(buffer, byteOffset, length);
    const before = this.#received;
    this.#received = before.length === 0 ? chunk : joinBytes([before, chunk]);
    if (this.#received.length > waitingBytesMax) this.#socket.pause();
    if (this.#relayed !== undefined) this.#relayed.came();
    else if (this.#request === undefined) this.#read();
  }

  /** The client sends no more, for which it may have gone or not. */
  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#bodyComes?.();
    const request = this.#request;
    if (this.#relayed !== undefined) this.#relayed.came();
    else if (request === undefined) this.#read();
    else setTimeout(() => request.abort(), goneAfterMs);
  }

  #read(): void {
    if (this.#isOver && this.#received.length === 0) return this.#socket.destroySoon();
    if (this.#received.length < this.#bytesMin && !this.#isOver) return;
    const next = readRequest(this.#received);
    // Of one that will not be whole Deno's server knows what to say.
    if (next.kind === "partial" && this.#isOver) return void this.#relay({ kind: "foreign" });
    if (next.kind === "partial") {
      this.#bytesMin = next.bytesMin;
      if (next.hasHead && this.#bodyComes === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#bodyComes = resolve;
        void this.#client.receive(promise);
      }
      return;
    }
    this.#bytesMin = 1;
    this.#bodyComes?.();
    this.#bodyComes = undefined;
    if (next.kind === "foreign") return void this.#relay(next);
    // What has been read is not to be kept as long as the connection is idle.
    const rest = this.#received.subarray(next.length);
    this.#received = rest.length === 0 ? nothing : rest;
    void this.#answer(next);
  }

  async #answer({ request, last }: PlainRequest): Promise<void> {
    this.#request = request;
    try {
      const response = await this.#client.handle(request);
      await writeResponse(this.#sink, response, last || this.#stopping);
    } catch {
      // The client has gone, or the answer broke off in its middle.
      this.#socket.destroy();
    }
    this.#request = undefined;
    if (last || this.#stopping) return this.#socket.destroySoon();
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#read();
  }

  readonly #sink: ByteSink = {
    write: async (bytes) => {
      const socket = this.#socket;
      if (socket.destroyed) throw new Error("The client has gone");
      if (!socket.write(bytes)) await untilDrained(socket);
      return bytes.length;
    },
  };

  async #relay({ upgradeHeadLength = 0 }: ForeignRequest): Promise<void> {
    const waiting = { came() {} };
    this.#relayed = waiting;
    const head = this.#received.subarray(0, upgradeHeadLength);
    const rest = this.#received.subarray(upgradeHeadLength);
    if (head.length > 0) this.#received = joinBytes([withoutUpgrade(head), rest]);
    await relay({
      native: this.#native,
      connection: { write: this.#sink.write, close: () => this.#socket.destroySoon() },
      client: this.#client,
      received: async () => {
        while (this.#received.length === 0) {
          if (this.#isOver) return undefined;
          await new Promise<void>((resolve) => waiting.came = resolve);
        }
        const received = this.#received;
        this.#received = nothing;
        if (this.#socket.isPaused()) this.#socket.resume();
        return received;
      },
      onServed: (served) => this.#served = served,
    }).catch(() => this.#socket.destroy());
  }
}
