import { ByteWriter } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import { messageOf } from "../base/message_of.ts";
import type { Timer } from "../io/types.ts";
import { nodeName } from "../raft/types.ts";
import {
  type Frame,
  frameHeaderBytes,
  FrameType,
  isViolation,
  ViolationError,
  writeFrame,
} from "./frame.ts";
import { type Introduced, withDeadline } from "./framed_connection.ts";
import type { Local } from "./local.ts";
import { FailureCode } from "./request_frames.ts";
import {
  chunkBytesMax,
  decodeStreamAbort,
  decodeStreamEnd,
  decodeStreamOpen,
  streamHeaderBytesMax,
  writeStreamAnswer,
  writeStreamFailure,
} from "./stream_frames.ts";
import { TransportError } from "./types.ts";

/** Receives one body over a connection of its own and sends the handler's answer back. */
export class StreamReceiver {
  readonly #local: Local;
  readonly #introduced: Introduced;
  readonly #remoteAddress: string;
  #lastPing: Promise<void> | undefined;

  constructor(local: Local, introduced: Introduced) {
    this.#local = local;
    this.#introduced = introduced;
    this.#remoteAddress = introduced.framed.connection.remoteAddress;
  }

  /** Resolves when the stream is over, well or not; never rejects. */
  async receive(): Promise<void> {
    const { framed, remote } = this.#introduced;
    let keepAlive: Timer | undefined;
    try {
      framed.decoder.bodyBytesMax = streamHeaderBytesMax + frameHeaderBytes;
      const opening = await this.#nextFrame();
      if (opening.type !== FrameType.streamOpen) {
        throw new ViolationError(`Frame of type ${opening.type} in place of a stream's header`);
      }
      framed.decoder.bodyBytesMax = chunkBytesMax;
      const { kind, header } = decodeStreamOpen(opening.body);
      const ping = () => {
        this.#ping();
        keepAlive = this.#local.clock.after(this.#local.limits.pingAfterMs, ping);
      };
      keepAlive = this.#local.clock.after(this.#local.limits.pingAfterMs, ping);
      await this.#answer(await this.#handle(remote, kind, header));
    } catch (error) {
      this.#logIfViolation(error);
    } finally {
      keepAlive?.cancel();
      framed.connection.close();
    }
  }

  /** Tells the sender that the stream is not taken. */
  async refuse(code: FailureCode, why: string): Promise<void> {
    try {
      await this.#answer((writer) => writeStreamFailure(writer, code, why));
    } catch {
      // The sender is gone: it needs no answer.
    } finally {
      this.#introduced.framed.connection.close();
    }
  }

  async #handle(
    remote: Introduced["remote"],
    kind: number,
    header: Uint8Array,
  ): Promise<(writer: ByteWriter) => void> {
    const peer = this.#local.peer(remote, this.#remoteAddress);
    const { handlers } = this.#local;
    if (!peer.member && !this.#local.allowStrangers.has(kind)) {
      const why = `Streams of kind ${kind} are for members of this node's cluster only`;
      return (writer) => writeStreamFailure(writer, FailureCode.refused, why);
    }
    if (handlers === undefined) {
      const why = `Node ${
        nodeName(this.#local.id)
      } is not taking streams: it is starting or stopping`;
      return (writer) => writeStreamFailure(writer, FailureCode.overloaded, why);
    }
    try {
      const answer = await handlers.stream(peer, kind, header, this.#body());
      return (writer) => writeStreamAnswer(writer, answer);
    } catch (error) {
      if (isViolation(error)) {
        const from = `${nodeName(remote.nodeId)} at ${this.#remoteAddress}`;
        const line = `Refused a stream of kind ${kind} from ${from}: ${error.message}`;
        this.#local.remoteLog.log("WARN", this.#remoteAddress, line);
      }
      return (writer) => writeStreamFailure(writer, FailureCode.refused, messageOf(error));
    }
  }

  /** Ends only behind the last byte of a body whose length and CRC are right; throws otherwise. */
  async *#body(): AsyncGenerator<Uint8Array> {
    let length = 0;
    let sum = 0;
    for (;;) {
      const frame = await this.#nextBodyFrame();
      if (frame.type === FrameType.streamChunk) {
        length += frame.body.length;
        sum = checksum(frame.body, sum);
        yield frame.body;
      } else if (frame.type === FrameType.streamAbort) {
        throw new TransportError("aborted", `Sender gave up: ${decodeStreamAbort(frame.body)}`);
      } else {
        const end = decodeStreamEnd(frame.body);
        if (end.length === length && end.sum === sum) return;
        throw new TransportError(
          "interrupted",
          `Stream is damaged: ${length} bytes with CRC ${sum} came of ${end.length} with ${end.sum}`,
        );
      }
    }
  }

  async #nextBodyFrame(): Promise<Frame> {
    try {
      const frame = await this.#nextFrame();
      if (
        frame.type === FrameType.streamChunk || frame.type === FrameType.streamEnd ||
        frame.type === FrameType.streamAbort
      ) return frame;
      throw new ViolationError(`Frame of type ${frame.type} in the body of a stream`);
    } catch (error) {
      this.#logIfViolation(error);
      this.#introduced.framed.connection.close();
      const why = `Stream broken off: ${messageOf(error)}`;
      throw new TransportError("interrupted", why, { cause: error });
    }
  }

  /** The next frame that is not a ping, if it comes before the sender counts as gone. */
  async #nextFrame(): Promise<Frame> {
    const { framed } = this.#introduced;
    const idleMs = this.#local.limits.streamIdleTimeoutMs;
    for (;;) {
      const frame = await withDeadline(framed.readFrame(), {
        clock: this.#local.clock,
        delayMs: idleMs,
        expire: () => {
          framed.connection.close();
          return new Error(`Nothing heard for ${idleMs} ms`);
        },
      });
      if (frame === null) throw new Error("The sender closed the connection");
      if (frame.type !== FrameType.ping) return frame;
    }
  }

  /**
   * Sends the answer and then reads until the sender closes: closing with bytes unread would make
   * the system reset the connection, and the answer could be lost with it (RFC 1122, 4.2.2.13).
   */
  async #answer(encode: (writer: ByteWriter) => void): Promise<void> {
    const { framed } = this.#introduced;
    const writer = new ByteWriter();
    encode(writer);
    const { closeTimeoutMs } = this.#local.limits;
    await withDeadline(this.#writeAndDrain(writer), {
      clock: this.#local.clock,
      delayMs: closeTimeoutMs,
      expire: () => {
        framed.connection.close();
        return new Error(`The sender did not close within ${closeTimeoutMs} ms`);
      },
    });
  }

  async #writeAndDrain(writer: ByteWriter): Promise<void> {
    const { framed } = this.#introduced;
    await framed.write(writer.view());
    framed.decoder.bodyBytesMax = streamHeaderBytesMax + frameHeaderBytes;
    while (await framed.readFrame().catch(() => null) !== null);
  }

  /** Shows the sender that this end lives while it does not read. */
  #ping(): void {
    if (this.#lastPing !== undefined) return;
    const writer = new ByteWriter(16);
    writeFrame(writer, FrameType.ping);
    this.#lastPing = this.#introduced.framed.write(writer.view()).catch(() => {}).finally(() => {
      this.#lastPing = undefined;
    });
  }

  #logIfViolation(error: unknown): void {
    if (!isViolation(error)) return;
    const why = `Closed the stream from ${this.#remoteAddress}: ${error.message}`;
    this.#local.remoteLog.log("WARN", this.#remoteAddress, why);
  }
}
