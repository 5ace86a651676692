import process from "node:process";
import { messageOf } from "../base/message_of.ts";
import { openCLibrary } from "../io/c_library.ts";
import { repeat } from "../io/repeat.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import { programPages } from "./program_pages.ts";

/** How often it looks, in ms. */
const everyMs = 20_000;
/** A node that has used no more of a core than this since the last look is at rest. */
const restingShare = 0.1;
/** So often it must have been at rest in a row that its threads with nothing to do have ended. */
const threadsEndedRests = 4;
/** What must have come to what is its own since the last time, in bytes. */
const grownBytesMin = 16 * 1024 * 1024;
/** MADV_DONTNEED: what is resident of a file goes, until it is wanted again. */
const dontNeed = 4;

/** The process, as far as its memory goes. */
export interface ProcessMemory {
  /** Resident, but for what is that of files. */
  ownBytes(): number;
  /** Of the processor, since its start, in ms. */
  usedMs(): number;
  /** Gives the system what is resident of the program's file. */
  dropProgram(): Promise<void>;
  /** Gives caches back, the system what then lies free between what is in use, and the program's file. */
  trim(): Promise<void>;
}

/**
 * Gives memory back behind the start, and behind a load. The C library keeps what was freed between
 * blocks that are still in use, which after a load of many and large blocks is a good part of what is
 * resident. To give it back holds up whoever asks for memory, for tens of milliseconds where it is
 * much, and what is given back would soon be wanted again: so only of a node that is at rest. What
 * the start alone has wanted of the program's file goes once, whatever the node does: one that
 * starts into a load may not rest for days.
 */
export class MemoryTrim implements Disposable {
  readonly #memory: ProcessMemory;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #timer: Timer;
  #lookedAt: number;
  #usedMs: number;
  /** How often in a row it was at rest. */
  #rests = 0;
  /** Its own when it last trimmed. */
  #bytes = 0;
  #isBehindStart = false;

  constructor(memory: ProcessMemory, { clock, logger }: { clock: Clock; logger: Logger }) {
    this.#memory = memory;
    this.#clock = clock;
    this.#logger = logger;
    this.#lookedAt = clock.now();
    this.#usedMs = memory.usedMs();
    this.#timer = repeat(clock, everyMs, () => this.#look());
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const now = this.#clock.now();
    const usedMs = this.#memory.usedMs();
    const isResting = usedMs - this.#usedMs <= (now - this.#lookedAt) * restingShare;
    this.#lookedAt = now;
    this.#usedMs = usedMs;
    this.#rests = isResting ? this.#rests + 1 : 0;
    try {
      if (isResting) await this.#trimGrown();
      else if (!this.#isBehindStart) await this.#memory.dropProgram();
    } catch (error) {
      // A cache that cannot be given back goes on as one; nor is it known what has come without a file
      // that can be opened.
      this.#logger.log("WARN", "cli", `Memory at rest is not given back: ${messageOf(error)}`);
    }
    this.#isBehindStart = true;
  }

  async #trimGrown(): Promise<void> {
    const memory = this.#memory;
    const isGrown = memory.ownBytes() - this.#bytes >= grownBytesMin;
    if (!isGrown && this.#rests !== threadsEndedRests) return;
    try {
      await memory.trim();
    } finally {
      // Where it failed, it is tried again when as much has come.
      this.#bytes = memory.ownBytes();
    }
  }

  [Symbol.dispose](): void {
    this.#timer.cancel();
  }
}

/**
 * Of this process, whose store keeps caches; undefined where the system has no such calls, as Linux has
 * with glibc.
 */
export function ownMemory(store: { shrink(): void }): ProcessMemory | undefined {
  const calls = openCLibrary({
    malloc_trim: { parameters: ["usize"], result: "i32", nonblocking: true },
    madvise: { parameters: ["usize", "usize", "i32"], result: "i32" },
  });
  if (calls === undefined) return undefined;
  const dropProgram = async () => {
    const smaps = await Deno.readTextFile("/proc/self/smaps");
    for (const { start, bytes } of programPages(smaps, await Deno.readLink("/proc/self/exe"))) {
      calls.madvise(start, bytes, dontNeed);
    }
  };
  return {
    ownBytes: () => {
      const status = Deno.readTextFileSync("/proc/self/status");
      const [, kilobytes] = /^RssAnon:\s+(\d+) kB$/m.exec(status) ?? [];
      return kilobytes === undefined ? Deno.memoryUsage().rss : Number(kilobytes) * 1024;
    },
    usedMs: () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1000;
    },
    dropProgram,
    trim: async () => {
      store.shrink();
      await calls.malloc_trim(0n);
      await dropProgram();
    },
  };
}
