import type { Clock } from "../io/types.ts";
import type { Writer } from "./writer.ts";
import type { WriterStatus } from "./writer_worker.ts";

/** How long the writer may take to say how it is, in ms. */
const waitMs = 200;

/** What the writer says of itself; while it is busy with a long write, what it last said. */
export class WriterStatusWatch {
  readonly #writer: Writer;
  readonly #clock: Clock;
  #asked: Promise<WriterStatus> | undefined;
  #last: WriterStatus | undefined;

  constructor(writer: Writer, clock: Clock) {
    this.#writer = writer;
    this.#clock = clock;
  }

  async ask(): Promise<WriterStatus> {
    this.#asked ??= this.#writer.status().then((status) => {
      this.#last = status;
      return status;
    }).finally(() => this.#asked = undefined);
    const last = this.#last;
    if (last === undefined) return await this.#asked;
    const asked = this.#asked;
    return await new Promise((resolve, reject) => {
      const late = this.#clock.after(waitMs, () => resolve(last));
      asked.then(resolve, reject).finally(() => late.cancel());
    });
  }
}
