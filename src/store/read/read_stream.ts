import { messageOf } from "../../base/message_of.ts";
import type { Clock, Timer } from "../../io/types.ts";
import type { AnswerRoom, AnswerSpool } from "./answer_spool.ts";

/** How long a reader may wait for a client before what it has found is put on the disk, in ms. */
const patienceMs = 10;

/**
 * What a client must take of what is kept for it, in bytes a second, once it is behind for a minute and
 * others have got no room on the disk since. While there is room for all, `stallMs` is enough.
 */
const keptBytesPerSecondMin = 64 * 1024;
const keptGraceMs = 60_000;

export interface ReadStreamHandlers {
  /** One more part may come. */
  wanted(): void;
  /** Nobody wants the rest. */
  cancelled(): void;
  /** The reader has to wait for the client, or need not any more. Not told of once it is done. */
  held(held: boolean): void;
}

export interface ReadStreamParts {
  readonly clock: Clock;
  /** How long a client may take nothing, in ms. */
  readonly stallMs: number;
  readonly room: AnswerRoom;
  /** Whether an answer of which so many bytes are kept may have more of it kept. */
  mayKeep(bytes: number): boolean;
  /** Parts that may come without being asked for. */
  readonly partsAhead: number;
  readonly handlers: ReadStreamHandlers;
}

/**
 * An answer that comes in parts, as a stream: a part is asked for when the client has taken one. What
 * a slow client does not take goes into a file, so that its reader is done with it at its own speed;
 * without room for that the reader waits for the client. One that takes nothing for `stallMs` is
 * given up, since it holds a connection, and so is one that is too slow for long, where others are
 * refused what its file takes.
 */
export class ReadStream {
  readonly readable: ReadableStream<Uint8Array>;
  readonly #parts: ReadStreamParts;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #stall: Timer | undefined;
  #patience: Timer | undefined;
  /** Parts that arrived and were not yet asked for, behind those that the spool has. */
  readonly #arrived: Uint8Array[] = [];
  #spool: AnswerSpool | undefined;
  /**
   * Since when there is something in the spool, how much was taken of it, and the room's refusals then;
   * undefined while it is empty.
   */
  #behind: { readonly since: number; readonly refusals: number; bytes: number } | undefined;
  /** The spool takes no more. */
  #isFull = false;
  /** The spool reads or writes. */
  #spooling = false;
  /** Parts that may still come. */
  #granted: number;
  #isHeld = false;
  #waiting = false;
  /** All of it has arrived. */
  #complete = false;
  /** Nothing more goes to the client. */
  #over = false;

