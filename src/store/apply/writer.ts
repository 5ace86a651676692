import { assert } from "../../base/assert.ts";
import { type NextTurn, sliceBytes } from "../../base/slices.ts";
import { nextTurnOf } from "../../io/next_turn.ts";
import type { Clock } from "../../io/types.ts";
import { type LibraryLocation, locationOf } from "../../sqlite/mod.ts";
import { StoreFailedError } from "../failures.ts";
import type { Holder, LifeCycle } from "../life_cycle.ts";
import type { SlowOptions, SlowStatement } from "../statements/statement_meter.ts";
import type { StatementFigures } from "../statements/statement_statistics.ts";
import { PendingRequests } from "../pending_requests.ts";
import { type Thread, type Threads, transferOf } from "../threads.ts";
import { type ApplyEntry, type Rehearsal, StoreBusyError } from "../types.ts";
import { receivedAnswers } from "./answers.ts";
import type { LoadVerdict } from "./load_checks.ts";
import type { RehearsedSteps } from "./rehearsing.ts";
import {
  type AppliedBatch,
  appliedEntries,
  batchSize,
  encodeBatch,
  encodeLargeBatch,
} from "./apply_batch.ts";
import type { ChangesFile } from "./write_connection.ts";
import type { UpkeepRun } from "./upkeep.ts";
import {
  besideRehearsals,
  type NumberedRequest,
  type ReleasePurpose,
  type WriterApplied,
  type WriterOpened,
  type WriterReply,
  type WriterRequest,
  type WriterStatus,
} from "./writer_messages.ts";

export interface WriterHandlers {
  /** A load's file is to be checked; `Writer.loadChecked` with what comes of it, in any case. */
  checkLoad(check: number, file: string): void;
  /** A load wants its file in the database's place; `Writer.open` when that is done. */
  exchange(file: string): void;
  /** A statement took long. */
  slow(statement: SlowStatement): void;
  /** Upkeep was carried out. */
  ranUpkeep(run: UpkeepRun): void;
  /** A batch waits for room on the disk, or (undefined) does so no longer. */
  full(message: string | undefined): void;
}

/** Whether it has nothing to do with the database's content. */
function isQuestion(type: WriterRequest["type"]): boolean {
  return type === "status" || type === "statements" || type === "load_checked";
}

export type WriterResult =
  & AppliedBatch
  & Pick<WriterApplied, "foreignKeys" | "schemaChanges" | "delivered">;

/**
 * The writer's thread as the main one sees it. After a failure every call rejects with it. It does
 * one thing after the other: see LifeCycle for what that means for an exchange.
 */
export class Writer implements Holder {
  readonly #thread: Thread<NumberedRequest>;
  readonly #life: LifeCycle;
  readonly #handlers: WriterHandlers;
  readonly #pending = new PendingRequests<WriterRequest>();
  readonly #nextTurn: NextTurn;
  /** The last batch that is being encoded. */
  #encoding: Promise<Uint8Array<ArrayBuffer>> | undefined;
  #failure: Error | undefined;
  /** What it was asked to run last, and nothing behind it for which it takes that back. */
  #rehearsed: number | undefined;

