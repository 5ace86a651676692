import type { Socket } from "node:net";
import type { NodeTransport } from "@nats-io/transport-node/lib/node_transport.js";

/** What of a transport makes its sockets. */
const makers = ["dial", "tlsFirst", "startTLS"] as const;

const guarded = new WeakSet<typeof NodeTransport>();

/**
 * The client of NATS takes all listeners off a socket before it destroys it. Under Deno that still
 * tells of a read that was under way: a server that refuses who asks, and resets the connection,
 * would end this program by an error that nobody listens for. So one listener stays.
 */
export function guardSockets(transport: typeof NodeTransport): void {
  if (guarded.has(transport)) return;
  guarded.add(transport);
  for (const name of makers) {
    const make: (this: NodeTransport, ...args: never[]) => Promise<unknown> =
      transport.prototype[name];
    Object.defineProperty(transport.prototype, name, {
      async value(this: NodeTransport, ...args: never[]): Promise<unknown> {
        const socket = await make.apply(this, args);
        keepListening(socket as Socket);
        return socket;
      },
    });
  }
}

function keepListening(socket: Socket): void {
  const listen = () => void socket.on("error", () => {});
  const removeAllListeners = socket.removeAllListeners.bind(socket);
  // Who names no event means every one, which is not the same as to name `undefined`.
  socket.removeAllListeners = (...events) => {
    removeAllListeners(...events);
    listen();
    return socket;
  };
  listen();
}
