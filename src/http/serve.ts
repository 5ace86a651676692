import type { Hono } from "hono";
import type { Logger } from "./types.ts";
import type { WriteQueue } from "./write_queue.ts";

export interface ServeOptions {
  readonly app: Hono;
  readonly queue: WriteQueue;
  readonly logger: Logger;
  readonly hostname: string;
  /** 0 for any that is free. */
  readonly port: number;
}

export interface HttpServer {
  /** `host:port` that it listens on. */
  readonly address: string;
  /**
   * Takes no more requests, lets those under way end and writes what is queued; what has not ended
   * after `timeoutMs` is cut off.
   */
  stop(timeoutMs: number): Promise<void>;
}

/** Thrown when the address cannot be listened on; the message names it. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** Serves the API. Throws a ListenError. */
export function serve(options: ServeOptions): HttpServer {
  const { app, hostname, port, queue, logger } = options;
  const cutOff = new AbortController();
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({
      hostname,
      port,
      signal: cutOff.signal,
      onListen: () => {},
    }, (request) => app.fetch(request));
  } catch (error) {
    throw new ListenError(listenFailure(`${hostname}:${port}`, error), { cause: error });
  }
  const { addr } = server;
  const host = addr.hostname.includes(":") ? `[${addr.hostname}]` : addr.hostname;
  const address = `${host}:${addr.port}`;
  logger.log("INFO", "http", `Listening on ${address}`);
  return {
    address,
    async stop(timeoutMs) {
      const timer = setTimeout(() => cutOff.abort(), timeoutMs);
      await Promise.all([server.shutdown(), queue.close(timeoutMs)]);
      clearTimeout(timer);
    },
  };
}

function listenFailure(address: string, error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return `Cannot listen for HTTP on ${address}: the address is in use`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `Cannot listen for HTTP on ${address}: this machine has no such address`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `Cannot listen for HTTP on ${address}: permission denied`;
  }
  return `Cannot listen for HTTP on ${address}: ${error instanceof Error ? error.message : error}`;
}
