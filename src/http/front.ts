import { FrontConnection } from "./front_connection.ts";
import type { Handler, NativeServer } from "./native_server.ts";

/**
 * Accepts connections in front of Deno's server and gives them to it, when they need no better
 * treatment than it has for them: see `FrontConnection`.
 */
export class Front {
  readonly #listener: Deno.TcpListener;
  readonly #native: NativeServer;
  readonly #handler: Handler;
  readonly #connections = new Map<FrontConnection, Promise<void>>();
  readonly #accepting: Promise<void>;

  /** Throws what Deno.listen does. */
  constructor(
    address: { readonly hostname: string; readonly port: number },
    native: NativeServer,
    handler: Handler,
  ) {
    this.#listener = Deno.listen(address);
    this.#native = native;
    this.#handler = handler;
    this.#accepting = this.#accept();
  }

  get addr(): Deno.NetAddr {
    return this.#listener.addr;
  }

  /** Accepts no more, and resolves when the requests under way have ended. */
  async shutdown(): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    const stops = [...this.#connections.keys()].map((connection) => connection.shutdown());
    await Promise.all([...stops, ...this.#connections.values()]);
  }

  async #accept(): Promise<void> {
    for (;;) {
      let accepted: Deno.TcpConn;
      try {
        accepted = await this.#listener.accept();
      } catch (error) {
        // Closed, by `shutdown`.
        if (error instanceof Deno.errors.BadResource) return;
        if (error instanceof Deno.errors.Interrupted) return;
        // A client that has gone again, or no descriptor left for another: others may follow.
        await new Promise((resolve) => setTimeout(resolve, acceptRetryMs));
        continue;
      }
      const connection = new FrontConnection(accepted, this.#native, this.#handler);
      const ended = connection.run().finally(() => this.#connections.delete(connection));
      this.#connections.set(connection, ended);
    }
  }
}

const acceptRetryMs = 10;
