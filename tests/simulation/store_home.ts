import type { Prng } from "../../src/base/prng.ts";
import type { UpkeepTimes } from "../../src/jobs/upkeep.ts";
import type { Engine } from "../../src/member/openers.ts";
import type { Entry } from "../../src/raft/types.ts";
import type { StoreFailedError } from "../../src/store/failures.ts";
import type { Results, Statement, Store } from "../../src/store/types.ts";
import type { EventQueue } from "./event_queue.ts";
import type { DiskFaults } from "./simulated_log.ts";
import type { StoreFaults } from "./toy_state_machine.ts";
import type { SimulatedProcess } from "./virtual_clock.ts";

/** A store as the checkers see it. */
export interface CheckedStore extends Store {
  /** Equal at equal positions, or a node has drifted; always 0 where it would be dear to find out. */
  readonly stateHash: number;
}

/** What a machine's stores share, through all its programs. */
export interface StoreHomeParts {
  readonly queue: EventQueue;
  readonly random: Prng;
  readonly faults: () => StoreFaults;
  readonly diskFaults: () => DiskFaults;
  /** Every entry that is applied, and the state after it. */
  readonly applied: (entry: Entry, stateHash: number) => void;
}

/** What clients have written, and all that a node has. */
export interface Contents {
  readonly lists: ReadonlyMap<number, readonly number[]>;
  /** All rows of its tables; none where there are no tables. */
  readonly tables: ReadonlyMap<string, readonly (readonly unknown[])[]>;
  /** Of everything in it. */
  readonly hash: number;
}

/** Where one node's database lies, through all its crashes. */
export interface StoreHome {
  /** How a program opens it; `opened` gets what it has then. */
  engine(process: SimulatedProcess, opened: (store: CheckedStore) => void): Engine;
  /** The program dies, or the machine loses its power; what lies on the disk meets its fate there. */
  crash(kind: "process" | "power"): void;
  /**
   * Has the power go while its store does something, and says so then; false where it can't, or
   * does not wait for that.
   */
  cutPowerSoon?(gone: () => void): boolean;
  /** Whether its disk has given the program that runs a reason to end so. */
  mayEnd?(error: StoreFailedError): boolean;
  /** Takes a cut that was asked for back. */
  keepPower?(): void;
  /** Where a program would find itself that starts now, or before that. */
  readonly appliedIndex: number;
  /** What would survive a power cut. */
  readonly durableIndex: number;
  /** Of the last state that came as a snapshot; its log may not be there yet. */
  readonly installedIndex: number;
  contents(): Contents;
  /** The disk is lost, or the run is over. */
  remove(): void;
}

/** One kind of store, and how clients speak to it. */
export interface StoreKind {
  home(parts: StoreHomeParts): StoreHome;
  /** How often a leader has it rebuilt, and its statistics renewed. */
  readonly upkeep: UpkeepTimes;
  /** How many bytes of changes nodes keep; undefined where they know of none. */
  readonly changesBytes: number | undefined;
  /** To be written before anything else; more than once does no harm. */
  readonly setup: readonly Statement[];
  append(key: number, value: number): readonly Statement[];
  list(key: number): Statement;
  /** What the answer to an append says of its list's length, if anything; throws when it tells of an error. */
  lengthIn(results: Results): number | undefined;
  valuesIn(results: Uint8Array): number[];
}
