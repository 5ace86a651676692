import type { OutgoingMessage, Sink } from "./types.ts";

const newline = new Uint8Array([0x0a]);

/** Prints messages, one a line. */
export class StdoutSink implements Sink {
  readonly name = "stdout";
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor(stdout: WritableStream<Uint8Array>) {
    this.#writer = stdout.getWriter();
  }

  async send({ bytes: message }: OutgoingMessage): Promise<void> {
    const line = new Uint8Array(message.length + 1);
    line.set(message);
    line.set(newline, message.length);
    await this.#writer.write(line);
  }

  close(): void {
    this.#writer.releaseLock();
  }
}
