import type { Clock, Logger } from "../io/types.ts";
import { DiskError } from "../io/types.ts";
import type { RaftLog } from "../raft_log/types.ts";
import type { Entry, HardState, Ready } from "../raft/types.ts";

/** How long to wait before a write that found the disk full is tried again, in ms. */
const retryMs = 500;

/** Data of the entries in one write of the log, in bytes, unless it is a single one. */
const writeBytesMax = 4 * 1024 * 1024;

/** A write that the disk has not answered yet. */
export interface WriteUnderWay {
  /** When it was handed over, in ms of the clock. */
  readonly since: number;
  /** Data of its entries. */
  readonly bytes: number;
}

interface Pending {
  hardState: HardState | undefined;
  entries: Entry[];
  /** To be called once everything before and in this write is durable. */
  readonly durable: (() => void)[];
}

/**
 * Brings what the core wants durable to the log, in order, one write at a time: all that arrives
 * while a write runs goes into the next one (group commit). A full disk holds the queue up until
 * there is room; any other failure ends it.
 */
export class LogWriter {
  readonly #log: RaftLog;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onFatal: (error: Error) => void;
  #next: Pending | undefined;
  #running: Promise<void> | undefined;
  #underWay: WriteUnderWay | undefined;
  #full = false;
  #stopped = false;

  constructor(
    log: RaftLog,
    clock: Clock,
    logger: Logger,
    onFatal: (error: Error) => void,
  ) {
    this.#log = log;
    this.#clock = clock;
    this.#logger = logger;
    this.#onFatal = onFatal;
  }

  /** A write is under way: what is proposed now could not be durable before the next one. */
  get busy(): boolean {
    return this.#running !== undefined;
  }

  /** What the disk is at; undefined between two writes, and while one waits for room. */
  get underWay(): WriteUnderWay | undefined {
    return this.#underWay;
  }

  /** The disk has no room: nothing new becomes durable until there is. */
  get full(): boolean {
    return this.#full;
  }

  /** Queues the durable part of a Ready; `durable` is called when it, and all before it, is on disk. */
  write(ready: Pick<Ready, "hardState" | "entries">, durable: () => void): void {
    if (this.#stopped) return;
    if (ready.hardState === undefined && ready.entries.length === 0 && !this.busy) {
      durable();
      return;
    }
    this.#next ??= { hardState: undefined, entries: [], durable: [] };
    if (ready.hardState !== undefined) this.#next.hardState = ready.hardState;
    const first = ready.entries[0];
    if (first !== undefined) {
      replaceFrom(this.#next.entries, first.index);
      for (const entry of ready.entries) this.#next.entries.push(entry);
    }
    this.#next.durable.push(durable);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    while (this.#next !== undefined && !this.#stopped) {
      const write = this.#next;
      this.#next = undefined;
      try {
        await this.#append(write);
      } catch (error) {
        this.#stopped = true;
        if (error instanceof Error) this.#onFatal(error);
        break;
      }
      if (this.#stopped) break;
      // The last write of the queue is over before its callbacks run: they may queue the next one.
      if (this.#next === undefined) this.#running = undefined;
      for (const durable of write.durable) durable();
      if (this.#running === undefined) return;
    }
    this.#running = undefined;
  }

  async #append(write: Pending): Promise<void> {
    while (!this.#stopped) {
      try {
        if (write.hardState !== undefined || write.entries.length > 0) {
          await this.#hand(write);
        }
        if (this.#full) this.#logger.log("INFO", "node", "The disk has room again: writes go on");
        this.#full = false;
        return;
      } catch (error) {
        if (!(error instanceof DiskError) || error.kind !== "full") throw error;
        if (!this.#full) {
          this.#logger.log(
            "ERROR",
            "node",
            `${error.message}: no room for the log, writes wait until there is some`,
          );
        }
        this.#full = true;
        await new Promise<void>((resolve) => this.#clock.after(retryMs, resolve));
      }
    }
  }

  /** In several writes when it is much: what the log does with one it does without a pause. */
  async #hand({ hardState, entries }: Pending): Promise<void> {
    for (let from = 0; from === 0 || from < entries.length;) {
      const { to, bytes } = share(entries, from);
      this.#underWay = { since: this.#clock.now(), bytes };
      try {
        await this.#log.append({
          hardState: from === 0 ? hardState : undefined,
          entries: from === 0 && to === entries.length ? entries : entries.slice(from, to),
        });
      } finally {
        this.#underWay = undefined;
      }
      from = Math.max(to, 1);
    }
  }

  /** Resolves when nothing is queued or under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  stop(): void {
    this.#stopped = true;
    this.#next = undefined;
  }
}

/** Cuts a contiguous list of entries so that it ends before `index`. */
function replaceFrom(entries: Entry[], index: number): void {
  const first = entries[0];
  if (first !== undefined && index < first.index + entries.length) {
    entries.length = Math.max(0, index - first.index);
  }
}

/** Where the entries from `from` on end that make one write of the log, and what they take. */
function share(entries: readonly Entry[], from: number): { to: number; bytes: number } {
  let bytes = 0;
  let to = from;
  while (to < entries.length) {
    const { length } = (entries[to] as Entry).data;
    if (to > from && bytes + length > writeBytesMax) break;
    bytes += length;
    to++;
  }
  return { to, bytes };
}
