import type { Socket } from "node:net";
import { ByteProgress } from "./byte_progress.ts";
import type { ClientActivity } from "./client_activity.ts";
import type { AcceptedConnection } from "./front.ts";
import { type ByteSink, writeResponse } from "./front_answer.ts";
import {
  type ForeignRequest,
  type FrontRequest,
  leaveOutUpgrade,
  type PlainRequest,
  readRequest,
} from "./front_request.ts";
import type { NativeServer, ServedConnection } from "./native_server.ts";
import { nextTurn } from "./next_turn.ts";
import { pauseSocket, resumeSocket } from "./paused_socket.ts";
import { ReceivedBytes } from "./received_bytes.ts";
import { relay } from "./relay.ts";
import { untilDrained } from "./until_drained.ts";

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
  readonly #received = new ReceivedBytes();
  /** With fewer bytes there is no whole request, and how many need not be looked at again. */
  #partial = { bytesMin: 1, seen: 0 };
  /** Only its body is missing. */
  #bodyComes: (() => void) | undefined;
  /** Under way. */
  #request: FrontRequest | undefined;
  /** Undefined as long as this reads the requests; called when there is something, or nothing more. */
  #relayed: { came: () => void } | undefined;
  #served: ServedConnection | undefined;
  /** The client sends no more. */
  #isOver = false;
  #stopping = false;
  /** Nothing more is read of it: what it was answered last is on its way, and then the connection ends. */
  #isEnding = false;
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
      this.#isEnding = true;
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
    if (this.#relayed !== undefined) return await this.#served?.shutdown();
    // Of a request that has no head yet nothing has been begun.
    if (this.#request === undefined && this.#bodyComes === undefined) this.#endSoon();
  }

  #take({ buffer, byteOffset, length }: Uint8Array<ArrayBuffer>): void {
    if (this.#isEnding) return;
    if (this.#progress.came(length)) this.#client.mark();
    this.#received.add(new Uint8Array(buffer, byteOffset, length));
    if (this.#received.length > waitingBytesMax) pauseSocket(this.#socket);
    if (this.#relayed !== undefined) this.#relayed.came();
    else if (this.#request === undefined) this.#read();
  }

  /** The client sends no more, for which it may have gone or not. */
  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#bodyComes?.();
    if (this.#relayed !== undefined) this.#relayed.came();
    else if (this.#request !== undefined) abortSoon(this.#request);
    else this.#read();
  }

  #read(): void {
    if (this.#isEnding) return;
    const received = this.#received;
    if (this.#isOver && received.length === 0) return this.#endSoon();
    const { bytesMin, seen } = this.#partial;
    if (received.length < bytesMin && !this.#isOver) return;
    const next = readRequest(received.unread, seen);
    // Of one that will not be whole Deno's server knows what to say.
    if (next.kind === "partial" && this.#isOver) return void this.#relay({ kind: "foreign" });
    if (next.kind === "partial") {
      this.#partial = next;
      if (next.hasHead && this.#bodyComes === undefined) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#bodyComes = resolve;
        void this.#client.receive(promise);
      }
      return;
    }
    this.#partial = { bytesMin: 1, seen: 0 };
    this.#bodyComes?.();
    this.#bodyComes = undefined;
    if (next.kind === "foreign") return void this.#relay(next);
    received.drop(next.length);
    void this.#answer(next);
  }

  async #answer({ request, last }: PlainRequest): Promise<void> {
    this.#request = request;
    if (this.#isOver) abortSoon(request);
    try {
      const response = await this.#client.handle(request);
      await writeResponse(this.#sink, response, last || this.#stopping);
    } catch {
      // The client has gone, or the answer broke off in its middle.
      this.#socket.destroy();
    }
    this.#resume();
    // However many requests came together, others have their turn between them.
    if (this.#received.length > 0 && !last) await nextTurn();
    this.#request = undefined;
    if (last || this.#stopping) this.#endSoon();
    else this.#read();
  }

  /** Ends the connection when what was written is on its way: whatever else comes is not answered. */
  #endSoon(): void {
    this.#isEnding = true;
    this.#received.take();
    this.#resume();
    this.#socket.destroySoon();
  }

  /** Takes more of what the client sends, unless much still waits. */
  #resume(): void {
    if (this.#received.length <= waitingBytesMax) resumeSocket(this.#socket);
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
    const received = this.#received;
    leaveOutUpgrade(received, upgradeHeadLength);
    await relay({
      native: this.#native,
      connection: { write: this.#sink.write, close: () => this.#socket.destroySoon() },
      client: this.#client,
      received: async () => {
        while (received.length === 0) {
          if (this.#isOver) return undefined;
          await new Promise<void>((resolve) => waiting.came = resolve);
        }
        const taken = received.take();
        this.#resume();
        return taken;
      },
      onServed: (served) => {
        this.#served = served;
        if (this.#stopping) void served.shutdown();
      },
    }).catch(() => this.#socket.destroy());
  }
}

/** Tells a request that its client may have gone. */
function abortSoon(request: FrontRequest): void {
  setTimeout(() => request.abort(), goneAfterMs);
}
