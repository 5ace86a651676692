import { assert } from "../base/assert.ts";
import { ByteWriter } from "../base/bytes.ts";
import { messageOf } from "../base/message_of.ts";
import { type NextTurn, sliceBytes, Slices } from "../base/slices.ts";
import { nextTurnOf } from "../io/next_turn.ts";
import type { Timer } from "../io/types.ts";
import { type Message, nodeName } from "../raft/types.ts";
import { type Frame, FrameType, isViolation, ViolationError, writeFrame } from "./frame.ts";
import { largeBytes, LargeFrame, PieceReader } from "./pieces.ts";
import type { Introduced } from "./framed_connection.ts";
import { decodeHello, type Hello, versionConflict, writeHello } from "./handshake.ts";
import type { Watched } from "./life_watch.ts";
import type { Local } from "./local.ts";
import { decodeLargeMessage, decodeMessage } from "./message_codec.ts";
import type { SendQueue } from "./send_queue.ts";

/** Frames are gathered into writes of about this size. */
const batchBytes = 256 * 1024;

export interface ChannelOwner {
  /** A request, an answer or the like; a ViolationError or FormatError thrown closes the channel. */
  frame(frame: Frame): void;
  /** Called once, with why. */
  closed(why: string): void;
}

export interface ChannelParts {
  readonly local: Local;
  readonly introduced: Introduced;
  /** What this node said in the handshake. */
  readonly clusterIdTold: string;
  readonly queue: SendQueue;
  readonly owner: ChannelOwner;
}

/**
 * One connection for messages and requests after its handshake: writes what is queued, many frames
 * at a time, hands over what arrives, and notices when the other end is no longer there.
 */
export class Channel implements Watched {
  readonly #local: Local;
  readonly #framed: Introduced["framed"];
  readonly #queue: SendQueue;
  readonly #owner: ChannelOwner;
  readonly #closed = Promise.withResolvers<void>();
  #remote: Hello;
  #clusterIdTold: string;
  #open = true;
  #writer = new ByteWriter(16 * 1024);
  /** Of which pieces are still to be sent. */
  #large: LargeFrame | undefined;
  readonly #pieces = new PieceReader();
  readonly #nextTurn: NextTurn;
  /** What has been read without a pause. */
  readonly #reading: Slices;
  #writing = false;
  #flushing: Promise<void> = Promise.resolve();
  #flushScheduled = false;
  #soon: Timer | undefined;
  #writeStartedAt = 0;
  #heardAt: number;
  #pingDue = false;
  #pongDue = false;
  /** A ping is on its way and nothing has been heard since. */
  #pinged = false;
  #pingSentAt = Infinity;

  constructor(parts: ChannelParts) {
    const { local, introduced: { framed, remote }, clusterIdTold, queue, owner } = parts;
    this.#local = local;
    this.#framed = framed;
    this.#remote = remote;
    this.#clusterIdTold = clusterIdTold;
    this.#queue = queue;
    this.#owner = owner;
    this.#nextTurn = nextTurnOf(local.clock);
    this.#reading = new Slices(this.#nextTurn);
    this.#heardAt = local.clock.now();
    local.lives.add(this);
  }

  get remote(): Hello {
    return this.#remote;
  }

  get remoteAddress(): string {
    return this.#framed.connection.remoteAddress;
  }

  /** Whether both ends are known to belong to the same cluster: only then Raft messages go out. */
  get withMember(): boolean {
    return this.#local.isMember(this.#remote);
  }

  /** Begins to read and to write. */
  start(): void {
    this.#read();
    this.wake();
  }

  /** Something was queued, or this node joined a cluster. All of the same moment goes in one write. */
  wake(): void {
    if (this.#flushScheduled || this.#writing || !this.#open) return;
    this.#flushScheduled = true;
    queueMicrotask(() => {
      this.#flushScheduled = false;
      this.#flushing = this.#flush();
    });
  }

  /**
   * The same for what comes in many: clients' requests, each of which is an event of its own to the
   * runtime. All that are there in this turn of the event loop go in one write.
   */
  wakeSoon(): void {
    if (this.#flushScheduled || this.#writing || !this.#open) return;
    this.#soon ??= this.#local.clock.after(0, () => {
      this.#soon = undefined;
      this.wake();
    });
  }