  constructor(life: LifeCycle, clock: Clock, threads: Threads, handlers: WriterHandlers) {
    this.#life = life;
    this.#nextTurn = nextTurnOf(clock);
    this.#handlers = handlers;
    life.hold(this);
    this.#thread = threads.start("writer", {
      receive: (reply) => this.#receive(reply),
      died: (reason) => this.fail(new StoreFailedError(`The writer died: ${reason}`)),
    });
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Whether it has, or will have, to do with the database's content. */
  get busy(): boolean {
    return this.#encoding !== undefined || this.#pending.some(({ type }) => !isQuestion(type));
  }

  /** Whether it has a batch that is not applied yet. */
  get applying(): boolean {
    return this.#encoding !== undefined || this.#pending.some(({ type }) => type === "apply");
  }

  /** Opens the database, for the first time or after an exchange. */
  open(
    library: LibraryLocation,
    path: string,
    foreignKeys: boolean,
    slow?: SlowOptions,
    changes?: ChangesFile,
  ): Promise<WriterOpened> {
    assert(!this.#life.isOpen, "The writer opened a database while another was open");
    const location = locationOf(library);
    return this.#request({ type: "open", library: location, path, foreignKeys, slow, changes });
  }

  /** Which transaction it may have left open: until that is over it alone can write. */
  get rehearsed(): number | undefined {
    return this.#rehearsed;
  }

  async apply(entries: readonly ApplyEntry[]): Promise<WriterResult> {
    const encoded = this.#encode(entries);
    const batch = encoded instanceof Promise ? await encoded : encoded;
    const applied = await this.#life.whenOpen(() =>
      this.#request<WriterApplied>({ type: "apply", entries: batch }, transferOf(batch))
    );
    return {
      entries: appliedEntries(entries, receivedAnswers(applied.answers, entries.length)),
      walFrames: applied.walFrames,
      foreignKeys: applied.foreignKeys,
      schemaChanges: applied.schemaChanges,
      delivered: applied.delivered,
    };
  }

  /** In pauses when it is much; a batch behind one that is being encoded waits for it. */
  #encode(
    entries: readonly ApplyEntry[],
  ): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>> {
    const before = this.#encoding;
    if (before === undefined && batchSize(entries) <= sliceBytes) return encodeBatch(entries);
    const encoding = (async () => {
      await before;
      return await encodeLargeBatch(entries, this.#nextTurn);
    })();
    this.#encoding = encoding;
    void encoding.then(() => {
      if (this.#encoding === encoding) this.#encoding = undefined;
    });
    return encoding;
  }

  /**
   * Runs steps of a transaction that is not committed; undefined when it has not, or no longer, open
   * what those before them did. Rejects with a StoreBusyError, and is none the worse, when the disk
   * has no room for it. `appliedIndex` is asked when it begins.
   */
  rehearse(
    steps: RehearsedSteps,
    appliedIndex: () => number,
  ): Promise<Rehearsal | undefined> {
    return this.#life.whenOpen(() => {
      const request = { ...steps, type: "rehearse", appliedIndex: appliedIndex() } as const;
      return this.#request(request, transferOf(steps.script));
    });
  }

  /** Has it take back what it may have left open of a transaction. */
  giveUp(id: number): void {
    if (this.#rehearsed !== id || !this.#life.isOpen) return;
    this.#request({ type: "give_up", id }).catch(() => {});
  }

  /** Resolves with whether nothing is left in the WAL, which `truncate` then gives back to the disk. */
  checkpoint({ truncate = false } = {}): Promise<boolean> {
    return this.#life.whenOpen(() => this.#request({ type: "checkpoint", truncate }));
  }

  /**
   * Lets go of the database's file, which then stands for itself. Without room for that its WAL keeps
   * what it has; "exchange" waits for some instead, for the WAL is to be removed, and "set_aside"
   * leaves a damaged file as it is, its WAL beside it.
   */
  letGo(purpose: ReleasePurpose = "end"): Promise<void> {
    assert(!this.#life.isOpen, "The writer let go of the database while others may use it");
    return this.#request({ type: "release", purpose });
  }

  /** Rejects, and is none the worse, when that cannot be said now. */
  status(): Promise<WriterStatus> {
    return this.#life.whenOpen(() => this.#request({ type: "status" }));
  }

  /** The figures of its statements; rejects as `status` does. */
  statements(): Promise<StatementFigures[]> {
    return this.#life.whenOpen(() => this.#request({ type: "statements" }));
  }

  /** It does not wait its turn: the writer may be in the middle of a batch that needs it. */
  loadChecked(check: number, verdict: LoadVerdict): void {
    this.#request({ type: "load_checked", check, verdict }).catch(() => {});
  }

  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#thread.terminate();
    this.#pending.rejectAll(error);
    this.#life.fail(error);
  }

  /** Ends the thread; where it has not let go of the file, as a crash would. */
  end(): void {
    this.#failure ??= new StoreFailedError("The store is closed");
    this.#thread.terminate();
  }

  #request<Result>(request: WriterRequest, transfer: Transferable[] = []): Promise<Result> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (request.type === "rehearse") this.#rehearsed = request.id;
    else if (!besideRehearsals.includes(request.type)) this.#rehearsed = undefined;
    return this.#pending.add<Result>(
      request,
      (id) => this.#thread.post({ id, request }, transfer),
    );
  }

  #receive(reply: WriterReply): void {
    switch (reply.type) {
      case "answer":
        this.#pending.resolve(reply.id, reply.value);
        break;
      case "refused":
        this.#pending.reject(reply.id, new StoreBusyError(reply.message));
        break;
      case "full":
        this.#handlers.full(reply.message);
        break;
      case "slow":
        this.#handlers.slow(reply.statement);
        break;
      case "upkeep":
        this.#handlers.ranUpkeep(reply.run);
        break;
      case "check_load":
        this.#handlers.checkLoad(reply.check, reply.file);
        break;
      case "exchange":
        this.#handlers.exchange(reply.file);
        break;
      case "failed":
        this.fail(new StoreFailedError(reply.message, { damaged: reply.damaged }));
        break;
    }
  }
}
