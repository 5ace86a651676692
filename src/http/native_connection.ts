import type { ClientActivity } from "./client_activity.ts";
import type { AcceptedConnection } from "./front.ts";
import type { NativeServer, ServedConnection } from "./native_server.ts";

/** A connection that Deno's server has from its beginning. */
export class PlainConnection implements AcceptedConnection {
  readonly #connection: Deno.Conn;
  readonly #native: NativeServer;
  readonly #client: ClientActivity;
  #served: ServedConnection | undefined;

  constructor(connection: Deno.Conn, native: NativeServer, client: ClientActivity) {
    this.#connection = connection;
    this.#native = native;
    this.#client = client;
  }

  async run(): Promise<void> {
    try {
      await this.prepare(this.#client.signal);
      if (this.#client.signal.aborted) return;
      this.#served = this.#native.serve(this.#connection, this.#client);
      await this.#served.finished;
    } catch {
      // The client broke the connection, or could not agree with this node: it ends.
    }
    this.close();
  }

  async shutdown(): Promise<void> {
    // In Deno 2.4 a shutdown would wait for the first request.
    if (this.#client.requests === 0) {
      this.#client.end();
      this.close();
    } else if (!this.#client.signal.aborted) await this.#served?.shutdown();
  }

  /** What comes before the first request. */
  protected async prepare(_signal: AbortSignal): Promise<void> {}

  protected close(): void {
    try {
      this.#connection.close();
    } catch {
      // Deno's server had it and closed it.
    }
  }
}

/** One over TLS. */
export class TlsConnection extends PlainConnection {
  readonly #connection: Deno.TlsConn;

  constructor(connection: Deno.TlsConn, native: NativeServer, client: ClientActivity) {
    super(connection, native, client);
    this.#connection = connection;
  }

  protected override async prepare(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.close();
    signal.addEventListener("abort", onAbort, { once: true });
    await this.#connection.handshake();
    signal.removeEventListener("abort", onAbort);
  }
}
