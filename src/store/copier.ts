import { DiskError } from "../io/types.ts";
import type { LibraryLocation } from "../sqlite/mod.ts";
import type { CopyReply, CopyRequest, CopyResults, CopyStart } from "./copy_worker.ts";
import { StoreBusyError } from "./types.ts";

/** Jobs that may wait for one another. */
const jobsMax = 8;

interface Job {
  readonly request: CopyRequest;
  readonly settle: (outcome: Error | { readonly value: unknown }) => void;
}

/** A Worker for work on the database beside writer and readers, started when first needed. One job at a time. */
export class Copier {
  readonly #library: LibraryLocation;
  readonly #cancelled = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | undefined;
  readonly #jobs: Job[] = [];
  #running: Job | undefined;
  #paused = false;
  #calm: (() => void)[] = [];
  #closed: Error | undefined;

  constructor(library: LibraryLocation) {
    this.#library = library;
  }

  /** Throws a StoreBusyError when too many wait. Rejects with the signal's reason when it is aborted. */
  run<Type extends CopyRequest["type"]>(
    request: Extract<CopyRequest, { type: Type }>,
    signal?: AbortSignal,
  ): Promise<CopyResults[Type]> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
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
    if (this.#running !== undefined || this.#paused) return;
    this.#running = this.#jobs.shift();
    if (this.#running === undefined) return;
    Atomics.store(this.#cancelled, 0, 0);
    this.#start().postMessage(this.#running.request);
  }

  #start(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(new URL("./copy_worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<CopyReply>) => {
      this.#finish(data.type === "answer" ? data : this.#failure(data));
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#worker = undefined;
      this.#finish(new Error(`The copying Worker died: ${event.message}`));
    };
    const { path, origin } = this.#library;
    const start: CopyStart = {
      library: { path, origin },
      cancelled: this.#cancelled.buffer as SharedArrayBuffer,
    };
    worker.postMessage(start);
    this.#worker = worker;
    return worker;
  }

  #failure({ message, outOfRoom }: Extract<CopyReply, { type: "failed" }>): Error {
    const path = this.#running?.request.path ?? "";
    return outOfRoom ? new DiskError("full", path, `${path}: ${message}`) : new Error(message);
  }

  #finish(outcome: Error | { readonly value: unknown }): void {
    const job = this.#running;
    this.#running = undefined;
    job?.settle(outcome);
    for (const resolve of this.#calm.splice(0)) resolve();
    this.#next();
  }

  /** Starts no more jobs, gives the one at hand up, and resolves when it has ended. */
  async pause(): Promise<void> {
    this.#paused = true;
    if (this.#running === undefined) return;
    Atomics.store(this.#cancelled, 0, 1);
    await new Promise<void>((resolve) => this.#calm.push(resolve));
  }

  resume(): void {
    this.#paused = false;
    this.#next();
  }

  async close(error: Error): Promise<void> {
    this.#closed ??= error;
    for (const job of this.#jobs.splice(0)) job.settle(error);
    await this.pause();
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}
