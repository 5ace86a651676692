import { assert } from "../base/assert.ts";
import type { HashChecks, HashOutcome, HashQuestion } from "./gate.ts";
import type { HashTask } from "./hash_worker.ts";

/** Checks that wait, all together and of one address: beyond, somebody is turned away. */
const waitingMax = 64;
const ofAddressMax = 4;

interface Check {
  readonly name: string;
  readonly address: string;
  readonly trusted: () => boolean;
  readonly task: HashTask;
  readonly outcome: Promise<HashOutcome>;
  readonly settle: (outcome: HashOutcome) => void;
}

/**
 * Compares passwords with hashes in one Worker, one after the other: no flood of them tires the node.
 * Addresses take turns, those from which nobody failed lately before all others, so that who floods
 * waits longest, and is turned away first. Who asks the same as somebody before waits for the same
 * answer: many connections of one client begin together.
 */
export class HashChecker implements HashChecks {
  #worker: Worker | undefined;
  /** Under way, by what is asked. */
  readonly #checks = new Map<string, Check>();
  /** By address, the one whose turn it is first. */
  readonly #waiting = new Map<string, Check[]>();
  #waitingCount = 0;
  #current: Check | undefined;

  check({ password, digest, hash, address, trusted }: HashQuestion): Promise<HashOutcome> {
    const name = `${digest.toString("base64")} ${hash}`;
    const same = this.#checks.get(name);
    if (same !== undefined) return same.outcome;
    if (!this.#makeRoom(address, trusted())) return Promise.resolve("busy");
    const { promise, resolve } = Promise.withResolvers<HashOutcome>();
    const task = { password, hash };
    this.#wait({ name, address, trusted, task, outcome: promise, settle: resolve });
    this.#next();
    return promise;
  }

  /** Ends the Worker: what waits matches nothing. */
  end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const check of this.#checks.values()) check.settle("wrong");
    this.#checks.clear();
    this.#waiting.clear();
    this.#waitingCount = 0;
    this.#current = undefined;
  }

  /** Whether one more of `address` may wait, be it in the place of one that comes after it. */
  #makeRoom(address: string, trusted: boolean): boolean {
    const own = this.#waiting.get(address)?.length ?? 0;
    if (own >= ofAddressMax) return false;
    if (this.#waitingCount < waitingMax) return true;
    let last: Check[] = [];
    for (const queue of this.#waiting.values()) if (rank(queue) > rank(last)) last = queue;
    if (rank(last) <= own + 1 + (trusted ? 0 : ofAddressMax)) return false;
    const check = last.pop();
    assert(check !== undefined, "An empty queue was the longest");
    if (last.length === 0) this.#waiting.delete(check.address);
    this.#waitingCount--;
    this.#settle(check, "busy");
    return true;
  }

  #wait(check: Check): void {
    this.#checks.set(check.name, check);
    const queue = this.#waiting.get(check.address);
    if (queue === undefined) this.#waiting.set(check.address, [check]);
    else queue.push(check);
    this.#waitingCount++;
    assert(this.#waitingCount <= waitingMax, "More passwords wait to be compared than may");
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const turn = this.#nextTurn();
    if (turn === undefined) return;
    const [address, queue] = turn;
    this.#waiting.delete(address);
    this.#current = queue.shift();
    assert(this.#current !== undefined, "An address waited with nothing");
    this.#waitingCount--;
    if (queue.length > 0) this.#waiting.set(address, queue);
    this.#worker ??= this.#start();
    this.#worker.postMessage(this.#current.task);
  }

  #nextTurn(): [string, Check[]] | undefined {
    for (const turn of this.#waiting) if (turn[1][0]?.trusted() === true) return turn;
    const [first] = this.#waiting;
    return first;
  }

  #start(): Worker {
    const worker = new Worker(new URL("./hash_worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<boolean>) => this.#done(data ? "right" : "wrong");
    worker.onerror = (event) => {
      // A password that cannot be checked is not right; the next one has a new Worker.
      event.preventDefault();
      worker.terminate();
      this.#worker = undefined;
      this.#done("wrong");
    };
    return worker;
  }

  #done(outcome: HashOutcome): void {
    if (this.#current !== undefined) this.#settle(this.#current, outcome);
    this.#current = undefined;
    this.#next();
  }

  #settle(check: Check, outcome: HashOutcome): void {
    this.#checks.delete(check.name);
    check.settle(outcome);
  }
}

/** The higher, the sooner one of them is turned away for others: by number, but first those not trusted. */
function rank(queue: readonly Check[]): number {
  return queue.length + (queue.at(-1)?.trusted() === false ? ofAddressMax : 0);
}
