import { createServer as createHttpServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import {
  createServer as createTlsServer,
  type Server as TlsServer,
  type TLSSocket,
} from "node:tls";
import type { Audit } from "../audit/types.ts";
import type { Logger } from "../io/types.ts";
import { type TlsCredentials, tlsOptions } from "../tls/credentials.ts";
import { ClientActivity } from "./client_activity.ts";
import type { ConnectionCount } from "./connection_count.ts";
import type { ConnectionTable } from "./connection_table.ts";
import {
  type ConnectionFigures,
  type ConnectionLimits,
  ConnectionWatch,
} from "./connection_watch.ts";
import { PlainOnTls } from "./plain_on_tls.ts";
import type { Listening } from "./listening.ts";
import { keepLittleUnsent } from "./little_unsent.ts";
import { type ClientHandler, type NativeServer, nativeServer } from "./native_server.ts";
import { answerNode } from "./node_exchange.ts";
import { NodeConnection } from "./node_connection.ts";

export interface NodeListenerOptions {
  readonly hostname: string;
  readonly port: number;
  /** Whether others of this program may listen there, too: each gets some of the connections. */
  readonly isShared?: boolean;
  readonly handler: ClientHandler;
  readonly limits: ConnectionLimits;
  readonly logger: Logger;
  /** Undefined for plain HTTP. */
  readonly certificates: TlsCredentials | undefined;
  /** What is asked of clients' certificates; undefined when none is asked for. */
  readonly clients: ClientCertificates | undefined;
  /** Is told of clients that are kept out for their certificates. */
  readonly audit: Pick<Audit, "record"> | undefined;
  /** Of all threads that accept connections; undefined for this one only. */
  readonly count?: ConnectionCount | undefined;
  readonly table?: ConnectionTable | undefined;
  /** Told how many this one has whenever that changes. */
  readonly sized?: ((connections: number) => void) | undefined;
}

export interface ClientCertificates {
  /** What their common name has to be; "" for any. */
  readonly commonName: string;
}

/** One client's connection: under TLS, the one below it. */
interface Accepted {
  readonly socket: Socket;
  readonly client: ClientActivity;
}

/**
 * A server of Node's: it alone asks clients for certificates, and where Deno's own cannot be given
 * connections it has to do for all of HTTP.
 */
export class NodeListener implements Listening {
  readonly #server: Server | TlsServer;
  readonly #options: NodeListenerOptions;
  readonly #watch: ConnectionWatch;
  readonly #plainOnTls: PlainOnTls | undefined;
  /** By the addresses of both ends. */
  readonly #accepted = new Map<string, Accepted>();
  /** Those that this program reads itself. */
  readonly #connections = new Set<NodeConnection>();

  private constructor(server: Server | TlsServer, options: NodeListenerOptions) {
    this.#server = server;
    this.#options = options;
    this.#watch = new ConnectionWatch(options.limits, options.count);
    this.#plainOnTls = options.certificates && PlainOnTls.open(options.table);
  }

  /** Rejects with what the system says when the address cannot be listened on. */
  static async listen(options: NodeListenerOptions): Promise<NodeListener> {
    const { hostname, port, isShared = false } = options;
    const { server, native } = serverFor(options);
    const listener = new NodeListener(server, options);
    server.on("connection", (socket: Socket) => listener.#take(socket));
    if (native !== undefined) {
      server.on("secureConnection", (socket: TLSSocket) => listener.#serve(socket, native));
    } else {
      server.on("request", (request: IncomingMessage, response) => {
        const client = listener.#accepted.get(endsOf(request.socket))?.client;
        if (client === undefined || !listener.#isWelcome(request.socket)) {
          return void request.socket.destroy();
        }
        void answerNode({ request, response, client, secure: options.certificates !== undefined });
      });
    }
    server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      const from = addressBelow(socket);
      const who = from ?? "a client";
      options.logger.log("INFO", "http", `TLS handshake with ${who} failed: ${error.message}`);
      if (options.clients !== undefined) listener.#refused(from, error.message);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: hostname, port, reusePort: isShared }, () => resolve());
    });
    server.removeAllListeners("error");
    keepLittleUnsent(listener.addr.port);
    listener.#plainOnTls?.prepare(listener.addr.port);
    server.on("error", (error) => {
      options.logger.log("ERROR", "http", `Server: ${error.message}`);
    });
    return listener;
  }

  get addr(): Deno.NetAddr {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new TypeError("Not listening");
    return { transport: "tcp", hostname: address.address, port: address.port };
  }

  get connections(): ConnectionFigures {
    return this.#watch.figures;
  }

  /** New connections get these; open ones go on with theirs. */
  use(certificates: TlsCredentials): void {
    if (!("setSecureContext" in this.#server)) return;
    this.#server.setSecureContext(serverOptions(certificates, this.#options.clients));
  }

  async shutdown(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // What is shut down must not be broken off any more.
    this.#watch.stop();
    if ("closeIdleConnections" in this.#server) this.#server.closeIdleConnections();
    for (const connection of this.#connections) void connection.shutdown();
    for (const { socket, client } of this.#accepted.values()) {
      if (client.requests === 0 && !client.isServed) socket.destroy();
    }
    await closed;
  }

  #take(socket: Socket): void {
    const { handler } = this.#options;
    const { remoteAddress = "", remotePort = 0, localPort = 0 } = socket;
    const seen = this.#plainOnTls?.look({
      remoteAddr: { hostname: remoteAddress, port: remotePort },
      localAddr: { port: localPort },
    });
    // Its handshake cannot succeed, and ends it.
    if (seen === "answered") return;
    const ends = endsOf(socket);
    const client = new ClientActivity(remoteAddress, handler);
    socket.once("close", () => seen?.());
    if (!this.#watch.add(client)) return void socket.destroy();
    this.#accepted.set(ends, { socket, client });
    this.#sized();
    client.signal.addEventListener("abort", () => socket.destroy(), { once: true });
    socket.once("close", () => {
      this.#watch.remove(client);
      // By the time that this is told the client may have called from there again.
      if (this.#accepted.get(ends)?.socket === socket) this.#accepted.delete(ends);
      this.#sized();
    });
  }

  #sized(): void {
    this.#options.sized?.(this.#accepted.size);
  }

  /** A client has shown a certificate. */
  #serve(socket: TLSSocket, native: NativeServer): void {
    const client = this.#accepted.get(endsOf(socket))?.client;
    if (client === undefined || !this.#isWelcome(socket)) return void socket.destroy();
    const connection = new NodeConnection(socket, native, client);
    this.#connections.add(connection);
    void connection.run().then(() => this.#connections.delete(connection));
  }

  /** Whether the client's certificate has the common name that is asked for, exactly. */
  #isWelcome(socket: Socket): boolean {
    const { clients, logger } = this.#options;
    if (clients === undefined) return true;
    const tls = socket as TLSSocket;
    if (!tls.authorized) {
      this.#refused(socket.remoteAddress, "its certificate is not believed");
      return false;
    }
    const { commonName } = clients;
    if (commonName === "" || tls.getPeerCertificate().subject?.CN === commonName) return true;
    logger.log(
      "INFO",
      "http",
      `Refused ${socket.remoteAddress}: its certificate's common name is not ${commonName}`,
    );
    this.#refused(socket.remoteAddress, "its certificate has another common name");
    return false;
  }

  #refused(address: string | undefined, reason: string): void {
    this.#options.audit?.record({
      what: "connection",
      outcome: "refused",
      requester: { address: address ?? "" },
      details: { port: "http", reason },
    });
  }
}

