import type { Socket } from "node:net";
import type { Connection } from "../io/types.ts";

/** Bytes that came and were not read yet: above the first, no more are taken until the second. */
const bufferedBytesMax = 1024 * 1024;
const bufferedBytesLow = 256 * 1024;

/** How long the last bytes may take to leave when a connection is closed, in ms. */
const lastBytesMs = 2_000;

interface Reading {
  readonly into: Uint8Array;
  readonly resolve: (count: number | null) => void;
  readonly reject: (error: Error) => void;
}

/** A socket of node:net or node:tls, read when somebody asks: its peer waits for who reads slowly. */
export class SocketConnection implements Connection {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  /** What came and was not read, in order; of the first, all before `#offset` was. */
  readonly #chunks: Uint8Array[] = [];
  #offset = 0;
  #buffered = 0;
  #reading: Reading | undefined;
  #ended = false;
  #error: Error | undefined;
  #writing = 0;

  constructor(socket: Socket, remoteAddress: string) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    socket.on("end", () => this.#end(undefined));
    socket.on("error", (error: Error) => this.#end(error));
    socket.on("close", () => this.#end(undefined));
  }

  // deno-lint-ignore require-await -- errors become rejections
  async read(into: Uint8Array): Promise<number | null> {
    if (this.#buffered > 0) return this.#give(into);
    if (this.#error !== undefined) throw this.#error;
    if (this.#ended) return null;
    if (this.#reading !== undefined) throw new Error("A connection has one reader");
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    this.#reading = { into, resolve, reject };
    return promise;
  }

  write(bytes: Uint8Array): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#writing += 1;
    this.#socket.write(bytes, (error) => {
      this.#writing -= 1;
      if (error) reject(error);
      else resolve();
    });
    return promise;
  }

  /** At once when a write is under way, as that may never end; else once the last bytes have left. */
  close(): void {
    this.#end(new Error(`The connection with ${this.remoteAddress} was closed here`));
    if (this.#writing > 0) {
      this.#socket.destroy();
      return;
    }
    this.#socket.setTimeout(lastBytesMs, () => this.#socket.destroy());
    this.#socket.destroySoon();
  }

  #take(chunk: Uint8Array): void {
    if (this.#ended || chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    const reading = this.#reading;
    if (reading !== undefined) {
      this.#reading = undefined;
      reading.resolve(this.#give(reading.into));
    }
    if (this.#buffered > bufferedBytesMax) this.#socket.pause();
  }

  /** Copies what is there, as much as fits. */
  #give(into: Uint8Array): number {
    let count = 0;
    while (count < into.length) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const part = chunk.subarray(this.#offset, this.#offset + into.length - count);
      into.set(part, count);
      count += part.length;
      this.#offset += part.length;
      if (this.#offset === chunk.length) {
        this.#chunks.shift();
        this.#offset = 0;
      }
    }
    this.#buffered -= count;
    if (this.#buffered < bufferedBytesLow && !this.#ended && this.#socket.isPaused()) {
      this.#socket.resume();
    }
    return count;
  }

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    const reading = this.#reading;
    this.#reading = undefined;
    if (error === undefined) reading?.resolve(null);
    else reading?.reject(error);
  }
}
