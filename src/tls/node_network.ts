import { createServer, isIP, type Server, Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type TLSSocket } from "node:tls";
import { messageOf } from "../base/message_of.ts";
import { formatAddress, parseAddress } from "../io/address.ts";
import { DenoNetwork } from "../io/deno_network.ts";
import { type Connection, type Listener, type Network, PeerRefusal } from "../io/types.ts";
import { type TlsCredentials, tlsOptions } from "./credentials.ts";
import { IncomingConnection } from "./incoming_connection.ts";
import type { NodeTrust } from "./node_trust.ts";
import { SocketConnection } from "./socket_connection.ts";

/** Connections that came and were not accepted yet; what comes beyond is closed. */
const waitingMax = 256;

export interface NodeNetworkOptions {
  /** What is in force now: each connection asks anew, those that are open keep theirs. */
  readonly credentials: () => TlsCredentials;
  readonly trust: NodeTrust;
}

/** TLS 1.2 and 1.3 between nodes, over the same port and with the same frames as without. */
export class NodeTlsNetwork implements Network {
  readonly #options: NodeNetworkOptions;
  readonly #plain = new DenoNetwork();

  constructor(options: NodeNetworkOptions) {
    this.#options = options;
  }

  async listen(address: string): Promise<Listener> {
    const { host, port } = parseAddress(address);
    const listener = new TlsListener(this.#options);
    try {
      await listener.open(host || "0.0.0.0", port);
      return listener;
    } catch (error) {
      throw new Error(`Cannot listen on ${address}: ${reasonOf(error)}`, { cause: error });
    }
  }

  /**
   * Gives up after `timeoutMs`. Throws a PeerRefusal when there is a node that must not be talked
   * with: it shows a certificate that is not believed, or speaks without TLS.
   */
  async connect(address: string, timeoutMs: number): Promise<Connection> {
    const began = performance.now();
    try {
      return new SocketConnection(await this.#secured(address, timeoutMs), address);
    } catch (error) {
      if (!(error instanceof NoTlsError)) throw error;
      if (!this.#options.trust.acceptPlain) throw error.reason;
      const left = timeoutMs - (performance.now() - began);
      return await this.#plain.connect(address, Math.max(1, left));
    }
  }

  #secured(address: string, timeoutMs: number): Promise<TLSSocket> {
    const { host, port } = parseAddress(address);
    const { trust } = this.#options;
    const name = trust.serverName ?? (host || "127.0.0.1");
    const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
    const socket = connectTls({
      host: host || "127.0.0.1",
      port,
      ...tlsOptions(this.#options.credentials()),
      ...(isIP(name) === 0 ? { servername: name } : {}),
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      rejectUnauthorized: trust.verifyServer,
    });
    const timer = setTimeout(() => {
      reject(new Error(`Cannot connect to ${address}: no answer within ${timeoutMs} ms`));
      socket.destroy();
    }, timeoutMs);
    socket.once("secureConnect", () => {
      if (trust.verifyServer && !socket.authorized) {
        reject(new PeerRefusal(`Its certificate is not believed: ${socket.authorizationError}`));
        socket.destroy();
        return;
      }
      socket.setNoDelay(true);
      socket.setKeepAlive(true);
      resolve(socket);
    });
    socket.on("error", (error: Error) => reject(connectError(address, error)));
    socket.once("close", () => reject(brokeOff(address)));
    return promise.finally(() => clearTimeout(timer));
  }
}

/** There seems to be no TLS at the other end. */
class NoTlsError extends Error {
  override name = "NoTlsError";

  /** `reason` is what it means where nothing but TLS will do. */
  constructor(readonly reason: Error) {
    super(reason.message);
  }
}

/** It answered, and not by TLS. */
function answeredPlain(): NoTlsError {
  return new NoTlsError(
    new PeerRefusal(
      "It does not speak TLS, this node speaks only TLS between nodes (-node-cert or -node-auto-tls): " +
        "give that node the same, or this one -node-accept-plain while a cluster goes over",
    ),
  );
}

/** It closed the connection: it is ending, or a raftlite from before there was TLS. */
function brokeOff(address: string): NoTlsError {
  const why = "it closed the connection in the TLS handshake";
  return new NoTlsError(new Error(`Cannot connect to ${address}: ${why}`));
}

function connectError(address: string, error: Error): Error {
  const code = codeOf(error);
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || error.message.includes("InvalidContentType")) {
    return answeredPlain();
  }
  if (error.message.includes("before secure TLS connection")) {
    return brokeOff(address);
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return new PeerRefusal(
      `Its certificate is not for the name it was called by: ${error.message}; ` +
        "a certificate needs the host of -raft-adv-addr in subjectAltName, or all nodes -node-verify-server-name",
    );
  }
  if (/CERT|ISSUER|LEAF|SELF_SIGNED/.test(code)) {
    return new PeerRefusal(
      `Its certificate is not believed: ${error.message}; see -node-ca-cert (or the secret of -node-auto-tls) on both nodes`,
    );
  }
  if (code.startsWith("ERR_SSL")) return new PeerRefusal(`TLS handshake failed: ${error.message}`);
  return new Error(`Cannot connect to ${address}: ${reasonOf(error)}`, { cause: error });
}

class TlsListener implements Listener {
  readonly #options: NodeNetworkOptions;
  readonly #server: Server;
  readonly #waiting: Connection[] = [];
  readonly #acceptors: ((connection: Connection | null) => void)[] = [];
  #address = "";
  #closed = false;

  constructor(options: NodeNetworkOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#take(socket));
  }

  get address(): string {
    return this.#address;
  }

  async open(host: string, port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen(port, host, resolve);
    await promise;
    this.#server.off("error", reject);
    this.#server.on("error", () => {
      // A connection that could not be taken, for want of descriptors: its caller tries again.
    });
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") throw new Error("It has no address");
    this.#address = formatAddress({ host: bound.address, port: bound.port });
  }

  accept(): Promise<Connection | null> {
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) return Promise.resolve(waiting);
    if (this.#closed) return Promise.resolve(null);
    return new Promise((resolve) => this.#acceptors.push(resolve));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#server.close();
    for (const connection of this.#waiting.splice(0)) connection.close();
    for (const resolve of this.#acceptors.splice(0)) resolve(null);
  }

  #take(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    if (this.#closed || remoteAddress === undefined || this.#waiting.length >= waitingMax) {
      socket.destroy();
      return;
    }
    const connection = new IncomingConnection(
      socket,
      formatAddress({ host: remoteAddress, port: remotePort ?? 0 }),
      { credentials: this.#options.credentials(), trust: this.#options.trust },
    );
    const resolve = this.#acceptors.shift();
    if (resolve === undefined) this.#waiting.push(connection);
    else resolve(connection);
  }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

function reasonOf(error: unknown): string {
  const code = codeOf(error);
  if (code === "EADDRINUSE") return "the port is in use by another program";
  if (code === "EADDRNOTAVAIL") return "this machine has no such address";
  return messageOf(error);
}
