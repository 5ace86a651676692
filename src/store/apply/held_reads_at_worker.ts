import { locationOf } from "../../sqlite/mod.ts";
import { scriptOf } from "../codec/script_codec.ts";
import { StoreFailedError } from "../failures.ts";
import { PendingRequests } from "../pending_requests.ts";
import type { RequestTo, Thread } from "../threads.ts";
import { type HeldRead, HeldReadLostError, type Rehearsal, StoreBusyError } from "../types.ts";
import type { HeldReadsParts } from "./held_reads.ts";
import type { HeldReadsReply, HeldReadsRequest } from "./held_reads_thread.ts";

type HeldReadsThread = Thread<RequestTo<"held_reads">>;

/** Reads that are held at one thread, which is started when it is first needed, and after its death. */
export class HeldReadsWorker {
  readonly #parts: HeldReadsParts;
  #thread: HeldReadsThread | undefined;
  readonly #pending = new PendingRequests<HeldReadsRequest>();
  #lastHeld = 0;
  #held = 0;
  /** Counts how often all that was held was lost. */
  #age = 0;
  /** A word that is 1 while all that is held is to end, however long its statement would take. */
  readonly #ending = new Int32Array(new SharedArrayBuffer(4));

  constructor(parts: HeldReadsParts) {
    this.#parts = parts;
  }

  /** Requests that are not answered. */
  get pending(): number {
    return this.#pending.size;
  }

  get held(): number {
    return this.#held;
  }

  /** Holds what is committed now, until it is let go of: `ended` is then told, be it more than once. */
  async hold(ended: () => void): Promise<HeldRead> {
    const held = ++this.#lastHeld;
    const age = this.#age;
    this.#held++;
    let isHeld = true;
    const letGo = () => {
      ended();
      if (!isHeld) return;
      isHeld = false;
      this.#held--;
      if (this.#thread !== undefined) this.#request({ type: "let_go", held }).catch(() => {});
    };
    try {
      await this.#request({ type: "hold", held });
    } catch (error) {
      letGo();
      throw error;
    }
    return {
      run: async (step, rights) => {
        if (age !== this.#age) throw new HeldReadLostError();
        const script = scriptOf([step]);
        const rehearsal = await this.#request<Rehearsal>({ type: "run", held, script, rights });
        if (age !== this.#age) throw new HeldReadLostError();
        return rehearsal;
      },
      letGo,
    };
  }

  #request<Result>(request: HeldReadsRequest): Promise<Result> {
    const { refusal } = this.#parts.life;
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.#post(this.#thread ?? this.#start(), request);
  }

  #post<Result>(thread: HeldReadsThread, request: HeldReadsRequest): Promise<Result> {
    return this.#pending.add<Result>(
      request,
      (id) => thread.post({ type: "request", id, request }),
    );
  }

  #start(): HeldReadsThread {
    const { threads, library, path, foreignKeys } = this.#parts;
    const thread = threads.start("held_reads", {
      receive: (reply) => this.#receive(reply),
      died: () => {
        this.#thread = undefined;
        this.#age++;
        this.#pending.rejectAll(new HeldReadLostError());
      },
    });
    const location = locationOf(library);
    const { buffer: ending } = this.#ending;
    thread.post({ type: "start", library: location, path, foreignKeys: foreignKeys(), ending });
    this.#thread = thread;
    return thread;
  }

  #receive(reply: HeldReadsReply): void {
    const { id } = reply;
    if (reply.type === "answer") this.#pending.resolve(id, reply.value);
    else this.#pending.reject(id, new StoreBusyError(`Read failed: ${reply.message}`));
  }

  async release(): Promise<void> {
    this.#age++;
    if (this.#thread === undefined) return;
    Atomics.store(this.#ending, 0, 1);
    await this.#post(this.#thread, { type: "release" });
    Atomics.store(this.#ending, 0, 0);
  }

  fail(error: Error): void {
    this.#pending.rejectAll(error);
  }

  end(): void {
    this.#thread?.terminate();
    this.#thread = undefined;
    this.#pending.rejectAll(new StoreFailedError("The store is closed"));
  }
}
