import { openCLibrary } from "../io/c_library.ts";
import type { ConnectionTable } from "./connection_table.ts";
import { openDescriptors } from "./open_descriptors.ts";
import { addressKey, SocketAddress } from "./socket_address.ts";

const symbols = {
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Calls = Deno.DynamicLibrary<typeof symbols>["symbols"];

/** The addresses of a connection at both of its ends. */
export interface ConnectionEnds {
  readonly remoteAddr: { readonly hostname: string; readonly port: number };
  readonly localAddr: { readonly port: number };
}

/** Descriptors that are tried for a connection, at the most: of those not known, and of others'. */
const unknownMax = 32;
const othersMax = 256;
/** How long it is not looked again which are open, in ms for each: there may be many. */
const restMsEach = 0.02;

/**
 * The descriptors of connections that were accepted, which Deno does not tell. The system gives the
 * lowest that is free, so that mostly the first one is right that is not known to be taken.
 */
export class ConnectionDescriptors {
  readonly #calls: Calls;
  readonly #address = new SocketAddress();
  /** Those of connections, which other threads may have accepted. */
  readonly #connections: ConnectionTable;
  /** What else was open when it was looked last: files, other sockets. Some may have been closed. */
  #others = new Set<number>();
  /** When it may be looked again. */
  #nextLookAt = -Infinity;

  private constructor(calls: Calls, connections: ConnectionTable) {
    this.#calls = calls;
    this.#connections = connections;
  }

  /** Undefined where it cannot be told, as on Windows. */
  static open(connections: ConnectionTable): ConnectionDescriptors | undefined {
    const calls = openCLibrary(symbols);
    return calls && new ConnectionDescriptors(calls, connections);
  }

  /** That of a connection which was accepted just now; undefined when it was not found. */
  find({ remoteAddr, localAddr }: ConnectionEnds): number | undefined {
    const client = addressKey(remoteAddr.hostname, remoteAddr.port);
    const is = (descriptor: number) =>
      this.#isOf(descriptor, { client, clientPort: remoteAddr.port, port: localAddr.port });
    const found = this.#inUnknown(is) ?? this.#inOthers(is) ?? this.#lookForAll(is);
    if (found === undefined) return undefined;
    this.#others.delete(found);
    this.#connections.add(found);
    return found;
  }

  /** A connection has ended. */
  release(descriptor: number): void {
    this.#connections.delete(descriptor);
  }

  #inUnknown(is: (descriptor: number) => boolean): number | undefined {
    let tries = 0;
    let at = this.#connections.nextOther(0);
    for (; at >= 0 && tries < unknownMax; at = this.#connections.nextOther(at + 1)) {
      if (this.#others.has(at)) continue;
      if (is(at)) return at;
      tries++;
    }
    return undefined;
  }

  #inOthers(is: (descriptor: number) => boolean): number | undefined {
    return this.#others.size > othersMax ? undefined : [...this.#others].find(is);
  }

  #lookForAll(is: (descriptor: number) => boolean): number | undefined {
    const now = performance.now();
    if (now < this.#nextLookAt) return undefined;
    const open = openDescriptors();
    this.#others = new Set(open.filter((descriptor) => !this.#connections.has(descriptor)));
    this.#nextLookAt = now + restMsEach * open.length;
    // Also what another thread has not told the end of yet.
    return open.find(is);
  }

  #isOf(descriptor: number, ends: { client: string; clientPort: number; port: number }): boolean {
    const { getpeername, getsockname } = this.#calls;
    const address = this.#address;
    if (getpeername(descriptor, address.bytes, address.length) !== 0) return false;
    if (address.port !== ends.clientPort || address.key !== ends.client) return false;
    return getsockname(descriptor, address.bytes, address.length) === 0 &&
      address.port === ends.port;
  }
}
