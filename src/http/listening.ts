import type { ConnectionFigures } from "./connection_watch.ts";

/** A server that listens: Deno's own or Node's, plain or over TLS. */
export interface Listening {
  readonly addr: Deno.NetAddr;
  readonly connections: ConnectionFigures;
  /** Accepts no more, and resolves when the requests under way have ended. */
  shutdown(): Promise<void>;
}
