import { assert } from "../../base/assert.ts";
import type { Clock } from "../../io/types.ts";
import { InterruptCell, type Library, locationOf } from "../../sqlite/mod.ts";
import type { ReaderReply, ReaderRequest } from "./reader_thread.ts";
import {
  type AnswerPiece,
  encodeTasks,
  isLongTask,
  PieceKind,
  readPieces,
  type ReadTask,
} from "./read_task.ts";
import { ReaderSignals, tasksPerMessageMax } from "./reader_signals.ts";
import type { SlowOptions, SlowStatement } from "../statements/statement_meter.ts";
import type { StatementFigures } from "../statements/statement_statistics.ts";
import type { Thread, Threads } from "../threads.ts";

/** How often an interrupt is repeated until the task has noticed, in ms. */
const interruptAgainMs = 5;

/** A read as the pool keeps it until it is answered. */
export interface PendingRead extends ReadTask {
  piece(piece: AnswerPiece, reader: Reader): void;
  fail(error: Error): void;
}

export interface ReaderHandlers {
  /** Free for the next message. */
  idle(reader: Reader): void;
  /** It begins, or has ended, to stream an answer at its client's speed. */
  streaming(reader: Reader, begun: boolean): void;
  died(reader: Reader, error: Error): void;
  /** A statement took long. */
  slow(statement: SlowStatement): void;
}

export interface ReaderParts {
  readonly library: Library;
  readonly path: string;
  readonly foreignKeys: boolean;
  readonly clock: Clock;
  readonly threads: Threads;
  readonly handlers: ReaderHandlers;
  readonly slow: SlowOptions | undefined;
}

/** One reader's thread as the main one sees it: one message with some reads at a time. */
export class Reader {
  readonly signals = new ReaderSignals();
  readonly #interrupts = new InterruptCell();
  readonly #thread: Thread<ReaderRequest>;
  readonly #library: Library;
  readonly #clock: Clock;
  readonly #handlers: ReaderHandlers;
  readonly #reads = new Map<number, PendingRead>();
  /** In the order of the message. */
  #slots: PendingRead[] = [];
  #busy = false;
  #streaming: number | undefined;
  #released: (() => void) | undefined;
  /** As it last told them. */
  #statements: readonly StatementFigures[] = [];
  #asked: PromiseWithResolvers<void> | undefined;

