import { openCLibrary } from "../io/c_library.ts";
import { ConnectionDescriptors, type ConnectionEnds } from "./connection_descriptors.ts";
import { ConnectionTable } from "./connection_table.ts";
import { setOfListeners, tcpLevel } from "./listening_sockets.ts";

const symbols = {
  recv: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Calls = Deno.DynamicLibrary<typeof symbols>["symbols"];

/** TCP_DEFER_ACCEPT of Linux, and for how long, in s. */
const deferAccept = 9;
const deferSeconds = new Uint32Array([1]);
/** MSG_PEEK | MSG_DONTWAIT, and MSG_DONTWAIT | MSG_NOSIGNAL of Linux. */
const peeking = 0x42;
const sending = 0x4040;
/** SHUT_WR: this end sends no more. */
const noMore = 1;

/** What an HTTP request begins with, as far as it has to be looked at. */
const beginnings: ReadonlySet<string> = new Set([
  ...["GET /", "HEAD ", "POST ", "PUT /", "PATCH", "DELET", "OPTIO"],
]);
const beginningBytes = 5;

/** As Go's server answers. */
const answer = new TextEncoder().encode(
  "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n",
);

/**
 * Answers clients that speak HTTP on a port of HTTPS, to which Deno gives a TLS alert without showing
 * what they sent. The system is asked to show connections only when something has come (tcp(7),
 * TCP_DEFER_ACCEPT), and that is looked at in the moment in which a connection is accepted, before
 * Deno begins its handshake (2.9, seen). Where one of this does not hold, clients get the alert.
 */
export class PlainOnTls {
  readonly #calls: Calls;
  readonly #descriptors: ConnectionDescriptors;
  readonly #beginning = new Uint8Array(beginningBytes);

  private constructor(calls: Calls, descriptors: ConnectionDescriptors) {
    this.#calls = calls;
    this.#descriptors = descriptors;
  }

  /**
   * Undefined where it cannot be had.
   *
   * @param connections Of all threads that accept connections, where there are several.
   */
  static open(connections = new ConnectionTable()): PlainOnTls | undefined {
    if (Deno.build.os !== "linux") return undefined;
    const calls = openCLibrary(symbols);
    const descriptors = ConnectionDescriptors.open(connections);
    return calls && descriptors && new PlainOnTls(calls, descriptors);
  }

  /** To be called for each port that is listened on, and for each new listener there. */
  prepare(port: number): void {
    setOfListeners(port, { level: tcpLevel, name: deferAccept, value: deferSeconds });
  }

  /**
   * Looks at a connection that was accepted just now, and answers it when it is one without TLS:
   * "answered". Otherwise what is to be called when the connection has ended.
   */
  look(ends: ConnectionEnds): "answered" | (() => void) {
    const descriptor = this.#descriptors.find(ends);
    if (descriptor === undefined) return () => {};
    const release = () => this.#descriptors.release(descriptor);
    if (!this.#isPlain(descriptor)) return release;
    const { send, shutdown } = this.#calls;
    send(descriptor, answer, BigInt(answer.length), sending);
    shutdown(descriptor, noMore);
    release();
    return "answered";
  }

  #isPlain(descriptor: number): boolean {
    const length = BigInt(beginningBytes);
    if (this.#calls.recv(descriptor, this.#beginning, length, peeking) !== length) return false;
    return beginnings.has(String.fromCharCode(...this.#beginning));
  }
}
