import { messageOf } from "../base/message_of.ts";
import type { Connection, Listener } from "../io/types.ts";
import type { Message, NodeId } from "../raft/types.ts";
import { Channel, type ChannelOwner } from "./channel.ts";
import { type Frame, isViolation } from "./frame.ts";
import {
  acceptIntroduction,
  FramedConnection,
  type Introduced,
  withDeadline,
} from "./framed_connection.ts";
import type { Hello } from "./handshake.ts";
import { accepts } from "./link.ts";
import type { Local } from "./local.ts";
import { FailureCode } from "./request_frames.ts";
import { RequestServer } from "./request_server.ts";
import { SendQueue } from "./send_queue.ts";
import { StreamReceiver } from "./stream_receiver.ts";

/** Wait after the system refused to hand over a connection (no descriptors left), in ms. */
const acceptRetryMs = 100;

/** A connection that somebody made to this node. */
interface Guest {
  readonly connection: Connection;
  remote: Hello | undefined;
  channel: Channel | undefined;
  queue: SendQueue | undefined;
}

/** Takes connections, asks for their introduction, and serves what comes over them. */
export class Acceptor {
  readonly #local: Local;
  readonly #listener: Listener;
  readonly #introduced: (remote: Hello) => void;
  /** Oldest first. */
  readonly #guests = new Set<Guest>();
  #streams = 0;
  #closed = false;

  /** `introduced` is called for every member that connected. */
  constructor(local: Local, listener: Listener, introduced: (remote: Hello) => void) {
    this.#local = local;
    this.#listener = listener;
    this.#introduced = introduced;
  }

  /** Takes connections until the listener is closed. */
  async run(): Promise<void> {
    while (!this.#closed) {
      try {
        const connection = await this.#listener.accept();
        if (connection === null) return;
        this.#admit(connection);
      } catch (error) {
        if (this.#closed) return;
        this.#local.logger.log("ERROR", "transport", `Cannot accept: ${messageOf(error)}`);
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#local.clock.after(acceptRetryMs, resolve);
        await promise;
      }
    }
  }

  /** Sends over the newest connection that the addressee made, if there is one; says whether. */
  send(message: Message): boolean {
    let newest: Guest | undefined;
    for (const guest of this.#guests) {
      if (guest.channel !== undefined && accepts(guest.channel, message)) newest = guest;
    }
    if (newest?.queue === undefined || !newest.queue.addMessage(message)) return false;
    newest.channel?.wake();
    return true;
  }

  /** What the newest connection of a member says of where it is. */
  addressOf(id: NodeId): string | undefined {
    let address: string | undefined;
    for (const { remote } of this.#guests) {
      if (remote?.nodeId === id && this.#local.isMember(remote)) address = remote.address;
    }
    return address;
  }

  /** This node joined a cluster. */
  tellCluster(): void {
    for (const { channel } of this.#guests) channel?.wake();
  }

  /** The least version that is let in was raised. */
  checkVersions(): void {
    for (const { channel } of this.#guests) channel?.checkVersion();
  }

  async drained(): Promise<void> {
    await Promise.all([...this.#guests].map(({ channel }) => channel?.drained()));
  }

  stopListening(): void {
    this.#closed = true;
    this.#listener.close();
  }

  closeAll(): void {
    for (const guest of this.#guests) this.#dismiss(guest, "This node closed the connection");
  }

  #admit(connection: Connection): void {
    if (this.#closed) return connection.close();
    if (this.#guests.size >= this.#local.limits.connectionsMax && !this.#makeRoom()) {
      this.#logClosing(connection, "Too many connections");
      return connection.close();
    }
    const guest: Guest = { connection, remote: undefined, channel: undefined, queue: undefined };
    this.#guests.add(guest);
    this.#serve(guest);
  }

  /** Gives up the oldest connection that has not introduced itself, or is no member's. */
  #makeRoom(): boolean {
    let stranger: Guest | undefined;
    for (const guest of this.#guests) {
      if (guest.remote === undefined) {
        stranger = guest;
        break;
      }
      if (!this.#local.isMember(guest.remote)) stranger ??= guest;
    }
    if (stranger === undefined) return false;
    this.#logClosing(stranger.connection, "Its place is needed: too many connections");
    this.#dismiss(stranger, "Too many connections");
    return true;
  }

  async #serve(guest: Guest): Promise<void> {
    const framed = new FramedConnection(guest.connection);
    const { handshakeTimeoutMs } = this.#local.limits;
    try {
      const clusterIdTold = this.#local.clusterId;
      const introduction = acceptIntroduction(this.#local, framed);
      const remote = await withDeadline(introduction, {
        clock: this.#local.clock,
        delayMs: handshakeTimeoutMs,
        expire: () => {
          this.#logClosing(guest.connection, `No handshake within ${handshakeTimeoutMs} ms`);
          guest.connection.close();
          return new Error("No handshake in time");
        },
      });
      guest.remote = remote;
      if (!this.#guests.has(guest)) return guest.connection.close();
      if (this.#local.isMember(remote)) this.#introduced(remote);
      if (remote.purpose === "stream") await this.#serveStream(guest, { framed, remote });
      else this.#serveMessages(guest, { framed, remote }, clusterIdTold);
    } catch (error) {
      if (isViolation(error)) {
        this.#logClosing(guest.connection, error.message);
        const isIntroduced = guest.remote !== undefined;
        if (!isIntroduced) this.#local.refused?.(guest.connection.remoteAddress, error.message);
      }
      this.#dismiss(guest, messageOf(error));
    }
  }

  #serveMessages(guest: Guest, introduced: Introduced, clusterIdTold: string): void {
    const queue = new SendQueue(this.#local.limits);
    const owner: ChannelOwner = {
      frame: (frame: Frame) => server.frame(frame),
      closed: () => {
        server.abortAll();
        this.#guests.delete(guest);
      },
    };
    const channel = new Channel({ local: this.#local, introduced, clusterIdTold, queue, owner });
    const server = new RequestServer(this.#local, queue, channel);
    guest.channel = channel;
    guest.queue = queue;
    channel.start();
  }

  async #serveStream(guest: Guest, introduced: Introduced): Promise<void> {
    const receiver = new StreamReceiver(this.#local, introduced);
    const full = this.#streams >= this.#local.limits.streamsMax;
    this.#streams += 1;
    try {
      if (full) await receiver.refuse(FailureCode.overloaded, "Too many streams at a time");
      else await receiver.receive();
    } finally {
      this.#streams -= 1;
      this.#guests.delete(guest);
    }
  }

  #dismiss(guest: Guest, why: string): void {
    this.#guests.delete(guest);
    if (guest.channel !== undefined) guest.channel.close(why);
    else guest.connection.close();
  }

  #logClosing(connection: Connection, why: string): void {
    const { remoteAddress } = connection;
    const line = `Closed the connection from ${remoteAddress}: ${why}`;
    this.#local.remoteLog.log("WARN", remoteAddress, line);
  }
}
