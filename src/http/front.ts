import { settledAtOnce } from "./at_once.ts";
import { ClientActivity } from "./client_activity.ts";
import {
  type ConnectionFigures,
  type ConnectionLimits,
  ConnectionWatch,
} from "./connection_watch.ts";
import { FrontConnection } from "./front_connection.ts";
import type { ConnectionCount } from "./connection_count.ts";
import { closeQuietly } from "./close_quietly.ts";
import type { PlainOnTls } from "./plain_on_tls.ts";
import type { Listening } from "./listening.ts";
import { type ClientHandler, type NativeServer, refusesUpgradeWithBody } from "./native_server.ts";
import { NativeConnection } from "./native_connection.ts";

/** A client's connection, from its acceptance to its end. */
export interface AcceptedConnection {
  /** Resolves when the connection has ended, in whatever way. */
  run(): Promise<void>;
  /** Lets the request under way end, and then the connection. */
  shutdown(): Promise<void>;
}

export interface FrontOptions {
  readonly native: NativeServer;
  readonly handler: ClientHandler;
  readonly limits: ConnectionLimits;
  /** Answers clients without TLS where there is TLS; undefined where that cannot be had. */
  readonly plainOnTls?: PlainOnTls | undefined;
  /** Of all threads that accept connections; undefined for this one only. */
  readonly count?: ConnectionCount | undefined;
  /** Told how many this one has whenever that changes. */
  readonly sized?: ((connections: number) => void) | undefined;
}

/**
 * Accepts connections in front of Deno's server, which by itself ends none however long it is idle,
 * and gives them to it. It may listen anew, with another certificate; open connections go on.
 */
export class Front implements Listening {
  readonly #options: FrontOptions;
  readonly #watch: ConnectionWatch;
  readonly #connections = new Map<AcceptedConnection, Promise<void>>();
  readonly #accepting = new Set<Promise<void>>();
  #listener: Deno.TcpListener | Deno.TlsListener;
  /** Listeners that still accept until they are closed. */
  readonly #older = new Set<Deno.Listener>();
  readonly #ended = Promise.withResolvers<void>();
  #isOver = false;
  /** The listener that is about to be closed, and what to do when nobody waits in its queue. */
  #drain: { readonly listener: Deno.Listener; readonly onEmpty: () => void } | undefined;

  constructor(listener: Deno.TcpListener | Deno.TlsListener, options: FrontOptions) {
    this.#listener = listener;
    this.#options = options;
    this.#watch = new ConnectionWatch(options.limits, options.count);
    this.#acceptFrom(listener);
  }

  get addr(): Deno.NetAddr {
    return this.#listener.addr;
  }

  get connections(): ConnectionFigures {
    return this.#watch.figures;
  }

  /**
   * Accepts from another listener from now on, which may be there beside the old one or not. What the
   * system has taken in for the old one is accepted before that is closed, since it is lost with it.
   */
  async replace(listen: () => Deno.TlsListener, isShared: boolean): Promise<void> {
    const old = this.#listener;
    const next = () => this.#acceptFrom(this.#listener = listen());
    if (!isShared) return await this.#drained(old, next);
    next();
    await this.#drained(old, () => {});
  }

