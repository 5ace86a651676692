import { Recent } from "../base/recent.ts";
import type { Logger, LogLevel, LogLine } from "./types.ts";

const ranks: Readonly<Record<LogLevel, number>> = { DEBUG: 0, INFO: 1, WARN: 2, ERROR: 3 };

/** Lines waiting for a slow reader of standard error, in bytes; past it lines are counted, not kept. */
const waitingBytesMax = 1024 * 1024;

/** What of the log is kept to be looked at; sizes in characters. */
const recentBounds = { itemsMax: 1_000, sizeMax: 512 * 1024 };
const recentMessageMax = 4_096;

const encoder = new TextEncoder();

/** Where lines go: standard error, or a test's own. */
export type LineSink = (bytes: Uint8Array) => Promise<number>;

/** Lines in the queue, and who is to be told what becomes of them. */
interface Waiting {
  readonly bytes: Uint8Array;
  /** Undefined for lines of the log, which count against its bound. */
  readonly written?: PromiseWithResolvers<void>;
}

/** One line: time in UTC, level in five columns, room, message; line breaks within are escaped. */
export function formatLogLine({ wallTime, level, room, message }: LogLine): string {
  const text = message.replaceAll("\r", "\\r").replaceAll("\n", "\\n");
  return `${new Date(wallTime).toISOString()} ${level.padEnd(5)} [${room}] ${text}\n`;
}

/**
 * Writes lines of `level` and above to standard error, in order, from a queue: a reader that does
 * not read, or a closed pipe, neither stops nor fails the program.
 */
export class StderrLogger implements Logger {
  /** The last lines; long ones are cut. */
  readonly recent = new Recent<LogLine>(recentBounds);
  #rankMin: number;
  #sink: LineSink;
  readonly #rooms: Readonly<Record<string, LogLevel>>;
  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #writing = false;
  readonly #flushed: (() => void)[] = [];

  /** `rooms`: rooms that have a level of their own. */
  constructor(
    level: LogLevel,
    sink: LineSink = (bytes) => Deno.stderr.write(bytes),
    rooms: Readonly<Record<string, LogLevel>> = {},
  ) {
    this.#rankMin = ranks[level];
    this.#sink = sink;
    this.#rooms = rooms;
  }

  log(level: LogLevel, room: string, message: string): void {
    const own = this.#rooms[room];
    if (ranks[level] < (own === undefined ? this.#rankMin : ranks[own])) return;
    const wallTime = Date.now();
    const kept = message.length > recentMessageMax
      ? `${message.slice(0, recentMessageMax)}…`
      : message;
    this.recent.push({ wallTime, level, room, message: kept }, kept.length);
    const line = encoder.encode(formatLogLine({ wallTime, level, room, message }));
    if (this.#waitingBytes + line.length > waitingBytesMax) this.#dropped++;
    else {
      this.#waitingBytes += line.length;
      this.#push({ bytes: line });
    }
  }

  /**
   * Writes whole lines of another form, between those of the log, whatever waits already: how much
   * that may be is for the caller to bound. Resolves when they are written.
   */
  write(bytes: Uint8Array): Promise<void> {
    const written = Promise.withResolvers<void>();
    this.#push({ bytes, written });
    return written.promise;
  }

  #push(lines: Waiting): void {
    this.#waiting.push(lines);
    if (!this.#writing) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { bytes, written } = next;
      if (written === undefined) this.#waitingBytes -= bytes.length;
      try {
        for (let sent = 0; sent < bytes.length;) sent += await this.#sink(bytes.subarray(sent));
        written?.resolve();
      } catch (error) {
        if (written === undefined) this.#dropped++;
        else written.reject(error);
      }
      if (this.#dropped > 0 && this.#waiting.length === 0) {
        const message = `${this.#dropped} log lines lost: standard error was not read fast enough`;
        this.#dropped = 0;
        const notice = encoder.encode(
          formatLogLine({ wallTime: Date.now(), level: "WARN", room: "io", message }),
        );
        await this.#sink(notice).catch(() => {});
      }
    }
    this.#writing = false;
    for (const wake of this.#flushed.splice(0)) wake();
  }

  /** Resolves when every line so far has been written, or could not be. */
  async flush(): Promise<void> {
    if (!this.#writing) return;
    await new Promise<void>((resolve) => this.#flushed.push(resolve));
  }
}
