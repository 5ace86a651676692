import { ByteWriter } from "../../base/bytes.ts";
import type { LibraryLocation } from "../../sqlite/mod.ts";
import { writeSteps } from "../codec/script_codec.ts";
import { StoreFailedError } from "../failures.ts";
import type { Holder, LifeCycle } from "../life_cycle.ts";
import type { RequestTo, Thread, Threads } from "../threads.ts";
import { type HeldRead, type Rehearsal, StoreBusyError } from "../types.ts";
import type { HeldReadsReply, HeldReadsRequest } from "./held_reads_thread.ts";

/** What may be held at a time: each keeps the WAL from being begun anew. */
const heldMax = 256;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * What transactions hold while they only read: the database as it is committed at their first read,
 * whatever is written meanwhile. A thread, started when first needed, has a connection for each.
 */
export class HeldReads implements Holder {
  readonly #parts: {
    readonly library: LibraryLocation;
    readonly path: string;
    readonly foreignKeys: () => boolean;
    readonly life: LifeCycle;
    readonly threads: Threads;
  };
  #thread: Thread<RequestTo<"held_reads">> | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #lastHeld = 0;
  #held = 0;
  /** Counts exchanges of the file, by which all that is held is gone. */
  #age = 0;

  constructor(parts: {
    readonly library: LibraryLocation;
    readonly path: string;
    readonly foreignKeys: () => boolean;
    readonly life: LifeCycle;
    readonly threads: Threads;
  }) {
    this.#parts = parts;
    parts.life.hold(this);
  }

  /** Holds what is committed now. Rejects with a StoreBusyError when too much is held. */
  async hold(): Promise<HeldRead> {
    if (this.#held >= heldMax) {
      throw new StoreBusyError(`Too many transactions read (${heldMax}), try again later`);
    }
    this.#held++;
    const held = ++this.#lastHeld;
    let isHeld = true;
    const letGo = () => {
      if (!isHeld) return;
      isHeld = false;
      this.#held--;
      if (this.#thread !== undefined) this.#request({ type: "let_go", held }).catch(() => {});
    };
    try {
      await this.#parts.life.whenOpen(() => this.#request({ type: "hold", held }));
    } catch (error) {
      letGo();
      throw error;
    }
    const age = this.#age;
    return {
      run: (step, rights) => {
        if (age !== this.#age) {
          return Promise.reject(new StoreBusyError("The database was replaced by another"));
        }
        const writer = new ByteWriter();
        writeSteps(writer, [step]);
        return this.#request<Rehearsal>({ type: "run", held, script: writer.copy(), rights });
      },
      letGo,
    };
  }

  #request<Result>(request: HeldReadsRequest): Promise<Result> {
    const { refusal } = this.#parts.life;
    if (refusal !== undefined) return Promise.reject(refusal);
    const thread = this.#thread ?? this.#start();
    const id = ++this.#lastId;
    return new Promise<Result>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      thread.post({ type: "request", id, request });
    });
  }

  #start(): Thread<RequestTo<"held_reads">> {
    const { threads, library, path, foreignKeys } = this.#parts;
    const thread = threads.start("held_reads", {
      receive: (reply) => this.#receive(reply),
      died: (reason) => {
        this.#thread = undefined;
        this.#age++;
        this.#failAll(new StoreBusyError(`What transactions read is lost: ${reason}`));
      },
    });
    const location = { path: library.path, origin: library.origin };
    thread.post({ type: "start", library: location, path, foreignKeys: foreignKeys() });
    this.#thread = thread;
    return thread;
  }

  #receive(reply: HeldReadsReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (reply.type === "answer") waiting?.resolve(reply.value);
    else waiting?.reject(new StoreBusyError(`Read failed: ${reply.message}`));
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }

  async release(): Promise<void> {
    this.#age++;
    const thread = this.#thread;
    if (thread === undefined) return;
    const id = ++this.#lastId;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.set(id, { resolve: () => resolve(), reject });
      thread.post({ type: "request", id, request: { type: "release" } });
    });
  }

  fail(error: Error): void {
    this.#failAll(error);
  }

  end(): void {
    this.#thread?.terminate();
    this.#thread = undefined;
    this.#failAll(new StoreFailedError("The store is closed"));
  }
}
