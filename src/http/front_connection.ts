import { writeResponse } from "./front_answer.ts";
import {
  type ForeignRequest,
  leaveOutUpgrade,
  type PlainRequest,
  readRequest,
} from "./front_request.ts";
import { ByteProgress } from "./byte_progress.ts";
import type { ClientActivity } from "./client_activity.ts";
import { closeQuietly } from "./close_quietly.ts";
import type { NativeServer, ServedConnection } from "./native_server.ts";
import { ReceivedBytes } from "./received_bytes.ts";
import { relay } from "./relay.ts";

/** What is read at once: of requests, and of what is copied. */
const requestChunkBytes = 16 * 1024;
const relayChunkBytes = 64 * 1024;
/** How long a request may take before its client's end is looked out for, in ms. */
const watchAfterMs = 50;

/**
 * One client's connection, until Deno's server has it: after the first request that offers no
 * upgrade. So it is with the connection of a client that never offers one, which costs that client
 * some microseconds once; one that always does is served here.
 */
export class FrontConnection {
  readonly #connection: Deno.TcpConn;
  readonly #native: NativeServer;
  readonly #client: ClientActivity;
  readonly #received = new ReceivedBytes();
  #chunkBytes = requestChunkBytes;
  readonly #progress = new ByteProgress();
  /** A read under way. */
  #reading: Promise<boolean> | undefined;
  #served: ServedConnection | undefined;
  #idle = true;
  #stopping = false;

  constructor(connection: Deno.TcpConn, native: NativeServer, client: ClientActivity) {
    this.#connection = connection;
    this.#native = native;
    this.#client = client;
    client.signal.addEventListener("abort", () => closeQuietly(this.#connection), { once: true });
  }

  /** Resolves when the connection has ended, in whatever way. */
  async run(): Promise<void> {
    try {
      await this.#serve();
      await this.#served?.finished;
    } catch {
      // The client broke the connection, or the answer broke off: it ends.
    }
    closeQuietly(this.#connection);
  }

  /** Lets the request under way end, and then the connection. */
  async shutdown(): Promise<void> {
    this.#stopping = true;
    if (this.#served !== undefined) return await this.#served.shutdown();
    if (this.#idle) closeQuietly(this.#connection);
  }

  async #serve(): Promise<void> {
    this.#connection.setNoDelay(true);
    for (;;) {
      const next = await this.#nextRequest();
      if (next === undefined) return;
      if (next.kind === "foreign") return await this.#relay(next);
      this.#received.drop(next.length);
      await this.#answer(next);
      if (next.last || this.#stopping) return;
      const untouched = this.#received.length === 0 && this.#reading === undefined;
      if (untouched && !next.upgrade) return this.#handOver();
    }
  }

  /** Undefined when the client has ended without one. */
  async #nextRequest(): Promise<PlainRequest | ForeignRequest | undefined> {
    for (let seen = 0;;) {
      const next = readRequest(this.#received.unread, seen);
      // Of a request that has no head yet nothing has been begun.
      this.#idle = next.kind === "partial" && !next.hasHead;
      if (next.kind !== "partial") return next;
      if (this.#idle && this.#stopping) return undefined;
      seen = next.seen;
      while (this.#received.length < next.bytesMin) {
        if (await this.#receive()) continue;
        return this.#received.length === 0 ? undefined : { kind: "foreign" };
      }
    }
  }

  /** Waits for more to come; false when the client has ended. */
  #receive(): Promise<boolean> {
    return this.#reading ??= this.#read().finally(() => this.#reading = undefined);
  }

  async #read(): Promise<boolean> {
    const chunk = new Uint8Array(this.#chunkBytes);
    const length = await this.#connection.read(chunk);
    if (length === null) return false;
    this.#received.add(chunk.subarray(0, length));
    if (this.#progress.came(length)) this.#client.mark();
    return true;
  }

  async #answer({ request, last }: PlainRequest): Promise<void> {
    const gone = () => request.abort();
    const timer = setTimeout(
      () => void this.#receive().then((more) => more || gone(), gone),
      watchAfterMs,
    );
    try {
      const response = await this.#client.handle(request);
      await writeResponse(this.#connection, response, last || this.#stopping);
    } finally {
      clearTimeout(timer);
    }
  }

  #handOver(): void {
    this.#served = this.#native.serve(this.#connection, this.#client);
  }

  async #relay({ upgradeHeadLength = 0 }: ForeignRequest): Promise<void> {
    leaveOutUpgrade(this.#received, upgradeHeadLength);
    this.#chunkBytes = relayChunkBytes;
    await relay({
      native: this.#native,
      connection: this.#connection,
      client: this.#client,
      received: () => this.#take(),
      onServed: (served) => {
        this.#served = served;
        if (this.#stopping) void served.shutdown();
      },
    });
  }

  /** What has been received, when there is some; undefined when the client has ended. */
  async #take(): Promise<Uint8Array | undefined> {
    if (this.#received.length === 0 && !await this.#receive()) return undefined;
    return this.#received.take();
  }
}