interface ServerFor {
  readonly server: Server | TlsServer;
  /** To which the server gives what it has made of connections; undefined where it reads HTTP. */
  readonly native: NativeServer | undefined;
}

function serverFor({ certificates, clients }: NodeListenerOptions): ServerFor {
  if (certificates === undefined) return { server: createHttpServer(unbounded), native: undefined };
  const native = clients && nativeServer();
  const options = serverOptions(certificates, clients);
  return native === undefined
    ? { server: createHttpsServer({ ...unbounded, ...options }), native }
    : { server: createTlsServer({ ...options, allowHalfOpen: true }), native };
}

/** Node's own limits are off: connections are watched as Deno's are, by what their clients do. */
const unbounded = { headersTimeout: 0, keepAliveTimeout: 0, requestTimeout: 0 };

/**
 * Of a connection, as no other open one has them: a client may call several addresses of this node from
 * one port.
 */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}

/**
 * Where a client is whose handshake has failed: Deno (2.9, seen) tells it no more of the TLS socket, but
 * of the one below it.
 */
function addressBelow(
  socket: (TLSSocket & { readonly _parent?: Socket }) | undefined,
): string | undefined {
  return socket?.remoteAddress ?? socket?._parent?.remoteAddress;
}

function serverOptions(credentials: TlsCredentials, clients: ClientCertificates | undefined) {
  return {
    ...tlsOptions(credentials),
    ALPNProtocols: ["http/1.1"],
    ...(clients === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
  };
}
