import { messageOf } from "../../base/message_of.ts";
import { type LiveReadRequest, type Store, StoreBusyError } from "../../store/types.ts";
import { type HeldStates, LiveState } from "./live_state.ts";
import type { RunSlots } from "./run_slots.ts";
import type { TableChanges, TableWatch, TableWatcher } from "./table_watch.ts";

/** Between the starts of two runs, in ms; and as many times as long as the last one took. */
const intervalMs = 100;
const runsPart = 5;
/** When readers are busy with others' requests, in ms. */
const busyMs = 1_000;

export interface LiveQueryParts {
  readonly store: Pick<Store, "distrusted" | "liveRead">;
  readonly tables: TableWatch;
  readonly slots: RunSlots;
  readonly states: HeldStates;
  /** Who asked for it first: its runs are his. */
  readonly owner: string;
}

/** One SELECT that is kept up to date for all who have asked for it, within the same rights. */
export class LiveQuery implements TableWatcher {
  readonly #parts: LiveQueryParts;
  readonly #request: LiveReadRequest;
  readonly #distrusted: number;
  #state: LiveState | undefined;
  #failure: Error | undefined;
  /** What the last run has seen. */
  #readIndex = 0;
  /** The last entry up to which the newest state is known to hold. */
  #validIndex = 0;
  /** The last entry that may have changed what it reads. */
  #changedAt = 0;
  /** The last one that may have changed what it reads from. */
  #schemaAt = 0;
  /** Undefined: perhaps all. */
  #tables: ReadonlySet<string> | undefined;
  #running = false;
  #nextRunAt = 0;
  /** How long the last run took, in ms. */
  #lastMs: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ran = Promise.withResolvers<void>();
  /** Readers had no time for the last run. */
  #refused: StoreBusyError | undefined;
  readonly #waiting = new Set<() => void>();
  readonly #ended = new AbortController();

  constructor(request: LiveReadRequest, parts: LiveQueryParts) {
    this.#request = request;
    this.#parts = parts;
    this.#distrusted = parts.store.distrusted;
    // Before it is run: what is changed from then on must be noted.
    parts.tables.add(this);
  }

  /** The newest; undefined before the first run. */
  get state(): LiveState | undefined {
    return this.#state;
  }

  /** Why there is no newer one, nor will be. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** False once the database that it was read from was found to be damaged: nothing of it is told. */
  get isTrusted(): boolean {
    return this.#parts.store.distrusted === this.#distrusted;
  }

  /** The last entry up to which the newest state is what the query comes to; it never goes back. */
  get validIndex(): number {
    return this.#validIndex;
  }

  get #isBehind(): boolean {
    return this.#changedAt > this.#readIndex;
  }

  /**
   * Resolves with a state that is valid at an entry, which must be applied. Rejects with its failure, or
   * when readers have no time for it for so long.
   */
  async reach(index: number, patienceMs: number): Promise<LiveState> {
    const deadline = performance.now() + patienceMs;
    if (this.#state === undefined) this.#schedule();
    await this.#parts.tables.reach(index);
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (!this.isTrusted) throw distrusted();
      if (this.#state !== undefined && this.validIndex >= index) return this.#state;
      await this.#ran.promise;
      if (this.#refused !== undefined && performance.now() > deadline) throw this.#refused;
    }
  }

  /** Resolves once there may be another state than `known`, or none any more, or the signal is aborted. */
  async changed(known: LiveState, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#failure !== undefined || this.#state !== known) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener("abort", done);
    });
  }

  note({ upTo, tables, everything }: TableChanges): void {
    let at = 0;
    if (everything > this.#readIndex) {
      this.#schemaAt = everything;
      this.#tables = undefined;
    }
    if (this.#tables === undefined) at = upTo;
    else for (const table of this.#tables) at = Math.max(at, tables.get(table) ?? 0);
    this.#changedAt = Math.max(this.#changedAt, at);
    if (this.#isBehind) this.#schedule();
    else this.#holds();
  }

  /** Nothing that was looked at has changed it since it was run. */
  #holds(): void {
    this.#validIndex = Math.max(this.#validIndex, this.#parts.tables.upTo);
  }

  #schedule(): void {
    if (this.#running || this.#timer !== undefined || this.#failure !== undefined) return;
    const waitMs = Math.max(0, this.#nextRunAt - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#running = true;
      void this.#run().finally(() => {
        this.#running = false;
        if (this.#isBehind || this.#state === undefined) this.#schedule();
      });
    }, waitMs);
  }

  async #run(): Promise<void> {
    const { slots, store, owner } = this.#parts;
    try {
      await slots.use({ owner, lastMs: this.#lastMs }, async () => {
        if (this.#failure !== undefined) return;
        this.#refused = undefined;
        const startedAt = performance.now();
        const read = await store.liveRead(this.#request, this.#ended.signal);
        this.#lastMs = read.tookMs;
        if (!this.isTrusted) return this.end(distrusted());
        this.#nextRunAt = startedAt + Math.max(intervalMs, runsPart * read.tookMs);
        this.#readIndex = read.index;
        this.#tables = this.#schemaAt > read.index ? undefined : read.tables;
        this.#show(new LiveState(read));
        if (this.#failure !== undefined) return;
        this.#validIndex = Math.max(this.#validIndex, read.index);
        if (!this.#isBehind) this.#holds();
      });
    } catch (error) {
      if (error instanceof StoreBusyError) {
        this.#nextRunAt = performance.now() + busyMs;
        this.#refused = error;
      } else {
        this.end(error instanceof Error ? error : new Error(messageOf(error)));
      }
    }
    this.#tellRan();
  }

  #show(state: LiveState): void {
    const { states } = this.#parts;
    const before = this.#state;
    if (this.#failure !== undefined || (before !== undefined && areEqual(before, state))) return;
    if (!states.show(state)) {
      this.end(new StoreBusyError("This node's live queries hold as many rows as they may"));
      return;
    }
    this.#state = state;
    if (before !== undefined) states.supersede(before);
    this.#tellNews();
  }

  #tellNews(): void {
    for (const resolve of this.#waiting) resolve();
  }

  #tellRan(): void {
    const { resolve } = this.#ran;
    this.#ran = Promise.withResolvers();
    resolve();
  }

  /** Whoever waits is told so, and it is run no more. */
  end(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ended.abort(error);
    this.#parts.tables.delete(this);
    if (this.#state !== undefined) this.#parts.states.supersede(this.#state);
    this.#tellNews();
    this.#tellRan();
  }
}

function distrusted(): StoreBusyError {
  return new StoreBusyError("This node's copy of the database is damaged: ask another node");
}

function areEqual(one: LiveState, other: LiveState): boolean {
  return areListsEqual(one.columns, other.columns) && areListsEqual(one.types, other.types) &&
    areListsEqual(one.rows ?? [], other.rows ?? []);
}

export function areListsEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each, place) => each === other[place]);
}
