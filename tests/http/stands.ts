import assert from "node:assert/strict";
import { createServer } from "node:net";
import { ClientActivity } from "../../src/http/client_activity.ts";
import { Front } from "../../src/http/front.ts";
import {
  type Handler,
  type NativeServer,
  nativeServer,
  refusesUpgradeWithBody,
} from "../../src/http/native_server.ts";
import { NodeConnection } from "../../src/http/node_connection.ts";

const limits = { headerMsMax: 0, idleMsMax: 0, bodyMsMax: 60_000, connectionsMax: 1_000 };

// Where Deno's server takes all that it should, nothing stands before it.
export const native = refusesUpgradeWithBody ? nativeServer() : undefined;

/** Something that stands before Deno's server, and listens. */
export interface Standing {
  /** `host:port`. */
  readonly address: string;
  shutdown(): Promise<void>;
}

export type Stand = (native: NativeServer, handler: Handler) => Promise<Standing>;

export function frontOf(native: NativeServer, handler: Handler): Promise<Standing> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const front = new Front(listener, { native, handler, limits });
  const { port } = front.addr;
  return Promise.resolve({ address: `127.0.0.1:${port}`, shutdown: () => front.shutdown() });
}

/** The same for sockets of Node's, as NodeListener has them of clients with certificates. */
export async function socketsOf(native: NativeServer, handler: Handler): Promise<Standing> {
  const open = new Set<NodeConnection>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const connection = new NodeConnection(socket, native, new ClientActivity("", handler));
    open.add(connection);
    void connection.run().then(() => open.delete(connection));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    address: `127.0.0.1:${address.port}`,
    async shutdown() {
      const closed = new Promise((resolve) => server.close(resolve));
      await Promise.all(Array.from(open, (connection) => connection.shutdown()));
      await closed;
    },
  };
}
