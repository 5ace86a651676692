import type { HashChecks } from "./gate.ts";
import type { HashTask } from "./hash_worker.ts";

/** Checks that wait, all together and of one address: beyond, they are turned away. */
const waitingMax = 64;
const ofAddressMax = 4;

interface Check extends HashTask {
  readonly address: string;
  readonly settle: (matches: boolean) => void;
}

/** Compares passwords with hashes in one Worker, one after the other: no flood of them tires the node. */
export class HashChecker implements HashChecks {
  #worker: Worker | undefined;
  readonly #waiting: Check[] = [];
  #current: Check | undefined;
  readonly #ofAddress = new Map<string, number>();

  check(password: Uint8Array, hash: string, address: string): Promise<boolean> | undefined {
    const count = this.#ofAddress.get(address) ?? 0;
    if (this.#waiting.length >= waitingMax || count >= ofAddressMax) return undefined;
    this.#ofAddress.set(address, count + 1);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.push({ password, hash, address, settle: resolve });
    this.#next();
    return promise;
  }

  /** Ends the Worker: what waits matches nothing. */
  end(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    if (this.#current !== undefined) this.#settle(this.#current, false);
    this.#current = undefined;
    for (const check of this.#waiting.splice(0)) this.#settle(check, false);
  }

  #next(): void {
    if (this.#current !== undefined) return;
    this.#current = this.#waiting.shift();
    if (this.#current === undefined) return;
    const { password, hash } = this.#current;
    const task: HashTask = { password, hash };
    this.#worker ??= this.#start();
    this.#worker.postMessage(task);
  }

  #start(): Worker {
    const worker = new Worker(new URL("./hash_worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<boolean>) => this.#done(data);
    worker.onerror = (event) => {
      // A password that cannot be checked is not right; the next one has a new Worker.
      event.preventDefault();
      worker.terminate();
      this.#worker = undefined;
      this.#done(false);
    };
    return worker;
  }

  #done(matches: boolean): void {
    if (this.#current !== undefined) this.#settle(this.#current, matches);
    this.#current = undefined;
    this.#next();
  }

  #settle({ address, settle }: Check, matches: boolean): void {
    const count = (this.#ofAddress.get(address) ?? 1) - 1;
    if (count === 0) this.#ofAddress.delete(address);
    else this.#ofAddress.set(address, count);
    settle(matches);
  }
}
