import { createServer as createHttpServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import type { Logger } from "../io/types.ts";
import { type TlsCredentials, tlsOptions } from "../tls/credentials.ts";
import type { ConnectionLimits } from "./connection_watch.ts";
import type { Listening } from "./listening.ts";
import type { ClientHandler } from "./native_server.ts";
import { answerNode } from "./node_exchange.ts";

export interface NodeListenerOptions {
  readonly hostname: string;
  readonly port: number;
  readonly handler: ClientHandler;
  readonly limits: ConnectionLimits;
  readonly logger: Logger;
  /** Undefined for plain HTTP. */
  readonly certificates: TlsCredentials | undefined;
  /** What is asked of clients' certificates; undefined when none is asked for. */
  readonly clients: ClientCertificates | undefined;
}

export interface ClientCertificates {
  /** What their common name has to be; "" for any. */
  readonly commonName: string;
}

/**
 * Node's HTTP server: slower than Deno's, but it alone asks clients for certificates, and it ends
 * idle connections where Deno's own cannot be told to.
 */
export class NodeListener implements Listening {
  readonly #server: Server | HttpsServer;
  readonly #options: NodeListenerOptions;
  #connections = 0;

  private constructor(server: Server | HttpsServer, options: NodeListenerOptions) {
    this.#server = server;
    this.#options = options;
  }

  /** Rejects with what the system says when the address cannot be listened on. */
  static async listen(options: NodeListenerOptions): Promise<NodeListener> {
    const { limits, handler, hostname, port } = options;
    const bounds = {
      headersTimeout: limits.headerMsMax,
      keepAliveTimeout: limits.idleMsMax,
      // A body that moves on may take its time.
      requestTimeout: 0,
      connectionsCheckingInterval: 1_000,
    };
    const server = options.certificates === undefined
      ? createHttpServer(bounds)
      : createHttpsServer({ ...bounds, ...serverOptions(options.certificates, options.clients) });
    const listener = new NodeListener(server, options);
    server.maxConnections = limits.connectionsMax;
    server.on("connection", (socket) => {
      listener.#connections++;
      socket.once("close", () => listener.#connections--);
    });
    server.on("request", (request: IncomingMessage, response) => {
      if (!listener.#isWelcome(request)) return void request.socket.destroy();
      void answerNode({ request, response, handler, secure: options.certificates !== undefined });
    });
    server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      const from = socket?.remoteAddress ?? "a client";
      options.logger.log("INFO", "http", `TLS handshake with ${from} failed: ${error.message}`);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: hostname, port }, () => resolve());
    });
    server.removeAllListeners("error");
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

  get connections(): number {
    return this.#connections;
  }

  /** New connections get these; open ones go on with theirs. */
  use(certificates: TlsCredentials): void {
    if (!("setSecureContext" in this.#server)) return;
    this.#server.setSecureContext(serverOptions(certificates, this.#options.clients));
  }

  async shutdown(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    await closed;
  }

  /** Whether the client's certificate has the common name that is asked for, exactly. */
  #isWelcome({ socket }: IncomingMessage): boolean {
    const { clients, logger } = this.#options;
    if (clients === undefined) return true;
    const tls = socket as TLSSocket;
    if (!tls.authorized) return false;
    const { commonName } = clients;
    if (commonName === "" || tls.getPeerCertificate().subject?.CN === commonName) return true;
    logger.log(
      "INFO",
      "http",
      `Refused ${socket.remoteAddress}: its certificate's common name is not ${commonName}`,
    );
    return false;
  }
}

function serverOptions(credentials: TlsCredentials, clients: ClientCertificates | undefined) {
  return {
    ...tlsOptions(credentials),
    ALPNProtocols: ["http/1.1"],
    ...(clients === undefined ? {} : { requestCert: true, rejectUnauthorized: true }),
  };
}
