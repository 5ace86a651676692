import { assert } from "../base/assert.ts";
import type { Raft } from "../raft/raft.ts";
import type { ReadMode, ReadState } from "../raft/types.ts";
import { NodeError } from "./types.ts";

interface Waiter {
  readonly deadline: number;
  readonly resolve: (index: number) => void;
  readonly reject: (error: NodeError) => void;
}

interface Round {
  readonly mode: ReadMode;
  waiters: Waiter[];
}

/**
 * Linearizable and lease reads waiting for their index (thesis 6.4). All that arrive while a round
 * is under way share the next one, so that a round serves any number of reads; then they wait
 * until their index is applied here.
 */
export class ReadBarriers {
  readonly #raft: Pick<Raft, "readIndex">;
  readonly #waitersMax: number;
  /** Arrived since the last round of their mode began. */
  readonly #next: Record<ReadMode, Waiter[]> = { quorum: [], lease: [] };
  /** By the context that the core gave them; it asks until they are answered or dropped. */
  readonly #rounds = new Map<number, Round>();
  readonly #underWay: Record<ReadMode, boolean> = { quorum: false, lease: false };
  /** Have their index, ascending by arrival, and wait for the state machine. */
  #confirmed: { index: number; waiters: Waiter[] }[] = [];
  #count = 0;

  constructor(raft: Pick<Raft, "readIndex">, waitersMax: number) {
    this.#raft = raft;
    this.#waitersMax = waitersMax;
  }

  get size(): number {
    return this.#count;
  }

  /** Resolves with the read index, once everything up to it is applied here. */
  wait(mode: ReadMode, deadline: number): Promise<number> {
    if (this.#count >= this.#waitersMax) return Promise.reject(this.#overloaded());
    this.#count++;
    return new Promise((resolve, reject) => {
      this.#next[mode].push({ deadline, resolve, reject });
    });
  }

  /** Waits, without asking anyone, until `index` is applied here. */
  waitApplied(index: number, applied: number, deadline: number): Promise<number> {
    if (index <= applied) return Promise.resolve(index);
    if (this.#count >= this.#waitersMax) return Promise.reject(this.#overloaded());
    this.#count++;
    return new Promise((resolve, reject) => {
      this.#confirmed.push({ index, waiters: [{ deadline, resolve, reject }] });
    });
  }

  #overloaded(): NodeError {
    return new NodeError("overloaded", `Too many reads waiting (${this.#waitersMax})`);
  }

  /** Starts a round for those that wait, unless one of their mode is under way. */
  begin(): void {
    this.#beginMode("quorum");
    this.#beginMode("lease");
  }

  #beginMode(mode: ReadMode): void {
    const waiters = this.#next[mode];
    if (waiters.length === 0 || this.#underWay[mode]) return;
    this.#next[mode] = [];
    this.#underWay[mode] = true;
    this.#rounds.set(this.#raft.readIndex(mode), { mode, waiters });
  }

  confirmed(states: readonly ReadState[], applied: number): void {
    for (const { context, index } of states) {
      const round = this.#finish(context);
      if (round === undefined) continue;
      if (index <= applied) this.#resolve(round.waiters, index);
      else this.#confirmed.push({ index, waiters: round.waiters });
    }
  }

  /** The round got no answer: its reads go into the next one, at the next tick. */
  dropped(contexts: readonly number[]): void {
    for (const context of contexts) {
      const round = this.#finish(context);
      if (round !== undefined) this.#next[round.mode].unshift(...round.waiters);
    }
  }

  #finish(context: number): Round | undefined {
    const round = this.#rounds.get(context);
    if (round !== undefined) {
      this.#rounds.delete(context);
      this.#underWay[round.mode] = false;
    }
    return round;
  }

  #resolve(waiters: Waiter[], index: number): void {
    this.#count -= waiters.length;
    assert(this.#count >= 0, "More reads are answered than wait");
    for (const waiter of waiters) waiter.resolve(index);
  }

  applied(index: number): void {
    if (this.#confirmed.length === 0) return;
    const later = [];
    for (const batch of this.#confirmed) {
      if (batch.index <= index) this.#resolve(batch.waiters, batch.index);
      else later.push(batch);
    }
    this.#confirmed = later;
  }

  expire(now: number): void {
    if (this.#count === 0) return;
    const keep = (waiters: Waiter[]) =>
      waiters.filter((waiter) => {
        if (waiter.deadline > now) return true;
        this.#count--;
        waiter.reject(new NodeError("timeout", "The read was not confirmed by the leader in time"));
        return false;
      });
    this.#next.quorum = keep(this.#next.quorum);
    this.#next.lease = keep(this.#next.lease);
    for (const round of this.#rounds.values()) round.waiters = keep(round.waiters);
    this.#confirmed = this.#confirmed
      .map(({ index, waiters }) => ({ index, waiters: keep(waiters) }))
      .filter(({ waiters }) => waiters.length > 0);
  }

  failAll(message: string): void {
    const fail = (waiters: Waiter[]) => {
      for (const waiter of waiters) waiter.reject(new NodeError("unavailable", message));
    };
    fail(this.#next.quorum);
    fail(this.#next.lease);
    for (const round of this.#rounds.values()) fail(round.waiters);
    for (const batch of this.#confirmed) fail(batch.waiters);
    this.#next.quorum = [];
    this.#next.lease = [];
    this.#rounds.clear();
    this.#confirmed = [];
    this.#underWay.quorum = false;
    this.#underWay.lease = false;
    this.#count = 0;
  }
}
