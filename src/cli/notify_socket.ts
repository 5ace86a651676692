import { openCLibrary } from "../io/c_library.ts";

const symbols = {
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // In a thread of its own: it waits while the receiver's queue is full.
  sendto: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
    result: "isize",
    nonblocking: true,
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** Of Linux: AF_UNIX, SOCK_DGRAM with SOCK_CLOEXEC, CLOCK_MONOTONIC, MSG_NOSIGNAL. */
const unix = 1;
const datagramCloseOnExec = 0o2000002;
const monotonic = 1;
const noSignal = 0x4000;

/** What sun_path of a sockaddr_un holds, in bytes. */
const pathBytesMax = 108;

/** More messages than that wait for a receiver only when it takes none any more. */
const waitingMax = 32;

type Calls = Deno.DynamicLibrary<typeof symbols>["symbols"];

let opened: Calls | undefined;

/** Why messages do not get to whoever asked for them. */
export class NotifyError extends Error {
  override name = "NotifyError";
}

/**
 * The datagram socket of sd_notify(3), by the system's own calls: Deno sends such datagrams only from
 * a socket with a name, and 2.4 to no abstract one.
 *
 * https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
 */
export class NotifySocket {
  readonly #calls: Calls;
  readonly #descriptor: number;
  readonly #address: Uint8Array<ArrayBuffer>;
  readonly #name: string;
  #waiting = 0;
  #sent: Promise<void> = Promise.resolve();

  private constructor(
    calls: Calls,
    descriptor: number,
    name: string,
  ) {
    this.#calls = calls;
    this.#descriptor = descriptor;
    this.#address = socketAddress(name);
    this.#name = name;
  }

  /** @param name As in NOTIFY_SOCKET: a path, or `@` and an abstract name. Throws a NotifyError. */
  static open(name: string): NotifySocket {
    const bytes = new TextEncoder().encode(name).length;
    if (!/^[/@]./.test(name) || bytes >= pathBytesMax) {
      throw new NotifyError(`NOTIFY_SOCKET=${name} is neither a path nor an abstract name`);
    }
    if (Deno.build.os === "linux") opened ??= openCLibrary(symbols);
    const descriptor = opened?.socket(unix, datagramCloseOnExec, 0) ?? -1;
    if (opened === undefined || descriptor < 0) {
      throw new NotifyError("No datagram socket can be had from the system's C library");
    }
    return new NotifySocket(opened, descriptor, name);
  }

  /** Sends in the order called; rejects with a NotifyError for what nobody has taken. */
  async send(message: string): Promise<void> {
    if (this.#waiting >= waitingMax) {
      throw new NotifyError(`${waitingMax} messages wait at ${this.#name}, which takes none`);
    }
    this.#waiting++;
    const before = this.#sent;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#sent = promise;
    try {
      await before;
      const bytes = new TextEncoder().encode(message);
      const sent = await this.#calls.sendto(
        ...[this.#descriptor, bytes, BigInt(bytes.length), noSignal] as const,
        ...[this.#address, this.#address.length] as const,
      );
      if (Number(sent) !== bytes.length) {
        throw new NotifyError(`Nobody takes messages at ${this.#name}`);
      }
    } finally {
      this.#waiting--;
      resolve();
    }
  }

  /** Resolves once all that was handed over is sent, or cannot be. */
  idle(): Promise<void> {
    return this.#sent;
  }

  /** The machine's CLOCK_MONOTONIC, in microseconds. */
  monotonicMicroseconds(): bigint {
    const time = new BigInt64Array(2);
    this.#calls.clock_gettime(monotonic, time);
    const [seconds = 0n, nanoseconds = 0n] = time;
    return seconds * 1_000_000n + nanoseconds / 1_000n;
  }
}

/** A sockaddr_un: the family, then a path with a zero behind it, or an abstract name with one before. */
function socketAddress(name: string): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(name.startsWith("@") ? `\0${name.slice(1)}` : `${name}\0`);
  const address = new Uint8Array(2 + text.length);
  new Uint16Array(address.buffer, 0, 1)[0] = unix;
  address.set(text, 2);
  return address;
}
