import { sliceBytes } from "../../base/slices.ts";
import { nextTurnOf } from "../../io/next_turn.ts";
import type { Clock, Timer } from "../../io/types.ts";
import type { Library } from "../../sqlite/mod.ts";
import type { Holder, LifeCycle } from "../life_cycle.ts";
import type { Threads } from "../threads.ts";
import { awaitRead, OpenStream, type ReadFate } from "./awaited_read.ts";
import { decodeLiveRead } from "./live_read.ts";
import { ReadStream } from "./read_stream.ts";
import {
  type AnswerPiece,
  encodeStatements,
  isLongTask,
  PieceKind,
  readInspections,
  type ReadTask,
} from "./read_task.ts";
import { type PendingRead, Reader, type ReaderHandlers } from "./reader.ts";
import { timeoutAnswer } from "./timeout_answer.ts";
import type { SlowOptions, SlowStatement } from "../statements/statement_meter.ts";
import type { ReadingThread } from "../statements/store_statements.ts";
import { partsAhead, tasksPerMessageMax } from "./reader_signals.ts";
import type { AnswerRoom } from "./answer_spool.ts";
import {
  type LiveRead,
  type LiveReadRequest,
  plainFormat,
  type ReadPoolStatus,
  type ReadRequest,
  type Statements,
  StoreBusyError,
} from "../types.ts";

export interface ReaderPoolOptions {
  readonly library: Library;
  readonly path: string;
  readonly foreignKeys: boolean;
  readonly clock: Clock;
  readonly threads: Threads;
  /** Readers that work at their own speed; those that wait for a slow client do not count. */
  readonly readersMax: number;
  /** Readers that may wait for slow clients. */
  readonly streamsMax: number;
  /** For what clients do not take in time. */
  readonly room: AnswerRoom;
  /** Reads that may wait. */
  readonly queueMax: number;
  /** How long a client may take nothing of a stream, in ms. */
  readonly stallMs: number;
  readonly life: LifeCycle;
  readonly slow: SlowOptions | undefined;
  readonly reportSlow: (statement: SlowStatement) => void;
}

/** After this long, in ms, reads that wait behind a slow one in its message are given to another reader. */
const takeBackAfterMs = 10;

/** Behind it the numbers of reads begin with 1 again: a reader is told of one by 31 bits. */
const taskMax = 0x7fff_ffff;

/** The one that would make too many of those that wait is none that others could wait behind. */
const tooManySlow = "Answer given up: its client takes it slowly, as do too many others, " +
  "and what it has not taken fits in no file any more";

/** Of an answer that its client takes slowly a reader puts so much on the disk while others wait, in bytes. */
const turnBytes = 16 * 1024 * 1024;

type Answer = Uint8Array | ReadableStream<Uint8Array>;

/** Read-only connections, each in a thread, started as they are needed. */
export class ReaderPool implements Holder {
  readonly #options: ReaderPoolOptions;
  /** With, for those that have reads, what ends that use of the database. */
  readonly #readers = new Map<Reader, (() => void) | undefined>();
  readonly #queue: PendingRead[] = [];
  #lastTask = 0;
  #streams = 0;
  /** Those of the readers that wait for slow clients. */
  readonly #held = new Set<Reader>();
  /** How many want that no read begins. */
  #calming = 0;
  #calm: (() => void)[] = [];
  #watch: Timer | undefined;
  /** Cuts short what still runs then. */
  #late: Timer | undefined;
  #foreignKeys: boolean;

  constructor(options: ReaderPoolOptions) {
    this.#options = options;
    this.#foreignKeys = options.foreignKeys;
    options.life.hold(this);
  }

