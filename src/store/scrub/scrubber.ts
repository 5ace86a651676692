import type { Clock, Timer } from "../../io/types.ts";
import { type LibraryLocation, locationOf } from "../../sqlite/mod.ts";
import { StoreFailedError } from "../failures.ts";
import type { Holder, LifeCycle } from "../life_cycle.ts";
import { PendingRequests } from "../pending_requests.ts";
import type { CopyDigest, HeldCopy, RowChunk } from "../scrub_types.ts";
import type { RequestTo, Thread, Threads } from "../threads.ts";
import { StoreBusyError } from "../types.ts";
import type { ScrubReply, ScrubRequest } from "./scrub_thread.ts";
import { ScrubWord } from "./throttle.ts";

/** What it may take of one core. */
const share = 0.04;
/** The longest that a copy is held before no more tables are begun, in ms. */
const heldMsMax = 1_800_000;

export interface ScrubberParts {
  readonly library: LibraryLocation;
  readonly path: string;
  readonly life: LifeCycle;
  readonly threads: Threads;
  readonly clock: Clock;
}

/**
 * Holds the database as it is at one index, and reads it on a thread of its own, to be compared with
 * other nodes' copies. What is held keeps the WAL from being begun anew: it is cut short when that
 * has grown too much, or when another file takes the database's place.
 */
export class Scrubber implements Holder {
  readonly #parts: ScrubberParts;
  readonly #pending = new PendingRequests<ScrubRequest>();
  readonly #word = new Int32Array(new SharedArrayBuffer(4));
  #thread: Thread<RequestTo<"scrub">> | undefined;
  /** Ends the use of the file; undefined while nothing is held. */
  #endUse: (() => void) | undefined;
  /** Settles when what is held no more is let go of. */
  #ending: Promise<void> | undefined;
  #late: Timer | undefined;
  /** Files that were in the database's place before the one that is. */
  #filesBefore = 0;

  constructor(parts: ScrubberParts) {
    this.#parts = parts;
    parts.life.hold(this);
  }

  /** Starts its thread, which takes a while, so that `hold` does not. */
  prepare(): void {
    if (this.#parts.life.refusal === undefined) this.#thread ??= this.#start();
  }

  /** Holds what is committed now. Rejects with a StoreBusyError while something is held. */
  async hold(): Promise<HeldCopy> {
    await this.#ending;
    return await this.#parts.life.whenOpen(() => this.#hold());
  }

  async #hold(): Promise<HeldCopy> {
    if (this.#endUse !== undefined) {
      throw new StoreBusyError("The database is being compared already");
    }
    const endUse = this.#parts.life.begin();
    this.#endUse = endUse;
    this.#set(ScrubWord.goOn);
    const isHeld = () => this.#endUse === endUse && this.#ending === undefined;
    const ask = <Result>(request: ScrubRequest): Promise<Result> =>
      isHeld() ? this.#request(request) : Promise.reject(new Error("The copy is held no more"));
    try {
      const index = await this.#request<number>({ type: "hold" });
      if (!isHeld()) throw new Error("The copy is held no more");
      this.#late = this.#parts.clock.after(heldMsMax, () => this.cutShort());
      const filesBefore = this.#filesBefore;
      const isInPlace = () => this.#filesBefore === filesBefore;
      return {
        index,
        get isInPlace() {
          return isInPlace();
        },
        digest: (after) => ask<CopyDigest>({ type: "digest", after }),
        chunks: (table) => ask<RowChunk[]>({ type: "chunks", table }),
        rows: (table, from, count) => ask<number[]>({ type: "rows", table, from, count }),
        end: () => {
          if (isHeld()) this.#end();
        },
      };
    } catch (error) {
      if (isHeld()) this.#end();
      throw error;
    }
  }

  /** No more tables are begun: the WAL has grown, or it has taken long. */
  cutShort(): void {
    if (Atomics.load(this.#word, 0) === ScrubWord.goOn) this.#set(ScrubWord.cutShort);
  }

  #end(): void {
    this.#late?.cancel();
    this.#set(ScrubWord.end);
    const endUse = this.#endUse;
    this.#ending = this.#request<void>({ type: "end" }).catch(() => {}).finally(() => {
      this.#endUse = undefined;
      this.#ending = undefined;
      endUse?.();
    });
  }

  #set(word: number): void {
    Atomics.store(this.#word, 0, word);
    Atomics.notify(this.#word, 0);
  }

  #request<Result>(request: ScrubRequest): Promise<Result> {
    const thread = this.#thread ??= this.#start();
    return this.#pending.add<Result>(
      request,
      (id) => thread.post({ type: "request", id, request }),
    );
  }

  #start(): Thread<RequestTo<"scrub">> {
    const { threads, library, path } = this.#parts;
    const thread = threads.start("scrub", {
      receive: (reply) => this.#receive(reply),
      died: (reason) => {
        this.#thread = undefined;
        this.#pending.rejectAll(new Error(`The thread that compares copies died: ${reason}`));
      },
    });
    const { buffer: word } = this.#word;
    thread.post({ type: "start", library: locationOf(library), path, word, share });
    return thread;
  }

  #receive(reply: ScrubReply): void {
    if (reply.type === "answer") this.#pending.resolve(reply.id, reply.value);
    else this.#pending.reject(reply.id, new Error(reply.message));
  }

  hurry(): void {
    this.#filesBefore++;
    if (this.#endUse !== undefined && this.#ending === undefined) this.#end();
  }

  fail(error: Error): void {
    this.#set(ScrubWord.end);
    this.#pending.rejectAll(error);
  }

  end(): void {
    this.#late?.cancel();
    this.#thread?.terminate();
    this.#thread = undefined;
    this.#pending.rejectAll(new StoreFailedError("The store is closed"));
  }
}
