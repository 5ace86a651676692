import type { Socket } from "node:net";
import { connect, type SecureContextOptions, type TLSSocket } from "node:tls";
import type { NodeTransport } from "@nats-io/transport-node/lib/node_transport.js";

const guarded = new WeakSet<typeof NodeTransport>();

/**
 * The client of NATS takes all listeners off a socket before it uses or destroys it. A server that
 * refuses who asks, and resets the connection or sends an alert of TLS, would end this program by an
 * error that nobody listens for. So such an error is told to nobody.
 */
export function guardSockets(transport: typeof NodeTransport): void {
  if (guarded.has(transport)) return;
  guarded.add(transport);
  const { dial } = transport.prototype;
  Object.assign(transport.prototype, {
    async dial(this: NodeTransport, ...args: Parameters<typeof dial>): Promise<Socket> {
      const socket = await dial.apply(this, args);
      guard(socket);
      return socket;
    },
    startTLS,
  });
}

/** As the client's own, which hands its socket out too late: an alert may come with the handshake's end. */
async function startTLS(this: NodeTransport): Promise<TLSSocket> {
  const isTold = typeof this.options.tls === "object";
  const given = (isTold ? await this.loadClientCerts() : undefined) as SecureContextOptions;
  return await new Promise((resolve, reject) => {
    const socket = connect({
      ...{ rejectUnauthorized: true, servername: this.tlsName, socket: this.socket },
      ...given,
    });
    guard(socket);
    socket.once("secureConnect", () => {
      if (socket.authorized) resolve(socket);
      else socket.destroy(socket.authorizationError);
    });
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the server has closed the connection")));
  });
}

/**
 * Nobody has to listen for errors, and each is the first: that says why, as an alert of TLS does, and
 * those behind it only that nothing can be written any more.
 */
function guard(socket: Socket): void {
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...args: unknown[]) => boolean;
  let first: unknown;
  Object.assign(socket, {
    emit(event: string | symbol, ...args: unknown[]): boolean {
      if (event !== "error") return emit(event, ...args);
      first ??= args[0];
      return socket.listenerCount("error") > 0 && emit("error", first);
    },
  });
}