  /** What PRAGMA foreign_keys says to reads from now on. */
  setForeignKeys(on: boolean): void {
    if (on === this.#foreignKeys) return;
    this.#foreignKeys = on;
    for (const reader of this.#readers.keys()) reader.setForeignKeys(on);
  }

  get status(): ReadPoolStatus {
    let busy = 0;
    for (const reader of this.#readers.keys()) if (reader.busy) busy++;
    return {
      readers: this.#readers.size,
      busy,
      streaming: this.#streams,
      queued: this.#queue.length,
    };
  }

  /** Those that there are now, to be asked for figures of their statements. */
  get threads(): readonly ReadingThread[] {
    return [...this.#readers.keys()];
  }

  /** Throws a StoreBusyError when too many wait; rejects with the signal's reason when it is aborted. */
  read(request: ReadRequest, signal?: AbortSignal): Promise<Answer> {
    return this.#submit<Answer>(
      {
        transaction: request.transaction,
        inspect: false,
        live: false,
        format: request.format,
        rights: request.rights,
        statements: encodeStatements(request.statements),
      },
      {
        timeoutMs: request.timeoutMs,
        signal,
        resultOf: (piece, reader) =>
          piece.kind === PieceKind.part ? this.#stream(piece, reader) : piece.bytes,
        resultOfTimeout: () => timeoutAnswer(request),
      },
    );
  }

  /** Rejects with a LiveReadError, or a StoreBusyError when it could not be begun in time. */
  async liveRead(request: LiveReadRequest, signal?: AbortSignal): Promise<LiveRead> {
    const answer = await this.#submit<Uint8Array>(
      {
        transaction: false,
        inspect: false,
        live: true,
        format: request.format,
        rights: request.rights,
        statements: encodeStatements([request.statement]),
      },
      {
        timeoutMs: request.timeoutMs,
        signal,
        resultOf: (piece) => piece.bytes,
        resultOfTimeout: () => Promise.reject(new StoreBusyError("All readers are busy")),
      },
    );
    return decodeLiveRead(answer, request.format);
  }

  /** Without a limit of time. */
  async inspect(statements: Statements, rights?: string): Promise<(boolean | string)[]> {
    const answer = await this.#submit<Uint8Array>(
      {
        transaction: false,
        inspect: true,
        live: false,
        format: plainFormat,
        rights,
        statements: encodeStatements(statements),
      },
      {
        timeoutMs: 0,
        signal: undefined,
        resultOf: (piece) => piece.bytes,
        resultOfTimeout: () => new Uint8Array(0),
      },
    );
    return await readInspections(answer, nextTurnOf(this.#options.clock));
  }

  #submit<Result>(read: Omit<ReadTask, "task">, fate: ReadFate<Result>): Promise<Result> {
    const { refusal } = this.#options.life;
    if (refusal !== undefined) return Promise.reject(refusal);
    if (fate.signal?.aborted) return Promise.reject(fate.signal.reason);
    if (this.#queue.length >= this.#options.queueMax) {
      return Promise.reject(
        new StoreBusyError(`Too many reads: all readers are busy and ${this.#queue.length} wait`),
      );
    }
    const task = this.#lastTask = this.#lastTask % taskMax + 1;
    const { pending, answer } = awaitRead({ ...read, task }, fate, {
      clock: this.#options.clock,
      stop: (read, timedOut) => this.#stop(read, timedOut),
    });
    this.#queue.push(pending);
    this.#dispatch();
    return answer;
  }

  /** Starts a stream with its first part. */
  #stream(piece: AnswerPiece, reader: Reader): OpenStream<Answer> {
    const { clock, stallMs, room } = this.#options;
    const stream = new ReadStream({
      clock,
      stallMs,
      room,
      // A reader that has done so much for a client that does not take it has others' turn.
      mayKeep: (bytes) =>
        bytes < turnBytes || this.#queue.length === 0 ||
        this.#held.size >= this.#options.streamsMax,
      partsAhead,
      handlers: {
        wanted: () => reader.signals.grant(1),
        cancelled: () => reader.cancel(piece.task),
        held: (held) => {
          if (!held) {
            this.#held.delete(reader);
          } else if (this.#held.size < this.#options.streamsMax) {
            this.#held.add(reader);
            this.#dispatch();
          } else {
            reader.cancel(piece.task);
            stream.fail(new StoreBusyError(tooManySlow));
          }
        },
      },
    });
    stream.part(piece.bytes, false);
    return new OpenStream<Answer>(stream, stream.readable);
  }

  /**
   * Ends a read before its time; true when it had not been started. Otherwise one that timed out
   * still gets an answer from its reader, and one that nobody waits for need not.
   */
  #stop(read: PendingRead, timedOut: boolean): boolean {
    const at = this.#queue.indexOf(read);
    if (at >= 0) {
      this.#queue.splice(at, 1);
      return true;
    }
    for (const reader of this.#readers.keys()) {
      if (reader.takeBackOne(read.task)) return true;
      if (timedOut) reader.interrupt(read.task);
      else reader.cancel(read.task);
    }
    return false;
  }

