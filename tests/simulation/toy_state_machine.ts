import type { Prng } from "../../src/base/prng.ts";
import type { Entry } from "../../src/raft/types.ts";
import {
  type AppliedEntry,
  type AppliedPosition,
  type ApplyEntry,
  SnapshotRejectedError,
  type StateMachine,
  type StateSnapshot,
} from "../../src/store/types.ts";
import type { EventQueue } from "./event_queue.ts";
import { ToyState } from "./toy_state.ts";
import type { SimulatedProcess } from "./virtual_clock.ts";

/** How fast and how sound one node's state machine is. */
export interface StoreFaults {
  readonly applyMsMax: number;
  readonly checkpointMsMax: number;
  /** Probability that a received snapshot arrives damaged. */
  readonly damage: number;
}

/** What lies on one node's disk for its database: outlives its processes. */
export class ToyStorage {
  #durable = new ToyState();
  /** Transactions in the write-ahead log that no checkpoint has synced, oldest first. */
  #unsynced: (readonly Entry[])[] = [];

  /** What a process finds that starts now. */
  load(): ToyState {
    const state = ToyState.decode(this.#durable.encode());
    for (const entries of this.#unsynced) for (const entry of entries) state.apply(entry);
    return state;
  }

  get durablePosition(): AppliedPosition {
    return this.#durable.position;
  }

  /** Where a process would find itself that starts now. */
  get position(): AppliedPosition {
    const last = this.#unsynced[this.#unsynced.length - 1]?.at(-1);
    return last === undefined ? this.#durable.position : { index: last.index, term: last.term };
  }

  get unsyncedCount(): number {
    return this.#unsynced.length;
  }

  committed(entries: readonly Entry[]): void {
    this.#unsynced.push(entries);
  }

  synced(count: number): void {
    for (const entries of this.#unsynced.splice(0, count)) {
      for (const entry of entries) this.#durable.apply(entry);
    }
  }

  /** The index of the last state that came as a snapshot; its log may not be there yet. */
  installedIndex = 0;

  replace(state: ToyState): void {
    this.installedIndex = state.position.index;
    this.#durable = ToyState.decode(state.encode());
    this.#unsynced = [];
  }

  /** The power fails: of the transactions not synced, any part from the front stays. */
  crashPower(random: Prng): void {
    this.#unsynced.length = random.below(this.#unsynced.length + 1);
  }
}

/** Sees every entry that is applied, and the state after it. */
export type ApplyObserver = (entry: Entry, state: ToyState) => void;

const snapshotChunkBytes = 512;

/**
 * A state machine in memory that falls back at a power cut as SQLite does in WAL mode with
 * synchronous=NORMAL: to some transaction after the last checkpoint, never to one not applied.
 */
export class ToyStateMachine implements StateMachine {
  readonly full = undefined;
  #state: ToyState;
  readonly #storage: ToyStorage;
  readonly #queue: EventQueue;
  readonly #process: SimulatedProcess;
  readonly #random: Prng;
  readonly #faults: () => StoreFaults;
  readonly #observe: ApplyObserver;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    storage: ToyStorage,
    queue: EventQueue,
    process: SimulatedProcess,
    random: Prng,
    faults: () => StoreFaults,
    observe: ApplyObserver,
  ) {
    this.#storage = storage;
    this.#queue = queue;
    this.#process = process;
    this.#random = random;
    this.#faults = faults;
    this.#observe = observe;
    this.#state = storage.load();
  }

  get applied(): AppliedPosition {
    return this.#state.position;
  }

  get state(): ToyState {
    return this.#state;
  }

  /** Resolves after up to `delayMsMax`; never in a process that has died meanwhile. */
  #pause(delayMsMax: number): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.schedule(
        this.#random.uint32() / 0x1_0000_0000 * delayMsMax,
        () => this.#process.run(resolve),
      );
    });
  }

  apply(entries: readonly ApplyEntry[]): Promise<AppliedEntry[]> {
    const applied = this.#last.then(async () => {
      await this.#pause(this.#faults().applyMsMax);
      const records = entries.map<AppliedEntry>(({ entry, answer: format }) => {
        const result = this.#state.apply(entry);
        this.#observe(entry, this.#state);
        const { index, term } = entry;
        if (format === undefined) return { index, term, answer: undefined };
        const answer = typeof result === "number" ? String(result) : result;
        return { index, term, answer };
      });
      this.#storage.committed(entries.map(({ entry }) => entry));
      return records;
    });
    this.#last = applied;
    return applied;
  }

  async checkpoint(): Promise<AppliedPosition> {
    const position = this.#state.position;
    const count = this.#storage.unsyncedCount;
    await this.#pause(this.#faults().checkpointMsMax);
    this.#storage.synced(count);
    return position;
  }

  async openSnapshot(): Promise<StateSnapshot> {
    await this.#pause(this.#faults().applyMsMax);
    const position = this.#state.position;
    const bytes = this.#state.encode();
    async function* body() {
      for (let at = 0; at < bytes.length; at += snapshotChunkBytes) {
        yield await Promise.resolve(bytes.subarray(at, at + snapshotChunkBytes));
      }
    }
    return {
      position,
      sizeBytes: bytes.length,
      body: body(),
      close: () => Promise.resolve(),
    };
  }

  async installSnapshot(
    body: AsyncIterable<Uint8Array>,
    accept?: (position: AppliedPosition) => Promise<void>,
  ): Promise<AppliedPosition> {
    const bytes: number[] = [];
    let state: ToyState;
    try {
      for await (const chunk of body) bytes.push(...chunk);
      if (this.#random.chance(this.#faults().damage)) {
        const at = this.#random.below(bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ 1;
      }
      state = ToyState.decode(new Uint8Array(bytes));
    } catch (error) {
      throw new SnapshotRejectedError("Snapshot refused by the toy", { cause: error });
    }
    await accept?.(state.position);
    await this.#pause(this.#faults().checkpointMsMax);
    this.#storage.replace(state);
    this.#state = state;
    return state.position;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
