import type { Prng } from "../../src/base/prng.ts";
import type { Clock, Logger } from "../../src/io/types.ts";
import { openRaftLog } from "../../src/raft_log/raft_log.ts";
import type { LogContents, RaftLog } from "../../src/raft_log/types.ts";
import { SimulatedDisk } from "./disk.ts";
import type { EventQueue } from "./event_queue.ts";
import { type DiskFaults, LogStorage, SimulatedLog } from "./simulated_log.ts";
import type { SimulatedProcess, VirtualClock } from "./virtual_clock.ts";

/** What opening a log needs of the program that does it. */
export interface Opener {
  readonly process: SimulatedProcess;
  readonly clock: VirtualClock;
  readonly logger: Logger;
}

/** Where one node's log lies, through all its crashes. */
export interface LogHome {
  open(opener: Opener): Promise<{ log: RaftLog; contents: LogContents }>;
  crash(kind: "process" | "power"): void;
  /** Whether the entry would survive a power cut; undefined when nobody can tell. */
  holdsDurably(index: number, term: number): boolean | undefined;
  /** The last index that would survive now; undefined when nobody can tell. */
  readonly lastIndex: number | undefined;
}

/** The log in memory: fast, and every crash leaves exactly a prefix of what was written. */
export class MemoryLogHome implements LogHome {
  readonly #storage = new LogStorage();
  readonly #queue: EventQueue;
  readonly #random: Prng;
  readonly #faults: () => DiskFaults;

  constructor(queue: EventQueue, random: Prng, faults: () => DiskFaults) {
    this.#queue = queue;
    this.#random = random;
    this.#faults = faults;
  }

  open({ process }: Opener): Promise<{ log: RaftLog; contents: LogContents }> {
    const contents = this.#storage.contents(this.#random.below(20));
    const log = new SimulatedLog(this.#storage, this.#queue, process, this.#random, this.#faults);
    return Promise.resolve({ log, contents });
  }

  crash(kind: "process" | "power"): void {
    if (kind === "process") this.#storage.crashProcess(this.#random);
    else this.#storage.crashPower(this.#random);
  }

  holdsDurably(index: number, term: number): boolean {
    const { compaction, entries } = this.#storage.durable;
    if (index <= compaction.index) return true;
    return entries[index - compaction.index - 1]?.term === term;
  }

  get lastIndex(): number {
    const { compaction, entries } = this.#storage.durable;
    return compaction.index + entries.length;
  }
}

const directory = "/data/raft";

/** The program's own log in small segments on a disk whose writes can tear. */
export class SegmentedLogHome implements LogHome {
  readonly #disk: SimulatedDisk;
  readonly #random: Prng;
  #clock: Clock | undefined;

  constructor(random: Prng, latencyMsMax: number) {
    this.#random = random;
    this.#disk = new SimulatedDisk({
      seed: random.uint64(),
      // The disk outlives the programs; each call waits on the clock of the one that makes it.
      clock: {
        now: () => this.#running.now(),
        wallTime: () => this.#running.wallTime(),
        after: (delayMs, callback) => this.#running.after(delayMs, callback),
      },
      latencyMsMax,
    });
    this.#disk.install(new Map([["/data/lock", new Uint8Array()]]));
  }

  get #running(): Clock {
    if (this.#clock === undefined) throw new Error("No program has opened the log");
    return this.#clock;
  }

  async open({ clock, logger }: Opener): Promise<{ log: RaftLog; contents: LogContents }> {
    this.#clock = clock;
    return await openRaftLog(
      this.#disk.mount(),
      directory,
      {
        segmentBytes: 2000,
        allocateBytes: 600,
        recentBytesMax: this.#random.below(2000),
        drawSalt: () => this.#random.uint32(),
      },
      clock,
      logger,
    );
  }

  crash(kind: "process" | "power"): void {
    if (kind === "process") this.#disk.killProcess();
    else this.#disk.cutPower();
  }

  holdsDurably(): undefined {
    return undefined;
  }

  readonly lastIndex = undefined;
}
