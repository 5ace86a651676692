import { ByteWriter } from "../../base/bytes.ts";
import { type LibraryLocation, locationOf } from "../../sqlite/mod.ts";
import { writeSteps } from "../codec/script_codec.ts";
import { StoreFailedError } from "../failures.ts";
import type { Holder, LifeCycle } from "../life_cycle.ts";
import { PendingRequests } from "../pending_requests.ts";
import type { RequestTo, Thread, Threads } from "../threads.ts";
import { type HeldRead, type Rehearsal, StoreBusyError } from "../types.ts";
import type { HeldReadsReply, HeldReadsRequest } from "./held_reads_thread.ts";

/** What may be held at a time: each keeps the WAL from being begun anew. */
const heldMax = 256;

interface Parts {
  readonly library: LibraryLocation;
  readonly path: string;
  readonly foreignKeys: () => boolean;
  readonly life: LifeCycle;
  readonly threads: Threads;
}

/**
 * What transactions hold while they only read: the database as it is committed at their first read,
 * whatever is written meanwhile. A thread, started when first needed, has a connection for each.
 */
export class HeldReads implements Holder {
  readonly #parts: Parts;
  #thread: Thread<RequestTo<"held_reads">> | undefined;
  readonly #pending = new PendingRequests<HeldReadsRequest>();
  #lastHeld = 0;
  #held = 0;
  /** Counts exchanges of the file, by which all that is held is gone. */
  #age = 0;

  constructor(parts: Parts) {
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
    return this.#post(this.#thread ?? this.#start(), request);
  }

  #post<Result>(
    thread: Thread<RequestTo<"held_reads">>,
    request: HeldReadsRequest,
  ): Promise<Result> {
    return this.#pending.add<Result>(
      request,
      (id) => thread.post({ type: "request", id, request }),
    );
  }

  #start(): Thread<RequestTo<"held_reads">> {
    const { threads, library, path, foreignKeys } = this.#parts;
    const thread = threads.start("held_reads", {
      receive: (reply) => this.#receive(reply),
      died: (reason) => {
        this.#thread = undefined;
        this.#age++;
        this.#pending.rejectAll(new StoreBusyError(`What transactions read is lost: ${reason}`));
      },
    });
    const location = locationOf(library);
    thread.post({ type: "start", library: location, path, foreignKeys: foreignKeys() });
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
    if (this.#thread !== undefined) await this.#post(this.#thread, { type: "release" });
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
