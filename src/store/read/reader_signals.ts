import { assert } from "../../base/assert.ts";

/** Tasks in one message to a reader. */
export const tasksPerMessageMax = 32;

/** Parts of a streamed answer that may be under way. */
export const partsAhead = 4;

const place = { credit: 0, cancelled: 1, claims: 2 } as const;

const claim = { open: 0, started: 1, takenBack: 2 } as const;

/** In place of the number of one that is cancelled; these are greater than 0. */
const everyTask = -1;

/** How long a reader sleeps between two looks whether its stream was cancelled, in ms. */
const sleepMs = 1000;

/** As Atomics.wait, but for what it returns. */
type Wait = (words: Int32Array, at: number, value: number, timeoutMs: number) => void;

/**
 * Memory that the main thread and one reader share: which tasks of a message have been started, so
 * that those behind a slow one can be taken back, and how much of a streamed answer is wanted.
 */
export class ReaderSignals {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #wait: Wait;

  /** `wait`: for the reader's side. */
  constructor(
    memory: SharedArrayBuffer = new SharedArrayBuffer((place.claims + tasksPerMessageMax) * 4),
    wait: Wait = Atomics.wait,
  ) {
    this.#wait = wait;
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** Main: before a message is sent; nothing of the one before is left. */
  open(): void {
    this.#words.fill(claim.open, place.claims);
  }

  /** Main: takes task number `slot` of the message back; false when it has been started. */
  takeBack(slot: number): boolean {
    return this.#claim(slot, claim.takenBack);
  }

  /** Reader: starts it; false when it was taken back. */
  start(slot: number): boolean {
    return this.#claim(slot, claim.started);
  }

  #claim(slot: number, as: number): boolean {
    assert(slot >= 0 && slot < tasksPerMessageMax, "A message to a reader has no such task");
    const before = Atomics.compareExchange(this.#words, place.claims + slot, claim.open, as);
    return before === claim.open;
  }

  /** Main: a stream may send this many more parts. */
  grant(parts: number): void {
    Atomics.add(this.#words, place.credit, parts);
    Atomics.notify(this.#words, place.credit);
  }

  /** Main: nobody wants the rest of a task's stream, which may have ended, and another have begun. */
  cancel(task: number): void {
    Atomics.store(this.#words, place.cancelled, task);
    Atomics.notify(this.#words, place.credit);
  }

  /** Main: nobody wants anything any more. */
  end(): void {
    this.cancel(everyTask);
  }

  /** Reader: begins a stream. */
  beginStream(): void {
    Atomics.store(this.#words, place.credit, partsAhead);
  }

  /** Reader: waits until one more part of a task's stream is wanted; false when that was cancelled. */
  awaitCredit(task: number): boolean {
    for (;;) {
      const cancelled = Atomics.load(this.#words, place.cancelled);
      if (cancelled === task || cancelled === everyTask) return false;
      const credit = Atomics.load(this.#words, place.credit);
      if (credit > 0) {
        Atomics.sub(this.#words, place.credit, 1);
        return true;
      }
      this.#wait(this.#words, place.credit, credit, sleepMs);
    }
  }
}
