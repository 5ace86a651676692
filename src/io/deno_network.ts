import { messageOf } from "../base/message_of.ts";
import { formatAddress, parseAddress } from "./address.ts";
import type { Connection, Listener, Network } from "./types.ts";

/** The address as Deno takes it; throws an AddressError when it is none. */
function tcpAddress(address: string): { hostname: string; port: number } {
  const { host, port } = parseAddress(address);
  return { hostname: host || "0.0.0.0", port };
}

function textOf({ hostname, port }: Deno.NetAddr): string {
  return formatAddress({ host: hostname, port });
}

function networkError(action: string, address: string, error: unknown): Error {
  const reason = error instanceof Deno.errors.AddrInUse
    ? "the port is in use by another program"
    : error instanceof Deno.errors.AddrNotAvailable
    ? "this machine has no such address"
    : messageOf(error);
  return new Error(`Cannot ${action} ${address}: ${reason}`, { cause: error });
}

class DenoConnection implements Connection {
  readonly remoteAddress: string;
  #socket: Deno.TcpConn;

  constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
    this.remoteAddress = textOf(socket.remoteAddr);
    try {
      socket.setNoDelay(true);
      socket.setKeepAlive(true);
    } catch {
      // The other side has gone already: the first read will say so.
    }
  }

  read(into: Uint8Array): Promise<number | null> {
    return this.#socket.read(into);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#socket.write(sent === 0 ? bytes : bytes.subarray(sent));
    }
  }

  close(): void {
    try {
      this.#socket.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

class DenoListener implements Listener {
  readonly address: string;
  #listener: Deno.TcpListener;
  #closed = false;

  constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
    this.address = textOf(listener.addr);
  }

  /** The next connection, or null once closed. */
  async accept(): Promise<Connection | null> {
    try {
      return new DenoConnection(await this.#listener.accept());
    } catch (error) {
      if (this.#closed) return null;
      throw networkError("accept a connection on", this.address, error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
  }
}

/** TCP of the operating system, without delay for small writes and with keepalive. */
export class DenoNetwork implements Network {
  // deno-lint-ignore require-await -- errors become rejections
  async listen(address: string): Promise<Listener> {
    const { hostname, port } = tcpAddress(address);
    try {
      return new DenoListener(Deno.listen({ hostname, port }));
    } catch (error) {
      throw networkError("listen on", address, error);
    }
  }

  /** Gives up after `timeoutMs`; a connection that comes later is closed. */
  async connect(address: string, timeoutMs: number): Promise<Connection> {
    const { hostname, port } = tcpAddress(address);
    const connecting = Deno.connect({ hostname, port });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), timeoutMs);
    });
    try {
      const socket = await Promise.race([connecting, late]);
      if (socket !== undefined) return new DenoConnection(socket);
    } catch (error) {
      throw networkError("connect to", address, error);
    } finally {
      clearTimeout(timer);
    }
    connecting.then((socket) => socket.close(), () => {});
    throw new Error(`Cannot connect to ${address}: no answer within ${timeoutMs} ms`);
  }
}
