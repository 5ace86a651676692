import type { Logger } from "../../io/types.ts";
import type { TlsCredentials } from "../../tls/credentials.ts";
import { ConnectionCount } from "../connection_count.ts";
import { ConnectionTable } from "../connection_table.ts";
import type { ClientCertificates } from "../node_listener.ts";
import { HttpThread, type HttpThreadParts } from "./http_thread.ts";
import type { ServingStart } from "./messages.ts";
import { ThreadFigures } from "./thread_figures.ts";

/** A thread that died is replaced after this long, in ms: at first, and at most. */
const shortestPauseMs = 1_000;
const longestPauseMs = 60_000;

export interface HttpThreadsParts extends
  Pick<
    HttpThreadParts,
    "startWorker" | "readers" | "confirm" | "callers" | "clock" | "audit"
  > {
  /** How many there are beside the main one. */
  readonly count: number;
  readonly serving: Omit<ServingStart, KnownLater>;
  readonly logger: Logger;
}

/** What of a thread's start others than these parts know. */
type KnownLater =
  | ("hostname" | "port" | "shown" | "clients" | "isAudited")
  | ("thread" | "connections" | "table" | "users" | "figures");

/** What is known when the main thread listens. */
export interface Beginning extends Pick<HttpThreadParts, "handler" | "writes"> {
  readonly hostname: string;
  readonly port: number;
  /** What is to be shown over TLS when a thread begins; gives undefined for plain HTTP. */
  readonly shown: () => TlsCredentials | undefined;
  readonly clients: ClientCertificates | undefined;
}

/** The threads that serve HTTP beside the main one; one that dies is replaced. */
export class HttpThreads {
  /** Of the main one too: all have one bound. */
  readonly connections = new ConnectionCount();
  readonly table = new ConnectionTable();
  /** By their places. */
  readonly figures: readonly ThreadFigures[];
  readonly #parts: HttpThreadsParts;
  readonly #threads = new Map<number, HttpThread>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #deaths = 0;
  #stopping = false;

  constructor(parts: HttpThreadsParts) {
    this.#parts = parts;
    this.figures = Array.from({ length: parts.count }, () => new ThreadFigures());
  }

  /** How many died since the start. */
  get deaths(): number {
    return this.#deaths;
  }

  begin(beginning: Beginning): void {
    this.figures.forEach((figures, place) => this.#start(place, figures, beginning));
  }

  #start(place: number, figures: ThreadFigures, beginning: Beginning): void {
    const { serving, callers, audit, logger } = this.#parts;
    const { hostname, port, shown, clients, handler, writes } = beginning;
    const thread = new HttpThread({
      ...this.#parts,
      handler,
      writes,
      figures,
      connections: this.connections,
      table: this.table,
      serving: {
        ...serving,
        hostname,
        port,
        shown: shown(),
        clients,
        isAudited: audit !== undefined,
        thread: place + 2,
        connections: this.connections.memory,
        table: this.table.memory,
        users: callers?.epoch.memory,
        figures: figures.memory,
      },
      died: (reason) => {
        this.#threads.delete(place);
        const pauseMs = Math.min(longestPauseMs, shortestPauseMs * 2 ** this.#deaths++);
        const text = `A thread that serves HTTP died, and its clients' connections with it: ` +
          `${reason}; another takes its place in ${pauseMs / 1000} s`;
        logger.log("ERROR", "http", text);
        if (this.#stopping) return;
        const timer = setTimeout(() => {
          this.#timers.delete(timer);
          this.#start(place, figures, beginning);
        }, pauseMs);
        this.#timers.add(timer);
      },
    });
    this.#threads.set(place, thread);
  }

  /** Resolves with how many there are, when they listen. */
  async listening(): Promise<number> {
    await Promise.all(Array.from(this.#threads.values(), (thread) => thread.listening()));
    return this.#threads.size;
  }

  /** Has all show these to new connections; resolves with why some cannot. */
  async renew(shown: TlsCredentials): Promise<readonly string[]> {
    const renewing = Array.from(this.#threads.values(), (thread) => thread.renew(shown));
    return (await Promise.all(renewing)).filter((failure) => failure !== undefined);
  }

  closeOlder(): void {
    for (const thread of this.#threads.values()) thread.closeOlder();
  }

  /** Has all accept no more; resolves when their requests under way have ended. */
  async shutdown(): Promise<void> {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(Array.from(this.#threads.values(), (thread) => thread.shutdown()));
  }

  /** Ends them. */
  terminate(): void {
    for (const thread of this.#threads.values()) thread.terminate();
    this.#threads.clear();
  }
}
