import { openCLibrary } from "../io/c_library.ts";
import { openDescriptors } from "./open_descriptors.ts";
import { addressKey, SocketAddress } from "./socket_address.ts";

const symbols = {
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** SHUT_RDWR: neither end sends any more. */
const bothWays = 2;

type Calls = Deno.DynamicLibrary<typeof symbols>["symbols"];

let calls: Calls | undefined;
/**
 * What is to be shut down in the next turn of the event loop: by where the client is, the ports here
 * that it has called. It may have called others from there at the same time.
 */
let waiting = new Map<string, Set<number>>();

/** The ends of a connection. */
interface Ends {
  readonly remoteAddr: Pick<Deno.NetAddr, "hostname" | "port">;
  readonly localAddr: Pick<Deno.NetAddr, "port">;
}

/**
 * Shuts a client's connection down by the system's own call. Deno lets go of a connection in the
 * middle of its TLS handshake only when the client goes (2.4 to 2.9, `Deno.serve` too), so that
 * silent clients would use up all descriptors. Does nothing where the C library cannot be had.
 */
export function shutDownSocket({ remoteAddr: { hostname, port }, localAddr }: Ends): void {
  // All at once: to look through the descriptors for each would take the thread too long.
  if (waiting.size === 0) setTimeout(shutDownAll, 0);
  const client = addressKey(hostname, port);
  waiting.set(client, (waiting.get(client) ?? new Set()).add(localAddr.port));
}

function shutDownAll(): void {
  const clients = waiting;
  waiting = new Map();
  calls ??= openCLibrary(symbols);
  if (calls === undefined) return;
  const { getpeername, getsockname, shutdown } = calls;
  const address = new SocketAddress();
  for (const descriptor of openDescriptors()) {
    if (getpeername(descriptor, address.bytes, address.length) !== 0) continue;
    const ports = clients.get(address.key);
    if (ports === undefined) continue;
    if (getsockname(descriptor, address.bytes, address.length) !== 0) continue;
    if (ports.has(address.port)) shutdown(descriptor, bothWays);
  }
}