  #dispatch(): void {
    const { life } = this.#options;
    if (this.#calming > 0 || !life.isOpen) return;
    while (this.#queue.length > 0) {
      const reader = this.#idleReader();
      if (reader === undefined) break;
      const share = Math.ceil(this.#queue.length / this.#options.readersMax);
      this.#readers.set(reader, life.begin());
      reader.run(this.#take(Math.min(share, tasksPerMessageMax)));
    }
    this.#watchSlowOnes();
  }

  /** The first reads of the queue: fewer when their statements are many bytes, a long one alone. */
  #take(countMax: number): PendingRead[] {
    let bytes = 0;
    let count = 0;
    for (const read of this.#queue) {
      bytes += read.statements.length;
      if (count === countMax || (count > 0 && (isLongTask(read) || bytes > sliceBytes))) break;
      count++;
      if (isLongTask(read)) break;
    }
    return this.#queue.splice(0, count);
  }

  #idleReader(): Reader | undefined {
    let working = 0;
    for (const reader of this.#readers.keys()) {
      if (!reader.busy) return reader;
      if (!this.#held.has(reader)) working++;
    }
    if (working >= this.#options.readersMax) return undefined;
    const { library, path, clock, threads, life, slow, reportSlow } = this.#options;
    const handlers: ReaderHandlers = {
      idle: (reader) => {
        this.#endUse(reader);
        this.#becameCalm();
        this.#dispatch();
      },
      streaming: (reader, begun) => {
        this.#streams += begun ? 1 : -1;
        if (!begun) this.#held.delete(reader);
      },
      died: (reader, error) => {
        this.#endUse(reader);
        this.#held.delete(reader);
        this.#readers.delete(reader);
        reader.fail(error);
        life.fail(error);
      },
      slow: reportSlow,
    };
    const foreignKeys = this.#foreignKeys;
    const reader = new Reader({ library, path, foreignKeys, clock, threads, handlers, slow });
    this.#readers.set(reader, undefined);
    return reader;
  }

  #endUse(reader: Reader): void {
    this.#readers.get(reader)?.();
    this.#readers.set(reader, undefined);
  }

  /** While a message holds several reads, looks now and then whether those behind a slow one can go elsewhere. */
  #watchSlowOnes(): void {
    if (this.#watch !== undefined) return;
    const crowded = [...this.#readers.keys()].some((reader) => reader.busy && reader.pending > 1);
    if (!crowded) return;
    this.#watch = this.#options.clock.after(takeBackAfterMs, () => {
      this.#watch = undefined;
      for (const reader of this.#readers.keys()) {
        if (reader.busy && reader.pending > 1) this.#queue.unshift(...reader.takeBack());
      }
      this.#dispatch();
    });
  }

  /** Runs `body` when no read runs, or after `waitMs` all the same; reads that come meanwhile wait. */
  async whileCalm<Result>(waitMs: number, body: () => Promise<Result>): Promise<Result> {
    this.#calming++;
    try {
      await new Promise<void>((resolve) => {
        const late = this.#options.clock.after(waitMs, resolve);
        this.#calm.push(() => {
          late.cancel();
          resolve();
        });
        this.#becameCalm();
      });
      return await body();
    } finally {
      this.#calming--;
      this.#dispatch();
    }
  }

  #becameCalm(): void {
    for (const reader of this.#readers.keys()) if (reader.busy) return;
    for (const resolve of this.#calm.splice(0)) resolve();
  }

  /** Takes back what has not been started, and interrupts what runs for longer than that. */
  hurry(patienceMs: number): void {
    const { clock, life } = this.#options;
    const running = [...this.#readers.keys()].filter((reader) => reader.busy);
    if (running.length === 0) return;
    for (const reader of running) this.#queue.unshift(...reader.takeBack());
    if (life.refusal !== undefined) this.refuse(life.refusal);
    this.#late = clock.after(patienceMs, () => {
      for (const reader of running) reader.cancelAll();
    });
  }

  /** Has those that read nothing now close their connections; their next reads open them again. */
  shrink(): void {
    for (const reader of this.#readers.keys()) if (!reader.busy) void reader.release();
  }

  async release(): Promise<void> {
    this.#late?.cancel();
    await Promise.all([...this.#readers.keys()].map((reader) => reader.release()));
  }

  resume(): void {
    this.#dispatch();
  }

  refuse(error: Error): void {
    for (const read of this.#queue.splice(0)) read.fail(error);
  }

  fail(error: Error): void {
    for (const reader of this.#readers.keys()) reader.fail(error);
    for (const resolve of this.#calm.splice(0)) resolve();
  }

  end(): void {
    this.#watch?.cancel();
    this.#late?.cancel();
    for (const reader of this.#readers.keys()) reader.terminate();
    this.#readers.clear();
  }
}
