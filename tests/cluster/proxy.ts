/** From the caller to the node, or back. */
export type Way = "there" | "back";

/**
 * A TCP proxy in front of one node's Raft port: what a test cuts, delays or resets to play the
 * network between processes. It tells the callers apart by the node id in their first bytes.
 */
export class Proxy {
  readonly #listener: Deno.TcpListener;
  readonly #target: () => number;
  readonly #pairs = new Set<{ caller: string; incoming: Deno.TcpConn; outgoing: Deno.TcpConn }>();
  readonly #callers: readonly string[];
  #blocked: (caller: string) => boolean = () => false;
  #held: (caller: string, way: Way) => boolean = () => false;
  #slowMs = 0;
  /** Resolved when something is held no more. */
  #released = Promise.withResolvers<void>();

  /** `callers`: the ids by which nodes introduce themselves; none may be part of another. */
  constructor(target: () => number, callers: readonly string[]) {
    this.#target = target;
    this.#callers = callers;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** From now on no caller for whom `blocked` is true gets through; those that had are cut. */
  block(blocked: (caller: string) => boolean): void {
    this.#blocked = blocked;
    this.reset(blocked);
  }

  /** Cuts the connections of these callers with a reset; they may come again. */
  reset(which: (caller: string) => boolean): void {
    for (const pair of [...this.#pairs]) {
      if (which(pair.caller)) this.#close(pair);
    }
  }

  /** What these callers send, or are sent, waits on its way until it is held no more; nobody is told. */
  hold(held: (caller: string, way: Way) => boolean): void {
    this.#held = held;
    this.#released.resolve();
    this.#released = Promise.withResolvers();
  }

  /** Everything takes that much longer. */
  slowDown(ms: number): void {
    this.#slowMs = ms;
  }

  async #accept(): Promise<void> {
    for await (const incoming of this.#listener) this.#serve(incoming).catch(() => {});
  }

  async #serve(incoming: Deno.TcpConn): Promise<void> {
    const first = new Uint8Array(65536);
    const read = await incoming.read(first).catch(() => null);
    const text = new TextDecoder("latin1").decode(first.subarray(0, read ?? 0));
    const caller = this.#callers.find((id) => text.includes(id)) ?? "";
    if (read === null || this.#blocked(caller)) {
      incoming.close();
      return;
    }
    let outgoing: Deno.TcpConn;
    try {
      outgoing = await Deno.connect({ hostname: "127.0.0.1", port: this.#target() });
    } catch {
      incoming.close();
      return;
    }
    const pair = { caller, incoming, outgoing };
    this.#pairs.add(pair);
    try {
      await writeAll(outgoing, first.subarray(0, read));
      await Promise.race([
        this.#pump(incoming, outgoing, caller, "there"),
        this.#pump(outgoing, incoming, caller, "back"),
      ]);
    } catch {
      // Either end is gone: the other learns it by the close below.
    } finally {
      this.#close(pair);
    }
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn, caller: string, way: Way): Promise<void> {
    const buffer = new Uint8Array(65536);
    for (;;) {
      const read = await from.read(buffer);
      if (read === null) return;
      if (this.#slowMs > 0) await new Promise((resolve) => setTimeout(resolve, this.#slowMs));
      while (this.#held(caller, way)) await this.#released.promise;
      await writeAll(to, buffer.subarray(0, read));
    }
  }

  #close(pair: { caller: string; incoming: Deno.TcpConn; outgoing: Deno.TcpConn }): void {
    if (!this.#pairs.delete(pair)) return;
    for (const end of [pair.incoming, pair.outgoing]) {
      try {
        end.close();
      } catch {
        // Already closed.
      }
    }
  }

  close(): void {
    this.#listener.close();
    this.hold(() => false);
    this.reset(() => true);
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
}
