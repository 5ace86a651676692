import { assert } from "../../base/assert.ts";
import { type Clock, DiskError, type Timer } from "../../io/types.ts";
import { type LibraryLocation, locationOf } from "../../sqlite/mod.ts";
import type { CopyReply, CopyRequest, CopyResults } from "./copy_thread.ts";
import { StoreFailedError } from "../failures.ts";
import type { Holder, LifeCycle } from "../life_cycle.ts";
import type { RequestTo, Thread, Threads } from "../threads.ts";
import { StoreBusyError } from "../types.ts";

/** Jobs that may wait for one another. */
const jobsMax = 8;
/**
 * So long without a job, in ms, and the thread ends: a Worker is several MB. Not much sooner: with
 * each that ends, Deno 2.4 loses some 10 KB for good, and a checkpoint may be due every few seconds.
 */
const restMs = 60_000;

interface Job {
  readonly request: CopyRequest;
  readonly settle: (outcome: Error | { readonly value: unknown }) => void;
}

/**
 * A thread for work on the database beside writer and readers, there while it is needed, which has
 * no connection between two jobs. One job at a time.
 */
export class Copier implements Holder {
  readonly #library: LibraryLocation;
  readonly #life: LifeCycle;
  readonly #threads: Threads;
  readonly #clock: Clock;
  readonly #cancelled = new Int32Array(new SharedArrayBuffer(4));
  #thread: Thread<RequestTo<"copier">> | undefined;
  readonly #jobs: Job[] = [];
  #running: Job | undefined;
  /** Ends the running job's use of the database. */
  #endUse: (() => void) | undefined;
  /** Ends the thread, while it has nothing to do. */
  #rest: Timer | undefined;

  constructor(library: LibraryLocation, life: LifeCycle, threads: Threads, clock: Clock) {
    this.#threads = threads;
    this.#clock = clock;
    this.#library = library;
    this.#life = life;
    life.hold(this);
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Throws a StoreBusyError when too many wait. Rejects with the signal's reason when it is aborted. */
  run<Type extends CopyRequest["type"]>(
    request: Extract<CopyRequest, { type: Type }>,
    signal?: AbortSignal,
  ): Promise<CopyResults[Type]> {
    const { refusal } = this.#life;
    if (refusal !== undefined) return Promise.reject(refusal);
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#jobs.length >= jobsMax) {
      return Promise.reject(new StoreBusyError("Too many copies of the database are being made"));
    }
    return new Promise((resolve, reject) => {
      const job: Job = {
        request,
        settle: (outcome) => {
          signal?.removeEventListener("abort", aborted);
          if (signal?.aborted) reject(signal.reason);
          else if (outcome instanceof Error) reject(outcome);
          else resolve(outcome.value as CopyResults[Type]);
        },
      };
      const aborted = () => this.#abandon(job);
      signal?.addEventListener("abort", aborted, { once: true });
      this.#jobs.push(job);
      this.#next();
    });
  }

  /** A job at hand ends a little later, and only then settles: until then its files are in use. */
  #abandon(job: Job): void {
    const at = this.#jobs.indexOf(job);
    if (at >= 0) {
      this.#jobs.splice(at, 1);
      job.settle(new Error("The copy was abandoned"));
    } else if (this.#running === job) {
      Atomics.store(this.#cancelled, 0, 1);
    }
  }

  #next(): void {
    if (this.#running !== undefined || !this.#life.isOpen) return;
    this.#running = this.#jobs.shift();
    if (this.#running === undefined) return;
    assert(this.#endUse === undefined, "A copy began while another was being made");
    this.#endUse = this.#life.begin();
    Atomics.store(this.#cancelled, 0, 0);
    this.#start().post(this.#running.request);
  }

  #start(): Thread<RequestTo<"copier">> {
    this.#rest?.cancel();
    if (this.#thread !== undefined) return this.#thread;
    const thread = this.#threads.start("copier", {
      receive: (reply) => this.#finish(reply.type === "answer" ? reply : this.#failure(reply)),
      died: (reason) => {
        this.#thread = undefined;
        this.#finish(new Error(`The copying Worker died: ${reason}`));
      },
    });
    thread.post({
      library: locationOf(this.#library),
      cancelled: this.#cancelled.buffer as SharedArrayBuffer,
    });
    this.#thread = thread;
    return thread;
  }

  #failure({ message, cause }: Extract<CopyReply, { type: "failed" }>): Error {
    const path = this.#running?.request.path ?? "";
    switch (cause) {
      case "full":
        return new DiskError("full", path, `${path}: ${message}`);
      case "disk":
        return new StoreFailedError(message);
      case "other":
        return new Error(message);
    }
  }

  #finish(outcome: Error | { readonly value: unknown }): void {
    const job = this.#running;
    this.#running = undefined;
    job?.settle(outcome);
    this.#endUse?.();
    this.#endUse = undefined;
    this.#next();
    if (this.#running === undefined && this.#thread !== undefined) {
      this.#rest = this.#clock.after(restMs, () => this.#endThread());
    }
  }

  #endThread(): void {
    this.#rest?.cancel();
    this.#thread?.terminate();
    this.#thread = undefined;
  }

  /** Gives the job at hand up. */
  hurry(): void {
    if (this.#running !== undefined) Atomics.store(this.#cancelled, 0, 1);
  }

  resume(): void {
    this.#next();
  }

  refuse(error: Error): void {
    for (const job of this.#jobs.splice(0)) job.settle(error);
  }

  fail(): void {
    this.hurry();
  }

  /** A job that is still at hand goes with its thread. */
  end(): void {
    this.#endThread();
    if (this.#running === undefined) return;
    this.#finish(this.#life.refusal ?? new StoreFailedError("The store is closed"));
  }
}