  close(why: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#local.lives.remove(this);
    this.#soon?.cancel();
    this.#framed.connection.close();
    this.#closed.resolve();
    this.#owner.closed(why);
  }

  /** Closes the connection if its other end is too old by now. */
  checkVersion(): void {
    const conflict = versionConflict(this.#local.versionMin, this.#remote);
    if (conflict !== undefined) this.#fail(new ViolationError(conflict));
  }

  /** Waits until nothing is queued or being written, or the channel is closed. */
  async drained(): Promise<void> {
    while (this.#open && (this.#writing || !this.#queue.empty)) {
      if (!this.#writing) this.#flushing = this.#flush();
      await Promise.race([this.#closed.promise, this.#flushing]);
    }
  }

  async #read(): Promise<void> {
    const { connection, decoder } = this.#framed;
    try {
      for (;;) {
        for (;;) {
          // Either end may have joined meanwhile.
          decoder.bodyBytesMax = this.#local.frameBytesMax(this.#remote);
          const frame = decoder.next();
          if (frame === undefined) break;
          const whole = this.#wholeOf(frame);
          if (whole === undefined) continue;
          if (whole.body.length > largeBytes) await this.#receiveLarge(whole);
          else this.#receive(whole);
          if (!this.#open) return;
        }
        const count = await connection.read(decoder.space());
        if (!this.#open) return;
        if (count === null) return this.close("The other end closed the connection");
        this.#heard();
        decoder.advance(count);
        // As long as more is there the system hands it over at once.
        const pause = this.#reading.spent(count);
        if (pause !== undefined) await pause;
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #heard(): void {
    this.#heardAt = this.#local.clock.now();
    this.#pinged = false;
  }

  #fail(error: unknown): void {
    if (this.#open && isViolation(error)) {
      const name = nodeName(this.#remote.nodeId);
      this.#local.remoteLog.log(
        "WARN",
        this.remoteAddress,
        `Closed the connection with ${name} at ${this.remoteAddress}: ${error.message}`,
      );
    }
    this.close(messageOf(error));
  }

  /** The frame itself, or that of which it was the last piece. */
  #wholeOf(frame: Frame): Frame | undefined {
    if (frame.type !== FrameType.piece) return frame;
    return this.#pieces.read(frame.body, this.#local.frameBytesMax(this.#remote));
  }

  /** Nothing behind it is received meanwhile: what it says may have to come first. */
  async #receiveLarge(frame: Frame): Promise<void> {
    if (frame.type !== FrameType.message) return this.#receive(frame);
    if (!this.#mayHaveMessages()) return;
    const message = await decodeLargeMessage(frame.body, this.#nextTurn);
    if (this.#open) this.#receiveMessage(message);
  }

  #receive(frame: Frame): void {
    switch (frame.type) {
      case FrameType.message:
        if (this.#mayHaveMessages()) this.#receiveMessage(decodeMessage(frame.body));
        return;
      case FrameType.ping:
        this.#pongDue = true;
        return this.wake();
      case FrameType.pong:
        return;
      case FrameType.hello:
        return this.#receiveHello(decodeHello(frame.body, this.#remote.version));
      default:
        return this.#owner.frame(frame);
    }
  }

  /** Whether a Raft message may be taken, or is to be passed over. */
  #mayHaveMessages(): boolean {
    // A node that does not know its cluster yet cannot tell whether this is for it: Raft sends again.
    if (this.#local.clusterId === "") return false;
    if (this.#remote.clusterId === "") {
      throw new ViolationError("A Raft message from a node that has not joined the cluster");
    }
    return true;
  }

  #receiveMessage(message: Message): void {
    if (message.from !== this.#remote.nodeId) {
      throw new ViolationError(`A Raft message that says it is from ${message.from}`);
    }
    if (message.to !== this.#local.id) {
      throw new ViolationError(`A Raft message for ${message.to}, not for ${this.#local.id}`);
    }
    try {
      this.#local.handlers?.message(message);
    } catch (error) {
      if (isViolation(error)) {
        const name = nodeName(message.from);
        const line =
          `Passed over a ${message.type} from ${name} at ${this.remoteAddress}: ${error.message}`;
        this.#local.remoteLog.log("WARN", this.remoteAddress, line);
        return;
      }
      this.#local.logger.log(
        "ERROR",
        "transport",
        `Message handler failed on a ${message.type} from ${nodeName(message.from)}: ${
          messageOf(error)
        }`,
      );
    }
  }

  /** A node introduces itself again when it has joined a cluster; nothing else may have changed. */
  #receiveHello(hello: Hello): void {
    const { nodeId, address, purpose, clusterId } = this.#remote;
    if (
      hello.nodeId !== nodeId || hello.address !== address || hello.purpose !== purpose ||
      (clusterId !== "" && hello.clusterId !== clusterId)
    ) throw new ViolationError("It changed its identity");
    this.#local.checkCluster(hello);
    this.#local.checkAgreement(hello);
    this.#remote = hello;
  }

  async #flush(): Promise<void> {
    if (this.#writing || !this.#open) return;
    this.#writing = true;
    try {
      while (this.#open && this.#fill()) {
        if (this.#writer.length > 0) await this.#writeOut();
        // The system may take one piece after the other without ever making this node wait.
        if (this.#large !== undefined) await this.#nextTurn();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#writing = false;
    }
  }

  /** Encodes the next batch; false when there is nothing to send. */
  #fill(): boolean {
    const writer = this.#writer;
    assert(writer.length === 0, "A batch was begun before the one before it was written");
    if (this.#clusterIdTold !== this.#local.clusterId) {
      this.#clusterIdTold = this.#local.clusterId;
      writeHello(writer, this.#local.hello("messages"));
    }
    if (this.#pongDue) {
      this.#pongDue = false;
      writeFrame(writer, FrameType.pong);
    }
    if (this.#pingDue) {
      this.#pingDue = false;
      this.#pinged = true;
      this.#pingSentAt = Infinity;
      writeFrame(writer, FrameType.ping);
    }
    if (this.#large === undefined) {
      const large = this.#queue.drainInto(writer, batchBytes, largeBytes);
      if (large !== undefined) this.#large = new LargeFrame(large);
    } else {
      this.#queue.drainBeside(this.#large.item, writer, batchBytes, largeBytes);
    }
    if (this.#large?.sum(sliceBytes) && !this.#large.writePiece(writer, batchBytes)) {
      this.#large = undefined;
    }
    return writer.length > 0 || this.#large !== undefined;
  }

  async #writeOut(): Promise<void> {
    this.#writeStartedAt = this.#local.clock.now();
    await this.#framed.write(this.#writer.view());
    if (this.#pingSentAt === Infinity) this.#pingSentAt = this.#local.clock.now();
    this.#writer.reset();
  }

  get lifeDueAt(): number {
    const { pingAfterMs, pingTimeoutMs } = this.#local.limits;
    let due = Infinity;
    if (this.#writing) due = this.#writeStartedAt + pingTimeoutMs;
    if (this.#pinged) due = Math.min(due, this.#pingSentAt + pingTimeoutMs);
    else if (!this.#pingDue) due = Math.min(due, this.#heardAt + pingAfterMs);
    return due;
  }

  checkLife(now: number, slackMs: number): void {
    const { pingAfterMs, pingTimeoutMs } = this.#local.limits;
    if (this.#writing && now - this.#writeStartedAt >= pingTimeoutMs) {
      return this.close(`The other end took no bytes for ${pingTimeoutMs} ms`);
    }
    if (this.#pinged && now - this.#pingSentAt >= pingTimeoutMs) {
      return this.close(`The other end did not answer a ping for ${pingTimeoutMs} ms`);
    }
    if (!this.#pinged && now - this.#heardAt >= pingAfterMs - slackMs) {
      this.#pingDue = true;
      // Where heartbeats go out, it goes with the next: both ends wake up once.
      if (now - this.#writeStartedAt >= slackMs) this.wake();
    }
  }
}
