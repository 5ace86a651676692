import { Histogram } from "../../base/histogram.ts";

const connections = 0;
const served = 1;
const statements = 2;
const passed = 3;
const written = 4;
const numbers = 5;
/** A Histogram's own, for the bounds that it has by itself. */
const histogramNumbers = new Histogram().counts.length + 1;

/**
 * What a thread has done, in memory that the main thread looks at whenever somebody asks. The one
 * writes what the other reads: a number is seen a little earlier or later, and never torn.
 */
export class ThreadFigures {
  readonly memory: SharedArrayBuffer;
  readonly #numbers: Float64Array;
  /** Times that its own answers took, in seconds. */
  readonly durations: Histogram;

  constructor(
    memory = new SharedArrayBuffer((numbers + histogramNumbers) * Float64Array.BYTES_PER_ELEMENT),
  ) {
    this.memory = memory;
    const all = new Float64Array(memory);
    this.#numbers = all.subarray(0, numbers);
    this.durations = new Histogram(undefined, all.subarray(numbers));
  }

  #get(at: number): number {
    return this.#numbers[at] ?? 0;
  }

  /** Connections open at it. */
  get connections(): number {
    return this.#get(connections);
  }

  set connections(count: number) {
    this.#numbers[connections] = count;
  }

  /** Requests that it answered by itself. */
  get served(): number {
    return this.#get(served);
  }

  /** Statements of these. */
  get statements(): number {
    return this.#get(statements);
  }

  /** Requests that it passed on to the main thread. */
  get passed(): number {
    return this.#get(passed);
  }

  /** Writes that it read, and the main thread carried out. */
  get written(): number {
    return this.#get(written);
  }

  answered(statementsOfIt: number, seconds: number): void {
    this.#numbers[served] = this.served + 1;
    this.#numbers[statements] = this.statements + statementsOfIt;
    this.durations.observe(seconds);
  }

  wrote(): void {
    this.#numbers[written] = this.written + 1;
  }

  passedOn(): void {
    this.#numbers[passed] = this.passed + 1;
  }
}
