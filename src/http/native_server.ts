import { isDenoFrom } from "../base/deno_version.ts";
import type { Client } from "./client.ts";

/**
 * Deno's own HTTP server, for one connection instead of a listener. It is what Deno.serve runs for
 * each, but Deno offers it only to its own modules (and to those of Node that it carries), so that
 * it may go with any version: whoever asks for it must live without.
 */
export interface NativeServer {
  /** Serves the connection from now on, which is the server's alone; `signal` breaks it off. */
  serve(connection: Deno.Conn, client: ServedClient): ServedConnection;
}

export interface ServedClient {
  readonly handle: Handler;
  readonly signal: AbortSignal;
}

export interface ServedConnection {
  /** Resolves when the connection has ended; rejects when it broke. */
  readonly finished: Promise<void>;
  /** Lets the request under way end, and then the connection. */
  shutdown(): Promise<void>;
}

/** Handles any client's requests, and tells the client of each. */
export type ClientHandler = (request: Request, client: Client) => Response | Promise<Response>;

/** Handles those of one client. */
export type Handler = (request: Request) => Response | Promise<Response>;

/** What Deno's server asks of the signal. */
interface Abortable {
  addEventListener(type: "abort", listener: () => void, options?: AddEventListenerOptions): void;
}

type ServeOnConnection = (
  connection: Deno.Conn,
  signal: Abortable,
  handler: Handler,
  onError: (error: unknown) => Response,
  onListen: () => void,
) => ServedConnection;

/** The body with which Deno.serve answers for a handler that throws. */
const failed = new TextEncoder().encode("Internal Server Error");

/** The server; undefined where this Deno offers none. */
export function nativeServer(): NativeServer | undefined {
  const serve = internalFunction("serveHttpOnConnection") as ServeOnConnection | undefined;
  if (serve === undefined) return undefined;
  const onError = () => new Response(failed, { status: 500 });
  return {
    serve(connection, { handle, signal }) {
      const served = serve(connection, whileServed(signal), handle, onError, () => {});
      // A connection may break before anybody waits for its end.
      served.finished.catch(() => {});
      return served;
    },
  };
}

/**
 * The signal as Deno's server listens to it: to break off a connection that has ended a moment ago, or
 * was shut down, throws there (2.4 to 2.9), where nobody could catch it and it would end the program.
 */
function whileServed(signal: AbortSignal): Abortable {
  return {
    addEventListener(type, listener, options) {
      signal.addEventListener(type, () => {
        try {
          listener();
        } catch (error) {
          if (!(error instanceof Deno.errors.BadResource)) throw error;
        }
      }, options);
    },
  };
}

function internalFunction(name: string): unknown {
  const symbol: unknown = Reflect.get(Deno, "internal");
  const internals: unknown = typeof symbol === "symbol" ? Reflect.get(Deno, symbol) : undefined;
  if (typeof internals !== "object" || internals === null) return undefined;
  const found: unknown = Reflect.get(internals, name);
  return typeof found === "function" ? found : undefined;
}

/**
 * Whether this Deno's server refuses a request that has a body and offers to upgrade (RFC 9110,
 * 7.8), which is allowed and which Java's HttpClient does with every request: with 400, from 2.8.3
 * to 2.9.6 at least. `findings/deno_upgrade_with_body.sh` shows it.
 */
export const refusesUpgradeWithBody = isDenoFrom([2, 8, 3]);
