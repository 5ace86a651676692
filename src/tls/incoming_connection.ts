import { X509Certificate } from "node:crypto";
import { Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { type Connection, PeerRefusal } from "../io/types.ts";
import { type TlsCredentials, tlsOptions } from "./credentials.ts";
import { subjectOf } from "./key_pair.ts";
import type { NodeTrust } from "./node_trust.ts";
import { SocketConnection } from "./socket_connection.ts";

/** The first byte of every TLS connection: a record of its handshake. */
const tlsRecord = 0x16;
/** The first byte of a connection between nodes without TLS (transport/README.md). */
const plainPreamble = "r".charCodeAt(0);

/**
 * A connection that somebody made, from before it is known what it speaks: reads and writes wait
 * for the handshake. A read fails with a PeerRefusal when the other end is not to be talked with; a
 * write after that still reaches it, to tell it so.
 */
export class IncomingConnection implements Connection {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  readonly #credentials: TlsCredentials;
  readonly #trust: NodeTrust;
  readonly #opened: Promise<Connection>;
  /** What writes go over, also to who was refused. */
  #through: SocketConnection | undefined;
  #accepted: SocketConnection | undefined;
  #closed = false;

  constructor(
    socket: Socket,
    remoteAddress: string,
    { credentials, trust }: { readonly credentials: TlsCredentials; readonly trust: NodeTrust },
  ) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    this.#credentials = credentials;
    this.#trust = trust;
    socket.on("error", () => {
      // Whoever reads is told; nobody may be reading yet.
    });
    this.#opened = this.#open();
    this.#opened.catch(() => {});
  }

  async read(into: Uint8Array): Promise<number | null> {
    return await (this.#accepted ?? await this.#opened).read(into);
  }

  async write(bytes: Uint8Array): Promise<void> {
    await (this.#through ?? await this.#opened).write(bytes);
  }

  close(): void {
    this.#closed = true;
    if (this.#through === undefined) this.#socket.destroy();
    else this.#through.close();
  }

  async #open(): Promise<Connection> {
    const first = await firstByte(this.#socket);
    if (first === tlsRecord) {
      const secured = await this.#secure();
      this.#through = new SocketConnection(secured, this.remoteAddress);
      this.#checkClient(secured);
    } else if (this.#trust.acceptPlain) {
      this.#through = new SocketConnection(this.#socket, this.remoteAddress);
    } else if (first === plainPreamble) {
      this.#through = new SocketConnection(this.#socket, this.remoteAddress);
      throw new PeerRefusal(
        `Node at ${this.remoteAddress} speaks without TLS, the one that it called takes only TLS between nodes: ` +
          "give the first -node-cert and -node-key (or -node-auto-tls) too, or the second -node-accept-plain while a cluster goes over",
      );
    } else {
      throw new PeerRefusal("It speaks neither TLS nor the protocol of raftlite's nodes");
    }
    if (this.#closed) this.#through.close();
    this.#accepted = this.#through;
    return this.#through;
  }

  /**
   * The handshake as a server that does not listen: the socket has been looked into already, and
   * each connection gets the certificate that is in force when it comes.
   */
  #secure(): Promise<TLSSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
    const server = createServer({
      ...tlsOptions(this.#credentials),
      requestCert: this.#trust.verifyClient,
      // Refused below, with words that the other end gets to read.
      rejectUnauthorized: false,
    }, resolve);
    server.on("tlsClientError", (error: Error) => {
      reject(new PeerRefusal(`TLS handshake failed: ${error.message}`));
    });
    this.#socket.once(
      "close",
      () => reject(new Error("The connection ended in the TLS handshake")),
    );
    server.emit("connection", this.#socket);
    return promise;
  }

  #checkClient(secured: TLSSocket): void {
    const { verifyClient, clientCommonName } = this.#trust;
    if (!verifyClient) return;
    const raw: Uint8Array | undefined = secured.getPeerCertificate(true)?.raw;
    if (raw === undefined) {
      throw new PeerRefusal(
        "It showed no certificate, which the node that it called asks for: give it -node-cert and -node-key",
      );
    }
    const certificate = new X509Certificate(raw);
    if (!secured.authorized) throw new PeerRefusal(whyUnauthorized(certificate));
    if (clientCommonName === undefined) return;
    const names = commonNames(certificate);
    if (names.length !== 1 || names[0] !== clientCommonName) {
      throw new PeerRefusal(
        `Its certificate (${
          subjectOf(certificate)
        }) is not for the common name ${clientCommonName} of -node-verify-common-name`,
      );
    }
  }
}

/** Looks at the first byte and leaves it where it was. */
function firstByte(socket: Socket): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const ended = () => reject(new Error("The connection ended before its first byte"));
  const look = () => {
    const chunk: Uint8Array | null = socket.read();
    const first = chunk?.[0];
    if (chunk === null || first === undefined) return;
    socket.off("readable", look);
    socket.off("end", ended);
    socket.off("close", ended);
    socket.unshift(chunk);
    resolve(first);
  };
  socket.on("readable", look);
  socket.once("end", ended);
  socket.once("close", ended);
  return promise;
}

function whyUnauthorized(certificate: X509Certificate): string {
  const now = Date.now();
  const name = subjectOf(certificate);
  if (Date.parse(certificate.validTo) < now) {
    return `Its certificate (${name}) ended on ${certificate.validTo}`;
  }
  if (Date.parse(certificate.validFrom) > now) {
    return `Its certificate (${name}) begins only on ${certificate.validFrom}`;
  }
  // Deno does not tell which of the two it is: its X509Certificate has no keyUsage.
  return `Its certificate (${name}) is of no authority that the node it called knows (see -node-ca-cert there, or the secret of -node-auto-tls), ` +
    "or not for clients (extendedKeyUsage needs clientAuth beside serverAuth)";
}

function commonNames(certificate: X509Certificate): string[] {
  return (certificate.subject ?? "").split("\n")
    .filter((part) => part.startsWith("CN="))
    .map((part) => part.slice("CN=".length));
}
