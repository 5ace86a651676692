import type { ClientActivity } from "./client_activity.ts";
import { closeQuietly } from "./close_quietly.ts";
import type { AcceptedConnection } from "./front.ts";
import type { NativeServer, ServedClient, ServedConnection } from "./native_server.ts";
import { shutDownSocket } from "./socket_shutdown.ts";
import { readingUnread } from "./unread_body.ts";

/** A connection that Deno's server has from its beginning, for TLS's handshake too. */
export class NativeConnection implements AcceptedConnection {
  readonly #connection: Deno.Conn;
  readonly #native: NativeServer;
  readonly #client: ClientActivity;
  #served: ServedConnection | undefined;

  constructor(connection: Deno.Conn, native: NativeServer, client: ClientActivity) {
    this.#connection = connection;
    this.#native = native;
    this.#client = client;
    const { remoteAddr, localAddr } = connection;
    if (!("handshake" in connection)) return;
    if (remoteAddr.transport !== "tcp" || localAddr.transport !== "tcp") return;
    client.signal.addEventListener("abort", () => {
      // Before its first request it may be in the middle of its handshake.
      if (client.requests === 0) shutDownSocket({ remoteAddr, localAddr });
    }, { once: true });
  }

  async run(): Promise<void> {
    try {
      this.#served = this.#native.serve(this.#connection, this.#handling());
      await this.#served.finished;
    } catch {
      // The client broke the connection, or could not agree with this node: it ends.
    }
    closeQuietly(this.#connection);
  }

  #handling(): ServedClient {
    // HTTP/2 goes over TLS only.
    if (!("handshake" in this.#connection)) return this.#client;
    return { handle: readingUnread(this.#client.handle), signal: this.#client.signal };
  }

  async shutdown(): Promise<void> {
    // In Deno 2.4 a shutdown would wait for the first request.
    if (this.#client.requests === 0) {
      this.#client.end();
      closeQuietly(this.#connection);
    } else if (!this.#client.signal.aborted) await this.#served?.shutdown();
  }
}
