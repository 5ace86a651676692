import { assert } from "../base/assert.ts";
import { StoreFailedError } from "./failures.ts";

/**
 * What may be done with the database's file:
 *
 * | state | the file | a use that comes now |
 * | --- | --- | --- |
 * | opening | is being opened for the first time | waits |
 * | open | is the database | begins |
 * | exchanging | is being replaced by another | waits |
 * | failed | can no longer be relied on | is refused |
 * | closed | has been let go of, or is about to be | is refused |
 */
export type LifeState = "opening" | "open" | "exchanging" | "failed" | "closed";

const transitions: Readonly<Record<LifeState, readonly LifeState[]>> = {
  opening: ["open", "failed", "closed"],
  open: ["exchanging", "failed", "closed"],
  exchanging: ["open", "failed"],
  failed: ["closed"],
  closed: [],
};

/** How long what runs may go on once the file is to be exchanged, in ms; then it is cut short. */
const exchangePatienceMs = 1000;

/** Something that has connections to the database, or Workers that have. */
export interface Holder {
  /** Has what it runs end: by itself within `patienceMs`, then by force. */
  hurry?(patienceMs: number): void;
  /** Closes its connections; nothing of it runs. */
  release?(): void | Promise<void>;
  /** Uses may begin again. */
  resume?(): void;
  /** Fails what has not begun: the store closes, or has failed. */
  refuse?(error: Error): void;
  /** Fails what runs, whatever comes of it: the store has failed. */
  fail?(error: Error): void;
  /** Ends its Workers, at the store's end. */
  end?(): void | Promise<void>;
}

interface Waiting {
  begin(): void;
  refuse(error: Error): void;
}

/**
 * The life of the database's file, from its opening to its end. Whoever uses the file asks here
 * first, and whoever keeps it open is a holder: so an exchange of the file, be it for a snapshot or
 * a load, meets nobody at it, and nobody meets a file that is half exchanged.
 *
 * A use is one of three:
 * - of a moment, on the main thread: where `isOpen` says so.
 * - counted, in a Worker or over several turns (`begin`, `use`): an exchange waits for its end.
 * - of the writer (`whenOpen`): not counted, for the writer does one thing after the other. What it
 *   was asked before it is asked to let go of the file, it does before; but when it is the writer
 *   that wants the exchange, in the middle of a batch with a load, it does the rest behind it.
 */
export class LifeCycle {
  /** Rejects when the store fails; never resolves. */
  readonly failed: Promise<never>;
  readonly #holders: Holder[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #rejectFailed: (error: Error) => void;
  #state: LifeState = "opening";
  #refusal: Error | undefined;
  /** Counted uses under way. */
  #uses = 0;
  /** To be called whenever the state or the count changes. */
  #watchers: (() => void)[] = [];

  constructor() {
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.failed.catch(() => {});
    this.#rejectFailed = reject;
  }

  get state(): LifeState {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Why nothing begins any more; undefined while something may, now or later. */
  get refusal(): Error | undefined {
    return this.#refusal;
  }

  /** To be called once by each holder, before it opens anything. */
  hold(holder: Holder): void {
    this.#holders.push(holder);
  }

  /** Counts a use that begins now; what it returns is to be called once, at its end. */
  begin(): () => void {
    assert(this.#state === "open", `A use of the database began while it was ${this.#state}`);
    this.#uses++;
    let ended = false;
    return () => {
      assert(!ended, "A use of the database ended twice");
      ended = true;
      this.#uses--;
      this.#changed();
    };
  }

  /** Counts `work` as a use, which begins when it may. */
  use<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.whenOpen(() => {
      const end = this.begin();
      return work().finally(end);
    });
  }

  /** Begins at once, or when the file may be used again, in the order asked for. */
  whenOpen<Result>(begin: () => Promise<Result>): Promise<Result> {
    if (this.#state === "open") return begin();
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({ begin: () => begin().then(resolve, reject), refuse: reject });
    return promise;
  }

  /** The file may be used: for the first time, or again. */
  opened(): void {
    this.#become("open");
    // Before any other use can come: an entry must not be applied before those that waited.
    for (const { begin } of this.#waiting.splice(0)) begin();
    for (const holder of this.#holders) holder.resume?.();
  }

  /** Has every holder let go of the file, and runs `work`, which puts another in its place and opens it. */
  async exchange(work: () => Promise<void>): Promise<void> {
    if (this.#refusal !== undefined) throw this.#refusal;
    this.#become("exchanging");
    await this.#letGo(exchangePatienceMs);
    await work();
    if (this.#refusal !== undefined) throw this.#refusal;
    assert(this.#uses === 0, "The database was used while it was exchanged");
    this.opened();
  }

  async #letGo(patienceMs: number): Promise<void> {
    for (const holder of this.#holders) holder.hurry?.(patienceMs);
    await this.#until(() => this.#uses === 0 || this.#state === "failed");
    if (this.#state === "failed") throw this.#refusal;
    await Promise.all(this.#holders.map((holder) => holder.release?.()));
  }

  /** Ends every use at once; false when there is nothing to fail any more. */
  fail(error: Error): boolean {
    if (this.#refusal !== undefined) return false;
    this.#become("failed");
    this.#refuse(error);
    for (const holder of this.#holders) holder.fail?.(error);
    this.#rejectFailed(error);
    return true;
  }

  /** Has every holder let go of the file, then runs `last`, and ends the holders' Workers. */
  async close(last: () => Promise<void>): Promise<void> {
    await this.#until(() => this.#state !== "exchanging");
    const failed = this.#state === "failed";
    this.#become("closed");
    try {
      if (!failed) {
        this.#refuse(new StoreFailedError("The store is closed"));
        await this.#letGo(0);
        await last();
      }
    } finally {
      await Promise.all(this.#holders.map((holder) => holder.end?.()));
    }
  }

  #refuse(error: Error): void {
    this.#refusal = error;
    for (const { refuse } of this.#waiting.splice(0)) refuse(error);
    for (const holder of this.#holders) holder.refuse?.(error);
  }

  #become(state: LifeState): void {
    assert(
      transitions[this.#state].includes(state),
      `The database cannot be ${state} after it was ${this.#state}`,
    );
    this.#state = state;
    this.#changed();
  }

  async #until(reached: () => boolean): Promise<void> {
    while (!reached()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  #changed(): void {
    for (const wake of this.#watchers.splice(0)) wake();
  }
}