  /** Accepts from another listener, too. */
  renew(listen: () => Deno.TlsListener): void {
    if (this.#isOver) return;
    const next = listen();
    this.#older.add(this.#listener);
    this.#acceptFrom(this.#listener = next);
  }

  /** Accepts from the newest listener only. */
  closeOlder(): void {
    for (const listener of this.#older) listener.close();
    this.#older.clear();
  }

  /** Resolves after this long, in ms, or with false when it accepts no more. */
  async pause(ms: number): Promise<boolean> {
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, ms);
    await Promise.race([over.promise, this.#ended.promise]);
    clearTimeout(timer);
    return !this.#isOver;
  }

  /**
   * Closes a listener in the moment in which it has just been seen that nobody waits for it, or when
   * nobody has called for some time, and in the same moment does what `next` does.
   */
  async #drained(old: Deno.Listener, next: () => void): Promise<void> {
    const exchanged = Promise.withResolvers<void>();
    const onEmpty = () => {
      if (this.#drain === undefined) return;
      this.#drain = undefined;
      old.close();
      try {
        next();
        exchanged.resolve();
      } catch (error) {
        exchanged.reject(error);
      }
    };
    this.#drain = { listener: old, onEmpty };
    const timer = setTimeout(onEmpty, drainMsMax);
    try {
      await exchanged.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Accepts no more, and resolves when the requests under way have ended. */
  async shutdown(): Promise<void> {
    this.#isOver = true;
    this.#ended.resolve();
    this.#listener.close();
    this.closeOlder();
    // What is shut down must not be broken off any more.
    this.#watch.stop();
    await Promise.all(this.#accepting);
    const stops = [...this.#connections.keys()].map((connection) => connection.shutdown());
    await Promise.all([...stops, ...this.#connections.values()]);
  }

  #acceptFrom(listener: Deno.TcpListener | Deno.TlsListener): void {
    this.#options.plainOnTls?.prepare(listener.addr.port);
    const ended = this.#accept(listener).finally(() => this.#accepting.delete(ended));
    this.#accepting.add(ended);
  }

  async #accept(listener: Deno.TcpListener | Deno.TlsListener): Promise<void> {
    for (;;) {
      let accepted: Deno.TcpConn | Deno.TlsConn;
      try {
        const accepting = listener.accept();
        if (
          listener === this.#drain?.listener &&
          await settledAtOnce<Deno.Conn>(accepting) === undefined
        ) {
          this.#drain?.onEmpty();
        }
        accepted = await accepting;
      } catch (error) {
        // Closed.
        if (error instanceof Deno.errors.BadResource) return;
        if (error instanceof Deno.errors.Interrupted) return;
        // A client that has gone again, or no descriptor left for another: others may follow.
        await new Promise((resolve) => setTimeout(resolve, retryMs));
        continue;
      }
      this.#take(accepted);
    }
  }

  #take(accepted: Deno.TcpConn | Deno.TlsConn): void {
    const { native, handler, plainOnTls, sized } = this.#options;
    // At once: a turn later Deno has begun the handshake.
    const seen = "handshake" in accepted ? plainOnTls?.look(accepted) : undefined;
    if (seen === "answered") return endUnsecured(accepted);
    const { hostname } = accepted.remoteAddr;
    // Deno's server has handed a piece to the runtime, which holds its memory until it is sent.
    const client = new ClientActivity(hostname, handler, { givesBack: true });
    if (!this.#watch.add(client)) {
      seen?.();
      return accepted.close();
    }
    const connection = this.#connectionOf(accepted, native, client);
    const ended = connection.run().finally(() => {
      seen?.();
      this.#watch.remove(client);
      this.#connections.delete(connection);
      sized?.(this.#connections.size);
    });
    this.#connections.set(connection, ended);
    sized?.(this.#connections.size);
  }

  #connectionOf(
    accepted: Deno.TcpConn | Deno.TlsConn,
    native: NativeServer,
    client: ClientActivity,
  ): AcceptedConnection {
    // Over TLS nobody offers to upgrade, as ALPN has done it.
    return refusesUpgradeWithBody && !("handshake" in accepted)
      ? new FrontConnection(accepted, native, client)
      : new NativeConnection(accepted, native, client);
  }
}

/** Closes a connection whose handshake cannot succeed, when Deno has seen that. */
function endUnsecured(accepted: Deno.TcpConn | Deno.TlsConn): void {
  const failing = "handshake" in accepted ? accepted.handshake() : Promise.resolve();
  failing.catch(() => {}).finally(() => closeQuietly(accepted));
}

const retryMs = 10;
/** An old listener at which nobody calls is closed after this, in ms. */
const drainMsMax = 100;
