import type { Prng } from "../../src/base/prng.ts";
import type { Clock, Disk, Logger } from "../../src/io/types.ts";
import { openers } from "../../src/member/openers.ts";
import { LogQueue } from "../../src/raft_log/log_queue.ts";
import { openRaftLog } from "../../src/raft_log/raft_log.ts";
import type { LogContents, RaftLog } from "../../src/raft_log/types.ts";
import type { EventQueue } from "./event_queue.ts";
import { type DiskFaults, LogStorage, SimulatedLog } from "./simulated_log.ts";
import type { SimulatedProcess } from "./virtual_clock.ts";

/** What opening a log needs of the program that does it. */
export interface Opener {
  readonly process: SimulatedProcess;
  readonly disk: Disk;
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where one node's log lies, through all its crashes. */
export interface LogHome {
  /** Whether a log has been begun there. */
  exists(opener: Pick<Opener, "disk" | "directory">): Promise<boolean>;
  open(opener: Opener): Promise<{ log: RaftLog; contents: LogContents }>;
  /** The program dies, or the machine loses its power; what lies on the disk meets its fate there. */
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
  #begun = false;

  constructor(queue: EventQueue, random: Prng, faults: () => DiskFaults) {
    this.#queue = queue;
    this.#random = random;
    this.#faults = faults;
  }

  exists(): Promise<boolean> {
    return Promise.resolve(this.#begun);
  }

  open(opener: Opener): Promise<{ log: RaftLog; contents: LogContents }> {
    const { process, clock, logger, directory } = opener;
    this.#begun = true;
    const contents = this.#storage.contents(this.#random.below(20));
    const store = new SimulatedLog(this.#storage, this.#queue, process, this.#random, this.#faults);
    const log = new LogQueue({ store, clock, logger, directory });
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

/** The program's own log in small segments on a disk whose writes can tear. */
export class SegmentedLogHome implements LogHome {
  readonly #random: Prng;

  constructor(random: Prng) {
    this.#random = random;
  }

  exists({ disk, directory }: Pick<Opener, "disk" | "directory">): Promise<boolean> {
    return openers.logs.exists(disk, directory);
  }

  open({ disk, directory, clock, logger }: Opener) {
    return openRaftLog({
      disk,
      directory,
      clock,
      logger,
      segmentBytes: 2000,
      allocateBytes: 600,
      recentBytesMax: this.#random.below(2000),
      drawSalt: () => this.#random.uint32(),
    });
  }

  crash(): void {}

  holdsDurably(): undefined {
    return undefined;
  }

  readonly lastIndex = undefined;
}