  constructor(parts: ReadStreamParts) {
    this.#parts = parts;
    this.#granted = parts.partsAhead;
    this.readable = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => this.#giveUp(),
    }, { highWaterMark: 0 });
    this.#watch();
  }

  part(bytes: Uint8Array, last: boolean): void {
    if (this.#over) return;
    this.#granted--;
    this.#arrived.push(bytes);
    if (last) this.#complete = true;
    this.#advance();
  }

  /** The answer cannot be finished. */
  fail(error: Error): void {
    if (this.#over) return;
    this.#end();
    this.#controller?.error(error);
  }

  #pull(): void {
    this.#stall?.cancel();
    this.#stall = undefined;
    this.#waiting = true;
    this.#advance();
  }

  #advance(): void {
    if (this.#spooling || this.#over) return;
    if (this.#spool !== undefined) return void this.#advanceSpool(this.#spool);
    if (this.#waiting) this.#deliverArrived();
    if (!this.#over && this.#readerWaits && !this.#isHeld) this.#beginPatience();
  }

  #deliverArrived(): void {
    const part = this.#arrived.shift();
    if (part === undefined) return;
    if (!this.#complete) this.#grant();
    this.#deliver(part);
  }

  #deliverKept(spool: AnswerSpool, bytes: Uint8Array): void {
    if (spool.isEmpty) this.#behind = undefined;
    else if (this.#behind !== undefined) this.#behind.bytes += bytes.length;
    this.#deliver(bytes);
  }

  #deliver(bytes: Uint8Array): void {
    this.#patience?.cancel();
    this.#patience = undefined;
    this.#waiting = false;
    this.#controller?.enqueue(bytes);
    if (this.#complete && this.#isEmpty) {
      this.#end();
      this.#controller?.close();
      return;
    }
    this.#watch();
  }

  /** Less than 0 where what was granted to the stream before came when this one had begun. */
  get #readerWaits(): boolean {
    return !this.#complete && this.#granted <= 0;
  }

  get #isEmpty(): boolean {
    return this.#arrived.length === 0 && (this.#spool?.isEmpty ?? true);
  }

  #grant(): void {
    this.#granted++;
    this.#hold(false);
    this.#parts.handlers.wanted();
  }

  #hold(held: boolean): void {
    if (held === this.#isHeld) return;
    this.#isHeld = held;
    this.#parts.handlers.held(held);
  }

  #beginPatience(): void {
    this.#patience ??= this.#parts.clock.after(patienceMs, () => {
      this.#patience = undefined;
      try {
        this.#spool = this.#parts.room.open();
        this.#advance();
      } catch {
        // Too many are kept already.
        this.#hold(true);
      }
    });
  }

  /** What the client waits for comes first; then as much as has arrived is put into the file. */
  async #advanceSpool(spool: AnswerSpool): Promise<void> {
    this.#spooling = true;
    try {
      while (!this.#over) {
        // No await but for what is done: whatever comes meanwhile is seen by the next round.
        if (this.#waiting && !spool.isEmpty) {
          const bytes = await spool.next();
          if (!this.#over) this.#deliverKept(spool, bytes);
        } else if (this.#waiting && this.#arrived.length > 0) {
          this.#deliverArrived();
        } else if (!this.#isFull && this.#arrived[0] !== undefined) {
          await this.#keep(spool, this.#arrived[0]);
        } else {
          break;
        }
      }
    } catch (error) {
      this.#cancelReader();
      this.fail(new Error(`Answer given up: ${messageOf(error)}`));
    } finally {
      this.#spooling = false;
    }
    if (!this.#over && this.#isFull) this.#settle(spool);
  }

  /** Puts the first of what has arrived into the file. */
  async #keep(spool: AnswerSpool, part: Uint8Array): Promise<void> {
    // A disk without room is as good as a bound that was reached: the reader waits for the client.
    const kept = this.#parts.mayKeep(spool.bytes) && await spool.write(part).catch(() => false);
    if (this.#over) return;
    this.#isFull = !kept;
    if (!kept) return;
    const { clock, room } = this.#parts;
    this.#behind ??= { since: clock.now(), refusals: room.refusals, bytes: 0 };
    this.#arrived.shift();
    if (!this.#complete) this.#grant();
  }

  /** Of a full file: the reader waits for its client, which goes on without it when it is empty. */
  #settle(spool: AnswerSpool): void {
    if (spool.isEmpty) {
      spool.close();
      this.#spool = undefined;
      this.#isFull = false;
    }
    if (this.#readerWaits) this.#hold(true);
  }

  #watch(): void {
    const { clock, stallMs } = this.#parts;
    const keptMs = this.#keptMs;
    this.#stall?.cancel();
    this.#stall = clock.after(Math.min(stallMs, keptMs), () => {
      this.#cancelReader();
      const how = keptMs < stallMs
        ? `takes less than ${
          keptBytesPerSecondMin / 1024
        } KiB a second of it, and others need the room`
        : `took nothing of it for ${stallMs} ms`;
      this.fail(new Error(`Answer given up: its client ${how}`));
    });
  }

  /** How long the client may let what is kept for it lie until it takes the next piece, in ms. */
  get #keptMs(): number {
    const { clock, room } = this.#parts;
    if (this.#behind === undefined || room.refusals === this.#behind.refusals) return Infinity;
    const { since, bytes } = this.#behind;
    const until = since + keptGraceMs + bytes / keptBytesPerSecondMin * 1000;
    return Math.max(0, until - clock.now());
  }

  #giveUp(): void {
    this.#cancelReader();
    this.#end();
  }

  #cancelReader(): void {
    if (!this.#over && !this.#complete) this.#parts.handlers.cancelled();
  }

  #end(): void {
    this.#over = true;
    this.#stall?.cancel();
    this.#patience?.cancel();
    this.#arrived.length = 0;
    this.#spool?.close();
  }
}
