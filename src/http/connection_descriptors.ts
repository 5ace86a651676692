import { openCLibrary } from "../io/c_library.ts";
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
  /** Those of connections. */
  readonly #own = new Set<number>();
  /** What else was open when it was looked last: files, other sockets. Some may have been closed. */
  #others = new Set<number>();
  /** When it may be looked again. */
  #nextLookAt = -Infinity;
  /** All below this are known. */
  #from = 0;

  private constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** Undefined where it cannot be told, as on Windows. */
  static open(): ConnectionDescriptors | undefined {
    const calls = openCLibrary(symbols);
    return calls && new ConnectionDescriptors(calls);
  }

  /** That of a connection which was accepted just now; undefined when it was not found. */
  find({ remoteAddr, localAddr }: ConnectionEnds): number | undefined {
    const client = addressKey(remoteAddr.hostname, remoteAddr.port);
    const is = (descriptor: number) =>
      this.#isOf(descriptor, { client, clientPort: remoteAddr.port, port: localAddr.port });
    const found = this.#inUnknown(is) ?? this.#inOthers(is) ?? this.#lookForAll(is);
    if (found === undefined) return undefined;
    this.#others.delete(found);
    this.#own.add(found);
    return found;
  }

  /** A connection has ended. */
  release(descriptor: number): void {
    this.#own.delete(descriptor);
    this.#from = Math.min(this.#from, descriptor);
  }

  #isKnown(descriptor: number): boolean {
    return this.#own.has(descriptor) || this.#others.has(descriptor);
  }

  #inUnknown(is: (descriptor: number) => boolean): number | undefined {
    while (this.#isKnown(this.#from)) this.#from++;
    let tries = 0;
    for (let descriptor = this.#from; tries < unknownMax; descriptor++) {
      if (this.#isKnown(descriptor)) continue;
      if (is(descriptor)) return descriptor;
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
    this.#from = 0;
    this.#others = new Set(openDescriptors()).difference(this.#own);
    this.#nextLookAt = now + restMsEach * (this.#others.size + this.#own.size);
    return [...this.#others].find(is);
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
