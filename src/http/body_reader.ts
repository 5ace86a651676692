import { EncodedStatements } from "../store/types.ts";
import { notUtf8 } from "./request_body.ts";
import type { BodyReading, BodyTask } from "./body_task.ts";
import type { BodyReply } from "./body_worker.ts";
import type { LargeBody } from "./large_body.ts";
import { LargeStatements } from "./large_statements.ts";
import { RequestError } from "./request_error.ts";
import { NoStatementsError } from "./statements.ts";

/** Bodies beyond this size wait for each other, and none of the smaller ones for them. */
const laneBytesMax = 4 * 1024 * 1024;
/** How long a Worker is kept without work, in ms: it may have grown by gigabytes. */
const keptMs = 10_000;

export type LargeBodyOptions = Omit<BodyTask, "id" | "parts">;

/** Thrown for a text of more than `charactersMax`. */
export class BodyTooLongError extends Error {
  override name = "BodyTooLongError";
  constructor(readonly characters: number) {
    super(`Body of ${characters} characters`);
  }
}

/** Thrown for SQL that is no UTF-8. */
export class NotUtf8Error extends Error {
  override name = "NotUtf8Error";
}

/** Has large bodies read and their statements encoded by Workers, which live while there is work. */
export class BodyReader {
  readonly #small = new Lane();
  readonly #large = new Lane();

  /** Throws a RequestError, a BodyTooLongError or a NotUtf8Error. */
  async read(body: LargeBody, options: LargeBodyOptions): Promise<LargeStatements> {
    return statementsOf(await this.#laneOf(body).read({ ...options, parts: body.parts }));
  }

  /** The JSON of a body, which it takes over. Throws a RequestError. */
  async value(body: Uint8Array<ArrayBuffer>): Promise<unknown> {
    const whole = { exact: false, wanted: "texts", charactersMax: Infinity } as const;
    const task = { ...whole, type: "value", parts: [body] } as const;
    const reading = await this.#laneOf(body).read(task);
    return reading.type === "value" ? reading.value : statementsOf(reading);
  }

  #laneOf({ length }: { readonly length: number }): Lane {
    return length <= laneBytesMax ? this.#small : this.#large;
  }

  /** Ends the Workers; what is under way fails. */
  end(): void {
    this.#small.end();
    this.#large.end();
  }
}

function statementsOf(reading: BodyReading): LargeStatements {
  switch (reading.type) {
    case "statements": {
      const { bytes, count, breaking, context, inspection, characters } = reading;
      return new LargeStatements(bytes, count, {
        breaking,
        setsContext: context,
        inspection: inspection && new EncodedStatements(inspection, count),
        characters,
      });
    }
    case "value":
      throw new Error("A body that was to be read as statements was read as JSON");
    case "too_long":
      throw new BodyTooLongError(reading.characters);
    case "not_utf8":
      throw new NotUtf8Error(notUtf8);
    case "no_statements":
      throw new NoStatementsError();
    case "refused":
      throw new RequestError(reading.status, reading.message);
  }
}

/** One Worker, started when there is something to read and ended when there was nothing for long. */
class Lane {
  readonly #waiting = new Map<number, PromiseWithResolvers<BodyReading>>();
  #worker: Worker | undefined;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #lastId = 0;

  read(task: Omit<BodyTask, "id">): Promise<BodyReading> {
    clearTimeout(this.#idle);
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<BodyReading>();
    this.#waiting.set(id, waiting);
    this.#worker ??= this.#start();
    this.#worker.postMessage({ ...task, id }, task.parts.map(({ buffer }) => buffer));
    return waiting.promise;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./body_worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<BodyReply>) => this.#receive(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(`The Worker that reads large bodies died: ${event.message}`);
    };
    return worker;
  }

  #receive({ id, reading }: BodyReply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (reading.type === "failed") waiting?.reject(new Error(reading.message));
    else waiting?.resolve(reading);
    if (this.#waiting.size === 0) this.#idle = setTimeout(() => this.end(), keptMs);
  }

  #fail(message: string): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(new Error(message));
    this.#waiting.clear();
  }

  end(): void {
    clearTimeout(this.#idle);
    this.#fail("The node is stopping");
  }
}