  constructor(parts: ReaderParts) {
    const { library, path, foreignKeys, clock, threads, handlers, slow } = parts;
    this.#library = library;
    this.#clock = clock;
    this.#handlers = handlers;
    this.#thread = threads.start("reader", {
      receive: (reply) => this.#receive(reply),
      died: (reason) => handlers.died(this, new Error(`A reader died: ${reason}`)),
    });
    this.#post({
      type: "start",
      library: locationOf(library),
      path,
      foreignKeys,
      slow,
      interrupts: this.#interrupts.memory,
      signals: this.signals.memory,
    });
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** Reads handed over and not yet answered. */
  get pending(): number {
    return this.#reads.size;
  }

  run(reads: PendingRead[]): void {
    assert(!this.#busy, "A reader was handed reads before it was done with the last ones");
    assert(reads.length > 0 && reads.length <= tasksPerMessageMax, "Reads do not fit in a message");
    this.#busy = true;
    this.#slots = reads;
    for (const read of reads) this.#reads.set(read.task, read);
    this.signals.open();
    const long = reads.find(isLongTask);
    if (long === undefined) {
      const { buffer } = encodeTasks(reads);
      this.#post({ type: "run", tasks: buffer, statements: undefined }, [buffer]);
      return;
    }
    assert(reads.length === 1, "A long read went with others");
    const { statements } = long;
    const { buffer } = encodeTasks([{ ...long, statements: new Uint8Array(0) }]);
    this.#post({ type: "run", tasks: buffer, statements }, [buffer, statements.buffer]);
  }

  /** Takes back what has not been started, but for statements that were handed over. */
  takeBack(): PendingRead[] {
    return this.#slots.filter((read, slot) => {
      if (read.statements.length === 0) return false;
      if (!this.#reads.has(read.task) || !this.signals.takeBack(slot)) return false;
      this.#reads.delete(read.task);
      return true;
    });
  }

  /** Takes one read back; false when it has been started. */
  takeBackOne(task: number): boolean {
    const slot = this.#slots.findIndex((read) => read.task === task);
    if (slot < 0 || !this.#reads.has(task) || !this.signals.takeBack(slot)) return false;
    this.#reads.delete(task);
    return true;
  }

  /** Stops a read that has been started: its answer will say that it is not all. */
  interrupt(task: number): void {
    this.#interrupt(task, () => this.interrupt(task));
  }

  #interrupt(task: number, again: () => void): void {
    if (!this.#reads.has(task)) return;
    this.#interrupts.interrupt(this.#library, task);
    this.#clock.after(interruptAgainMs, again);
  }

  /** Stops a read that nobody waits for, or that must not wait for its client. */
  cancel(task: number): void {
    if (this.#streaming === task) this.signals.cancel(task);
    // Its stream may have begun without that being known yet.
    this.#interrupt(task, () => this.cancel(task));
  }

  cancelAll(): void {
    for (const task of this.#reads.keys()) this.cancel(task);
  }

  /** What PRAGMA foreign_keys says to reads handed over from now on. */
  setForeignKeys(on: boolean): void {
    this.#post({ type: "foreign_keys", on });
  }

  /** The figures of its statements, as it last told them. */
  get statements(): readonly StatementFigures[] {
    return this.#statements;
  }

  /** Asks for newer ones; resolves when they have come, which is not while it reads. */
  askStatements(): Promise<void> {
    if (this.#asked === undefined) {
      this.#asked = Promise.withResolvers();
      this.#post({ type: "statements" });
    }
    return this.#asked.promise;
  }

  /** Closes the connection; for an idle reader. */
  release(): Promise<void> {
    assert(!this.#busy, "A reader that reads was to close its connection");
    return new Promise((resolve) => {
      this.#released = resolve;
      this.#post({ type: "release" });
    });
  }

  /** Nothing of it may be running, or it hangs until that ends. */
  terminate(): void {
    this.#thread.terminate();
  }

  /** Fails what is under way. */
  fail(error: Error): void {
    this.signals.end();
    for (const task of this.#reads.keys()) this.#interrupts.interrupt(this.#library, task);
    this.#refuse(error);
    this.#released?.();
  }

  #refuse(error: Error): void {
    const reads = [...this.#reads.values()];
    this.#reads.clear();
    for (const read of reads) read.fail(error);
    if (this.#streaming === undefined) return;
    this.#streaming = undefined;
    this.#handlers.streaming(this, false);
  }

  #post(message: ReaderRequest, transfer: Transferable[] = []): void {
    this.#thread.post(message, transfer);
  }

  #receive(reply: ReaderReply): void {
    switch (reply.type) {
      case "pieces":
        for (const piece of readPieces(new Uint8Array(reply.bytes))) this.#piece(piece);
        break;
      case "idle":
        this.#busy = false;
        this.#slots = [];
        this.#handlers.idle(this);
        break;
      case "released":
        this.#released?.();
        this.#released = undefined;
        break;
      case "statements":
        this.#statements = reply.figures;
        this.#asked?.resolve();
        this.#asked = undefined;
        break;
      case "slow":
        this.#handlers.slow(reply.statement);
        break;
      case "refused":
        this.#refuse(new Error(`Read failed: ${reply.message}`));
        break;
    }
  }

  #piece(piece: AnswerPiece): void {
    const read = this.#reads.get(piece.task);
    if (read === undefined) return;
    if (piece.kind !== PieceKind.part) this.#reads.delete(piece.task);
    if (piece.kind === PieceKind.part && this.#streaming === undefined) {
      this.#streaming = piece.task;
      this.#handlers.streaming(this, true);
    } else if (piece.kind !== PieceKind.part && this.#streaming === piece.task) {
      this.#streaming = undefined;
      this.#handlers.streaming(this, false);
    }
    read.piece(piece, this);
  }
}
