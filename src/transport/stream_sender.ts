import { assert } from "../base/assert.ts";
import { ByteWriter } from "../base/bytes.ts";
import { checksum } from "../base/checksum.ts";
import { messageOf } from "../base/message_of.ts";
import type { Timer } from "../io/types.ts";
import { FrameType, isViolation, ViolationError, writeFrame } from "./frame.ts";
import { type FramedConnection, openConnection, withDeadline } from "./framed_connection.ts";
import type { Local } from "./local.ts";
import { decodeAnswer, decodeFailure, FailureCode } from "./request_frames.ts";
import {
  chunkBytesMax,
  streamHeaderBytesMax,
  writeStreamAbort,
  writeStreamEnd,
  writeStreamOpen,
} from "./stream_frames.ts";
import {
  type RequestOptions,
  type StreamCall,
  TransportError,
  type TransportErrorKind,
} from "./types.ts";

/** Sends one body over a connection of its own, no faster than the other end takes it. */
export class StreamSender {
  readonly #local: Local;
  readonly #address: string;
  readonly #outcome = Promise.withResolvers<Uint8Array>();
  readonly #writer = new ByteWriter(chunkBytesMax + 64);
  #framed: FramedConnection | undefined;
  #settled = false;
  #opened = false;
  #writing = false;
  #progressAt: number;
  #watch: Timer | undefined;

  constructor(local: Local, address: string) {
    this.#local = local;
    this.#address = address;
    this.#progressAt = local.clock.now();
  }

  /** Resolves with the receiver's answer. The body is let go of in every case. */
  async send(
    { kind, header, body }: Omit<StreamCall, "address">,
    { signal, timeoutMs }: RequestOptions,
  ): Promise<Uint8Array> {
    const iterator = body[Symbol.asyncIterator]();
    const abort = () => this.#fail("aborted", "Stream aborted");
    this.#watchProgress(timeoutMs);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted) abort();
    else if (header.length > streamHeaderBytesMax) {
      this.#fail("protocol", `Header of ${header.length} bytes is too large`);
    } else this.#transfer(kind, header, iterator);
    try {
      return await this.#outcome.promise;
    } finally {
      this.#settled = true;
      this.#watch?.cancel();
      signal?.removeEventListener("abort", abort);
      this.#framed?.connection.close();
      iterator.return?.().catch(() => {});
    }
  }

  /** Goes through the stream; whatever happens ends up in the outcome. */
  async #transfer(
    kind: number,
    header: Uint8Array,
    iterator: AsyncIterator<Uint8Array>,
  ): Promise<void> {
    let keepAlive: Timer | undefined;
    try {
      const { framed } = await openConnection(this.#local, this.#address, "stream");
      this.#framed = framed;
      framed.decoder.bodyBytesMax = this.#local.limits.frameBytesMax;
      if (this.#settled) return framed.connection.close();
      this.#opened = true;
      this.#readAnswer(framed);
      const ping = () => {
        this.#ping(framed);
        keepAlive = this.#local.clock.after(this.#local.limits.pingAfterMs, ping);
      };
      keepAlive = this.#local.clock.after(this.#local.limits.pingAfterMs, ping);
      await this.#write(framed, (writer) => writeStreamOpen(writer, kind, header));
      await this.#pump(framed, iterator);
    } catch (error) {
      // Once it is open, the reader of the answer learns why the connection broke.
      if (!this.#opened) this.#settleWith(error);
    } finally {
      await this.#outcome.promise.catch(() => {});
      keepAlive?.cancel();
    }
  }

  async #pump(framed: FramedConnection, iterator: AsyncIterator<Uint8Array>): Promise<void> {
    let length = 0;
    let sum = 0;
    for (;;) {
      let next: IteratorResult<Uint8Array>;
      try {
        next = await iterator.next();
      } catch (error) {
        const why = `Body failed: ${messageOf(error)}`;
        if (!this.#settled) await this.#write(framed, (writer) => writeStreamAbort(writer, why));
        return this.#fail("aborted", why, error);
      }
      if (this.#settled) return;
      if (next.done) break;
      const bytes = next.value;
      for (let at = 0; at < bytes.length; at += chunkBytesMax) {
        const chunk = bytes.subarray(at, at + chunkBytesMax);
        length += chunk.length;
        sum = checksum(chunk, sum);
        await this.#write(framed, (writer) => writeFrame(writer, FrameType.streamChunk, chunk));
        if (this.#settled) return;
      }
    }
    await this.#write(framed, (writer) => writeStreamEnd(writer, length, sum));
  }

  async #write(framed: FramedConnection, encode: (writer: ByteWriter) => void): Promise<void> {
    assert(!this.#writing, "Two frames of a stream were written at a time");
    this.#writer.reset();
    encode(this.#writer);
    this.#writing = true;
    await framed.write(this.#writer.view());
    this.#writing = false;
    this.#progressAt = this.#local.clock.now();
  }

  #watchProgress(timeoutMs: number): void {
    const left = this.#progressAt + timeoutMs - this.#local.clock.now();
    if (left <= 0) {
      this.#fail(this.#opened ? "timeout" : "unreachable", `No progress for ${timeoutMs} ms`);
    } else {
      this.#watch = this.#local.clock.after(left, () => this.#watchProgress(timeoutMs));
    }
  }

  /** Shows the receiver that this end lives while the body has nothing to send. */
  #ping(framed: FramedConnection): void {
    if (this.#writing || this.#settled) return;
    const writer = new ByteWriter(16);
    writeFrame(writer, FrameType.ping);
    framed.write(writer.view()).catch(() => {});
  }

  async #readAnswer(framed: FramedConnection): Promise<void> {
    const idleMs = this.#local.limits.streamIdleTimeoutMs;
    try {
      for (;;) {
        const frame = await withDeadline(framed.readFrame(), {
          clock: this.#local.clock,
          delayMs: idleMs,
          expire: () => {
            framed.connection.close();
            return new Error(`Nothing heard for ${idleMs} ms`);
          },
        });
        if (frame === null) throw new Error("The other end closed the connection");
        if (frame.type === FrameType.ping) continue;
        if (frame.type === FrameType.answer) {
          return this.#outcome.resolve(decodeAnswer(frame.body).payload);
        }
        if (frame.type !== FrameType.failure) {
          throw new ViolationError(`Frame of type ${frame.type} in place of a stream's answer`);
        }
        const { code, text } = decodeFailure(frame.body);
        const kind = code === FailureCode.overloaded ? "overloaded" : "refused";
        return this.#outcome.reject(new TransportError(kind, text));
      }
    } catch (error) {
      if (isViolation(error) && !this.#settled) {
        const why = `Closed the stream to ${this.#address}: ${error.message}`;
        this.#local.remoteLog.log("WARN", this.#address, why);
      }
      this.#fail("interrupted", `Stream broken off: ${messageOf(error)}`, error);
    }
  }

  #fail(kind: TransportErrorKind, why: string, cause?: unknown): void {
    this.#settleWith(new TransportError(kind, `Node at ${this.#address}: ${why}`, { cause }));
  }

  #settleWith(error: unknown): void {
    this.#settled = true;
    this.#outcome.reject(error);
  }
}
