import { addressBytes, openCLibrary, openDescriptors } from "./c_library.ts";

const symbols = {
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** SHUT_RDWR: neither end sends any more. */
const bothWays = 2;
const inet = 2;

type Calls = Deno.DynamicLibrary<typeof symbols>["symbols"];

let calls: Calls | undefined;
/** The clients whose connections are to be shut down in the next turn of the event loop. */
let waiting = new Set<string>();

/**
 * Shuts a client's connection down by the system's own call. Deno lets go of a connection in the
 * middle of its TLS handshake only when the client goes (2.4 to 2.9, `Deno.serve` too), so that
 * silent clients would use up all descriptors. Does nothing where the C library cannot be had.
 */
export function shutDownSocket({ hostname, port }: Deno.NetAddr): void {
  // All at once: to look through the descriptors for each would take the thread too long.
  if (waiting.size === 0) setTimeout(shutDownAll, 0);
  waiting.add(keyOf(hostname, port));
}

function shutDownAll(): void {
  const clients = waiting;
  waiting = new Set();
  calls ??= openCLibrary(symbols);
  if (calls === undefined) return;
  const { getpeername, shutdown } = calls;
  const address = new Uint8Array(addressBytes);
  const length = new Uint32Array(1);
  for (const descriptor of openDescriptors()) {
    length[0] = addressBytes;
    if (getpeername(descriptor, address, length) !== 0) continue;
    if (clients.has(peerOf(address))) shutdown(descriptor, bothWays);
  }
}

/** The client of a sockaddr, IPv4 or IPv6; "" for none. */
function peerOf(bytes: Uint8Array): string {
  const [first = 0, second = 0, high = 0, low = 0] = bytes;
  const family = Deno.build.os === "darwin" ? second : first;
  const port = high * 256 + low;
  if (family === inet) return keyOf(bytes.subarray(4, 8).join("."), port);
  if (port === 0) return "";
  const groups = Array.from({ length: 8 }, (_, index) => {
    const [left = 0, right = 0] = bytes.subarray(8 + 2 * index, 10 + 2 * index);
    return (left * 256 + right).toString(16);
  });
  return keyOf(groups.join(":"), port);
}

/** The same text for the same client, however its address is written. */
function keyOf(host: string, port: number): string {
  return host.includes(":")
    ? `${URL.parse(`http://[${host}]`)?.hostname} ${port}`
    : `${host} ${port}`;
}
