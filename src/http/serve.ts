import type { Audit } from "../audit/types.ts";
import { formatAddress } from "../io/address.ts";
import type { WriteQueue } from "../cluster/write_queue.ts";
import type { Hono } from "hono";
import { messageOf } from "../base/message_of.ts";
import type { Logger } from "../io/types.ts";
import type { ConnectionFigures, ConnectionLimits } from "./connection_watch.ts";
import { type HttpsOptions, listen } from "./listen.ts";
import type { Listening } from "./listening.ts";
import type { ClientHandler } from "./native_server.ts";
import type { HttpThreads } from "./threads/http_threads.ts";
import type { HandedWriteHandler } from "./threads/write_taker.ts";

export interface ServeOptions {
  readonly app: Hono;
  readonly queue: WriteQueue;
  readonly logger: Logger;
  readonly hostname: string;
  /** 0 for any that is free. */
  readonly port: number;
  readonly connections: ConnectionLimits;
  /** Undefined for plain HTTP. */
  readonly https?: HttpsOptions | undefined;
  /** That serve beside this one; undefined: none do. */
  readonly beside?: {
    readonly threads: HttpThreads;
    /** Carries out the writes that these have read. */
    readonly writes: HandedWriteHandler;
  } | undefined;
  /** Undefined: nobody wants to know who is kept out. */
  readonly audit?: Audit | undefined;
}

export interface HttpServer {
  /** `host:port` that it listens on. */
  readonly address: string;
  readonly connections: ConnectionFigures;
  /**
   * Takes no more requests, lets those under way end and writes what is queued. Resolves after
   * `timeoutMs` at the latest; what has not ended then ends with the process. (Deno 2.4 also counts
   * connections that clients keep open without a request.)
   */
  stop(timeoutMs: number): Promise<void>;
}

/** Thrown when the address cannot be listened on; the message names it. */
export class ListenError extends Error {
  override name = "ListenError";
}

/** Throws a ListenError when the address cannot be listened on now. */
export function checkListen({ hostname, port }: { hostname: string; port: number }): void {
  try {
    Deno.listen({ hostname, port }).close();
  } catch (error) {
    throw listenError({ hostname, port }, error);
  }
}

/** Serves the API. Rejects with a ListenError. */
export async function serve(options: ServeOptions): Promise<HttpServer> {
  const { app, hostname, port, queue, logger, https, audit, beside } = options;
  const handler: ClientHandler = (request, client) => app.fetch(request, client);
  let server: Listening;
  try {
    server = await listen({
      hostname,
      port,
      handler,
      beside: beside?.threads,
      limits: options.connections,
      logger,
      https,
      audit,
    });
  } catch (error) {
    throw listenError({ hostname, port }, error);
  }
  const { addr } = server;
  const address = formatAddress({ host: addr.hostname, port: addr.port });
  if (beside !== undefined) {
    const { threads, writes } = beside;
    threads.begin({
      hostname: addr.hostname,
      port: addr.port,
      shown: () => https?.certificates.current,
      clients: https?.clients,
      handler,
      writes,
    });
  }
  logger.log("INFO", "http", `Listening on ${https === undefined ? "" : "https://"}${address}`);
  return {
    address,
    get connections() {
      return server.connections;
    },
    async stop(timeoutMs) {
      // No abort of the server after this: in Deno up to 2.9 at least that is an uncaught error.
      const late = Promise.withResolvers<void>();
      const timer = setTimeout(late.resolve, timeoutMs);
      const ended = Promise.all([server.shutdown(), beside?.threads.shutdown()]);
      await Promise.all([Promise.race([ended, late.promise]), queue.close(timeoutMs)]);
      clearTimeout(timer);
      beside?.threads.terminate();
    },
  };
}

function listenError(at: { hostname: string; port: number }, error: unknown): ListenError {
  const address = formatAddress({ host: at.hostname, port: at.port });
  return new ListenError(listenFailure(address, error), { cause: error });
}

function listenFailure(address: string, error: unknown): string {
  if (error instanceof Deno.errors.AddrInUse) {
    return `Cannot listen for HTTP on ${address}: the address is in use; choose another by -http-addr`;
  }
  if (error instanceof Deno.errors.AddrNotAvailable) {
    return `Cannot listen for HTTP on ${address}: this machine has no such address; choose another by -http-addr`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return `Cannot listen for HTTP on ${address}: permission denied`;
  }
  return `Cannot listen for HTTP on ${address}: ${messageOf(error)}`;
}
