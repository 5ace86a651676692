import { assert } from "../base/assert.ts";
import type { Database } from "./database.ts";
import type { Library } from "./library.ts";

/** Places in the shared memory, in 32-bit words; the address is two of them. */
const lockWord = 0;
const taskWord = 1;
const stoppedWord = 2;
const addressWord = 4;
const cellBytes = 24;

/** About a tenth of a second, where the lock is held for a microsecond. */
const spinsMax = 10_000_000;

/**
 * Lets another thread interrupt what a connection runs, and only that.
 *
 * It is shared memory with a lock, the connection's address and the number of the task that runs.
 * The owner takes the address out under the lock before it closes the connection, and the other
 * side calls sqlite3_interrupt only while it holds the lock: so never on a closed connection, and
 * never on a task other than the one meant. The lock is held for about a microsecond.
 */
export class InterruptCell {
  /** To be handed to the other thread. */
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #address: BigInt64Array;

  /** A new cell, or one made elsewhere, from its `memory`. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(cellBytes)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
    this.#address = new BigInt64Array(memory, addressWord * 4, 1);
  }

  /** Owner: from now on `database` can be interrupted. */
  attach(database: Database): void {
    this.#locked(() => {
      assert(this.#address[0] === 0n, "A connection took an interrupt cell that another one has");
      this.#address[0] = BigInt.asIntN(64, Deno.UnsafePointer.value(database.pointer));
    });
  }

  /** Owner: must come before `Database.close`. */
  detach(): void {
    this.#locked(() => {
      this.#address[0] = 0n;
      this.#words[taskWord] = 0;
    });
  }

  /** Owner: starts `task`, a number from 1 to 2^31 - 1. */
  begin(task: number): void {
    assert(task > 0 && task <= 0x7fff_ffff, "The number of a task is not one");
    this.#locked(() => {
      this.#words[taskWord] = task;
      this.#words[stoppedWord] = 0;
    });
  }

  /** Owner: nothing runs any more. Returns whether the task had been interrupted. */
  end(): boolean {
    return this.#locked(() => {
      this.#words[taskWord] = 0;
      return this.#words[stoppedWord] === 1;
    });
  }

  /** Owner: whether the running task was interrupted; to be asked before each of its statements. */
  get interrupted(): boolean {
    return Atomics.load(this.#words, stoppedWord) === 1;
  }

  /**
   * Other thread: interrupts `task`; false when it does not run. SQLite forgets an interrupt that
   * comes between two statements: call again, a few milliseconds later, while it returns true.
   */
  interrupt(library: Library, task: number): boolean {
    return this.#locked(() => {
      const address = this.#address[0] ?? 0n;
      if (address === 0n || this.#words[taskWord] !== task) return false;
      this.#words[stoppedWord] = 1;
      library.symbols.sqlite3_interrupt(Deno.UnsafePointer.create(BigInt.asUintN(64, address)));
      return true;
    });
  }

  #locked<Result>(body: () => Result): Result {
    for (let spins = 0; Atomics.compareExchange(this.#words, lockWord, 0, 1) !== 0; spins++) {
      if (spins === spinsMax) {
        throw new Error("Interrupt cell stays locked: its other thread was terminated");
      }
    }
    try {
      return body();
    } finally {
      Atomics.store(this.#words, lockWord, 0);
    }
  }
}
