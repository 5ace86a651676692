import type { ConnectionOptions, NatsConnection } from "@nats-io/transport-node";
import type { JetStreamClient } from "@nats-io/jetstream";
import { messageOf } from "../base/message_of.ts";
import { guardSockets } from "./nats_sockets.ts";
import type { OutgoingMessage, Sink } from "./types.ts";

/** Certificates and keys in PEM; undefined where nothing was named. */
export interface NatsTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

interface Options {
  /** nats:// or tls://, perhaps a user and password, or a token, and servers with commas between. */
  readonly endpoint: string;
  readonly subject: string;
  /** Of one message, 0 for none. */
  readonly timeoutMs: number;
  /** What begins the ids of messages. */
  readonly serviceId: string;
  readonly tls: NatsTls | undefined;
  /** What a file of credentials holds, as `nsc` writes it. */
  readonly credentials: Uint8Array | undefined;
}

/** Where -cdc-config sets none, in ms: a message whose answer is lost would wait for ever. */
const longestMs = 60_000;

/**
 * Publishes to a stream of NATS JetStream, one message after the other: the next one once the server
 * says that it has stored the last, so that their order is kept. Each has an id that is the same
 * whoever sends it and however often: the server stores none twice within the stream's window.
 */
export class NatsSink implements Sink {
  readonly name: string;
  readonly #options: Options;
  readonly #servers: Pick<ConnectionOptions, "servers" | "user" | "pass" | "token">;
  readonly #isTls: boolean;
  #connection: NatsConnection | undefined;
  #stream: JetStreamClient | undefined;
  /** Of the message that is tried: how many of its parts are stored. */
  #stored: { readonly message: OutgoingMessage; parts: number } | undefined;

  constructor(options: Options) {
    this.#options = options;
    const { servers, authorization, name, isTls } = natsEndpoint(options.endpoint);
    this.#servers = { servers, ...authorization };
    this.#isTls = isTls;
    this.name = name;
  }

  async send(message: OutgoingMessage, signal: AbortSignal): Promise<void> {
    // A message that is under way is waited for no more.
    const giveUp = () => this.close();
    signal.addEventListener("abort", giveUp);
    if (this.#stored?.message !== message) this.#stored = { message, parts: 0 };
    const stored = this.#stored;
    const { serviceId, timeoutMs } = this.#options;
    const prefix = serviceId === "" ? "raftlite" : serviceId;
    try {
      const stream = this.#stream ?? await this.#open();
      for (const { id, table, bytes } of message.parts.slice(stored.parts)) {
        signal.throwIfAborted();
        await stream.publish(this.#subjectOf(table), bytes, {
          msgID: `${prefix}.${id}`,
          timeout: timeoutMs === 0 ? longestMs : timeoutMs,
          // Tries are counted, and told of, where it was asked for.
          retries: 1,
        });
        stored.parts++;
      }
      this.#stored = undefined;
    } catch (error) {
      // What is wrong may be the connection.
      this.close();
      if (signal.aborted) throw signal.reason;
      throw new Error(this.#reason(error), { cause: error });
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Events of a table have a subject of their own. */
  #subjectOf(table: string | undefined): string {
    const { subject } = this.#options;
    if (table === undefined) return subject;
    return `${subject}.${table === "" ? "_message" : table.replaceAll(/[\s.*>\p{Cc}]/gu, "_")}`;
  }

  async #open(): Promise<JetStreamClient> {
    const { timeoutMs, tls, credentials } = this.#options;
    // Only where it is asked for: it takes memory.
    const { connect, credsAuthenticator } = await import("@nats-io/transport-node");
    const { NodeTransport } = await import("@nats-io/transport-node/lib/node_transport.js");
    const { jetstream } = await import("@nats-io/jetstream");
    guardSockets(NodeTransport);
    this.#connection = await connect({
      ...this.#servers,
      name: "raftlite",
      // A try that fails opens it anew.
      reconnect: false,
      timeout: timeoutMs === 0 ? longestMs : timeoutMs,
      // Else a server, or somebody between, that says to have no TLS is told who this is without it.
      ...(tls === undefined && !this.#isTls ? {} : { tls: given(tls ?? {}) }),
      ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(credentials) }),
    });
    return this.#stream = jetstream(this.#connection);
  }

  #reason(error: unknown): string {
    const text = messageOf(error);
    if (!(error instanceof Error) || !/^(JetStreamNotEnabled|NoResponders)/.test(error.name)) {
      return text;
    }
    const { subject } = this.#options;
    return `no stream of JetStream takes the subject ${subject}: make one with ${subject} and ` +
      `${subject}.> for subjects`;
  }

  close(): void {
    // It may be broken: nobody waits for a good end.
    this.#connection?.close().catch(() => {});
    this.#connection = this.#stream = undefined;
  }
}

/** Without what is undefined. */
function given({ ca, cert, key }: NatsTls): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ ca, cert, key }).filter((each): each is [string, string] =>
      each[1] !== undefined
    ),
  );
}

const form = /^(nats|tls):\/\/(?:([^@/]*)@)?([^@/\s]+)\/?$/i;

/** Takes an endpoint apart. Throws a URIError or TypeError for what is none. */
export function natsEndpoint(endpoint: string): {
  readonly servers: string[];
  readonly authorization: {
    readonly user?: string;
    readonly pass?: string;
    readonly token?: string;
  };
  /** Without a password. */
  readonly name: string;
  /** Nothing is to be said without TLS, whatever the server says. */
  readonly isTls: boolean;
} {
  const [, scheme = "", who, hosts] = form.exec(endpoint) ?? [];
  if (hosts === undefined) throw new TypeError("endpoint is not nats://HOST:PORT,…");
  const servers = hosts.split(",").map((host) => `${scheme.toLowerCase()}://${host}`);
  const isTls = scheme.toLowerCase() === "tls";
  if (who === undefined) return { servers, authorization: {}, name: endpoint, isTls };
  const [user = "", pass] = who.split(":").map(decodeURIComponent);
  const authorization = pass === undefined ? { token: user } : { user, pass };
  const shown = pass === undefined ? "xxxxx" : `${encodeURIComponent(user)}:xxxxx`;
  return { servers, authorization, name: `${scheme}://${shown}@${hosts}`, isTls };
}
