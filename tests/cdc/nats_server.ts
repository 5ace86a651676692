import { connect, nanos, type NatsConnection } from "@nats-io/transport-node";
import { NodeTransport } from "@nats-io/transport-node/lib/node_transport.js";
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { guardSockets } from "../../src/cdc/nats_sockets.ts";
import { eventually } from "../cluster/harness.ts";
import { takePort } from "../ports.ts";

/** Of Debian's package nats-server, which .ci/run unpacks. */
export const natsProgram = "nats-server";
/** For one answer of it. */
const patienceMs = 120_000;

/** Certificates and keys in PEM. */
interface NatsTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface StoredMessage {
  readonly subject: string;
  readonly id: string;
  readonly text: string;
}

/** A real server of NATS with JetStream on the loopback address, until it is disposed of. */
export class NatsServer implements AsyncDisposable {
  readonly port = takePort();
  readonly #directory: string;
  readonly #flags: readonly string[];
  readonly #tls: NatsTls | undefined;
  #child: Deno.ChildProcess | undefined;

  private constructor(directory: string, flags: readonly string[], tls: NatsTls | undefined) {
    this.#directory = directory;
    this.#flags = flags;
    this.#tls = tls;
  }

  /** `flags`: beside those for where it listens and has its data; `tls`: how the test itself asks it. */
  static async start(flags: readonly string[] = [], tls?: NatsTls): Promise<NatsServer> {
    const server = new NatsServer(await Deno.makeTempDir({ prefix: "raftlite-test-" }), flags, tls);
    await server.start();
    return server;
  }

  get endpoint(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const listen = ["-a", "127.0.0.1", "-p", String(this.port)];
    this.#child = new Deno.Command(natsProgram, {
      args: ["-js", "-sd", this.#directory, ...listen, ...this.#flags],
      stdout: "null",
      stderr: "null",
    }).spawn();
    await eventually("NATS to listen", async () => {
      const socket = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
      socket.close();
      return true;
    });
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#child?.status;
    this.#child = undefined;
  }

  async connected<Result>(body: (connection: NatsConnection) => Promise<Result>): Promise<Result> {
    guardSockets(NodeTransport);
    const connection = await connect({
      servers: `127.0.0.1:${this.port}`,
      timeout: patienceMs,
      ...(this.#tls === undefined ? {} : { tls: this.#tls }),
    });
    try {
      return await body(connection);
    } finally {
      await connection.close();
    }
  }

  /** Makes the stream that takes what raftlite publishes. */
  async makeStream(): Promise<void> {
    await this.connected(async (connection) => {
      const manager = await jetstreamManager(connection, { timeout: patienceMs });
      await manager.streams.add({
        ...{ name: "changes", subjects: ["raftlite.>"] },
        // By default two minutes, which a busy machine may take from a message to the same one again.
        duplicate_window: nanos(3_600_000),
      });
    });
  }

  /** All that is in it, in its order. */
  async stored(): Promise<StoredMessage[]> {
    return await this.connected(async (connection) => {
      const manager = await jetstreamManager(connection, { timeout: patienceMs });
      const { state: { messages } } = await manager.streams.info("changes");
      if (messages === 0) return [];
      const { name } = await manager.consumers.add("changes", {
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.All,
      });
      const consumer = await jetstream(connection, { timeout: patienceMs }).consumers.get(
        "changes",
        name,
      );
      const found: StoredMessage[] = [];
      for await (const message of await consumer.fetch({ max_messages: messages })) {
        const id = message.headers?.get("Nats-Msg-Id") ?? "";
        found.push({ subject: message.subject, id, text: message.string() });
      }
      return found;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.#directory, { recursive: true });
  }
}
