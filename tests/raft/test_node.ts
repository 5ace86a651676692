import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { promiseMs } from "../../src/raft/lease.ts";
import { decodeConfiguration } from "../../src/raft/configuration.ts";
import { Raft } from "../../src/raft/raft.ts";
import {
  type CompactionPoint,
  type Configuration,
  type Entry,
  EntryType,
  type HardState,
  type LoadRequest,
  type Message,
  type NodeId,
  type RaftOptions,
  type ReadMode,
  type ReadState,
  type RecoveredLog,
} from "../../src/raft/types.ts";

/** The settings of a node that a test may choose. */
export type Settings = Pick<
  RaftOptions,
  | "electionTicks"
  | "heartbeatTicks"
  | "leaseTicks"
  | "tickMs"
  | "appendBytesMax"
  | "inflightMax"
  | "cacheBytesMax"
>;

export const defaultSettings: Settings = {
  electionTicks: 10,
  heartbeatTicks: 2,
  leaseTicks: 9,
  tickMs: 1,
  appendBytesMax: 1 << 20,
  inflightMax: 64,
  cacheBytesMax: 1 << 24,
};

/** What a node's disk holds: what a crash leaves. */
export interface TestDisk {
  hardState: HardState;
  compaction: CompactionPoint;
  /** Everything behind the compaction point. */
  entries: Entry[];
  /** What the state machine has made durable. */
  applied: number;
}

interface Write {
  readonly hardState: HardState | undefined;
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
}

/** What a node does that others see; the cluster and the checker listen. */
export interface TestNodeEvents {
  sent(messages: readonly Message[]): void;
  written(prevTerm: number, entries: readonly Entry[]): void;
  applied(node: TestNode, entry: Entry): void;
  read(node: TestNode, state: ReadState): void;
  readDropped(node: TestNode, context: number): void;
}

export function emptyDisk(configuration: Configuration): TestDisk {
  return {
    hardState: { term: 0, votedFor: "", promiseMs: 0 },
    compaction: { index: 0, term: 0, configuration },
    entries: [],
    applied: 0,
  };
}

/** A core with its driver: a disk whose writes take until the test finishes them, and a log of applies. */
export class TestNode {
  readonly id: NodeId;
  readonly disk: TestDisk;
  /** Other ones count from the next restart on. */
  settings: Settings;
  readonly loads: LoadRequest[] = [];
  readonly snapshots: NodeId[] = [];
  raft: Raft;
  applied = 0;
  applyThrough = 0;
  up = true;
  /** How the cluster names the reads under way, by the contexts that the core gave them. */
  readonly #reads = new Map<number, number>();
  readonly #prng: Prng;
  readonly #events: TestNodeEvents;
  #writes: Write[] = [];

  constructor(
    id: NodeId,
    disk: TestDisk,
    settings: Settings,
    prng: Prng,
    events: TestNodeEvents,
  ) {
    this.id = id;
    this.disk = disk;
    this.settings = settings;
    this.#prng = prng;
    this.#events = events;
    this.raft = this.#start(disk.entries.length);
  }

  get writesWaiting(): number {
    return this.#writes.length;
  }

  /** Takes every Ready of the core, and starts what it asks for. */
  takeReady(): boolean {
    let any = false;
    for (let ready = this.raft.ready(); ready !== undefined; ready = this.raft.ready()) {
      any = true;
      const { hardState, entries, messagesAfterPersist } = ready;
      if (hardState !== undefined || entries.length > 0 || messagesAfterPersist.length > 0) {
        this.#writes.push({ hardState, entries, messages: messagesAfterPersist });
      }
      this.#events.sent(ready.messages);
      if (entries.length > 0 || ready.configuration !== undefined) this.#checkConfiguration();
      assert(ready.applyThrough >= this.applyThrough, "applyThrough went back");
      this.applyThrough = ready.applyThrough;
      this.loads.push(...ready.loads);
      this.snapshots.push(...ready.snapshots);
      for (const { context, index } of ready.readStates) {
        this.#events.read(this, { context: this.readAnswered(context), index });
      }
      for (const context of ready.readsDropped) {
        this.#events.readDropped(this, this.readAnswered(context));
      }
    }
    return any;
  }

  /** The newest configuration in the log is in effect, committed or not (4.1). */
  #checkConfiguration(): void {
    const { compaction, entries } = this.disk;
    const log = [...entries];
    for (const { entries: [first, ...rest] } of this.#writes) {
      if (first !== undefined) {
        log.splice(first.index - compaction.index - 1, Infinity, first, ...rest);
      }
    }
    const newest = log.findLast(({ type }) => type === EntryType.configuration);
    const wanted = newest === undefined
      ? compaction.configuration
      : decodeConfiguration(newest.data);
    assert.deepEqual(this.raft.configuration, wanted, `Configuration in effect at ${this.id}`);
  }

  /** Asks for a read index in the name `read`. */
  askRead(read: number, mode: ReadMode): void {
    this.#reads.set(this.raft.readIndex(mode), read);
  }

  readName(context: number): number {
    const read = this.#reads.get(context);
    assert(read !== undefined, "An answer to no read, or a second one");
    return read;
  }

  /** The name of the read that gets its only answer. */
  readAnswered(context: number): number {
    const read = this.readName(context);
    this.#reads.delete(context);
    return read;
  }

  /** Finishes the oldest write. */
  finishWrite(): boolean {
    const write = this.#writes.shift();
    if (write === undefined) return false;
    this.#toDisk(write);
    this.#events.sent(write.messages);
    const last = write.entries[write.entries.length - 1];
    if (last !== undefined) this.raft.persisted(last.index, last.term);
    return true;
  }

  /** Applies what may be applied, from memory or from disk. */
  apply(): boolean {
    if (this.applied >= this.applyThrough) return false;
    while (this.applied < this.applyThrough) {
      const index = this.applied + 1;
      const entry = this.raft.cached(index, index, Infinity)[0] ??
        this.disk.entries[index - this.disk.compaction.index - 1];
      assert(entry?.index === index, `${this.id} cannot find the entry ${index} to apply`);
      this.applied = index;
      this.#events.applied(this, entry);
    }
    this.raft.applied(this.applied);
    return true;
  }

  /** Makes durable what is applied, and drops the log behind `index`. */
  compact(index: number): void {
    this.disk.applied = this.applied;
    const term = this.raft.termAt(index);
    if (term === undefined || index <= this.disk.compaction.index || index > this.applied) return;
    const configuration = this.raft.configurationAt(index);
    this.disk.entries.splice(0, index - this.disk.compaction.index);
    this.disk.compaction = { index, term, configuration };
    this.raft.compacted(index);
  }

  /** What a snapshot of this node's state machine covers. */
  snapshotPoint(): CompactionPoint {
    const index = this.applied;
    const term = this.raft.termAt(index);
    assert(term !== undefined);
    return { index, term, configuration: this.raft.configurationAt(index) };
  }

  /** Installs another node's snapshot as the node would; false when it is not wanted. */
  install(point: CompactionPoint): boolean {
    while (this.finishWrite());
    if (point.index <= this.applied) return false;
    const { disk } = this;
    if (this.raft.termAt(point.index) === point.term) {
      disk.entries.splice(0, point.index - disk.compaction.index);
    } else disk.entries = [];
    disk.compaction = point;
    disk.applied = this.applied = point.index;
    this.raft.snapshotInstalled(point);
    return true;
  }

  /** Answers a load from the disk. */
  load({ to, from, bytesMax }: LoadRequest): void {
    const start = from - this.disk.compaction.index - 1;
    const entries: Entry[] = [];
    let bytes = 0;
    for (let i = start; i >= 0 && i < this.disk.entries.length; i++) {
      const entry = this.disk.entries[i];
      assert(entry !== undefined);
      bytes += entry.data.length;
      if (bytes > bytesMax && entries.length > 0) break;
      entries.push(entry);
    }
    this.raft.loaded(to, entries);
  }

  /** Loses everything that is not on disk; of the writes under way, the first `finished` are. */
  crash(finished: number): void {
    for (const write of this.#writes.slice(0, finished)) this.#toDisk(write);
    this.#writes = [];
    this.#reads.clear();
    this.up = false;
  }

  /** Starts from the disk, with the newest `cached` entries in memory. */
  restart(cached = this.disk.entries.length): void {
    this.raft = this.#start(cached);
    this.up = true;
  }

  #start(cached: number): Raft {
    const { disk } = this;
    const promise = Math.max(disk.hardState.promiseMs, promiseMs(this.settings));
    disk.hardState = { ...disk.hardState, promiseMs: promise };
    this.applied = Math.max(disk.applied, disk.compaction.index);
    this.applyThrough = this.applied;
    this.loads.length = 0;
    this.snapshots.length = 0;
    return new Raft({
      id: this.id,
      ...this.settings,
      random: (limit) => this.#prng.below(limit),
      hardState: disk.hardState,
      compaction: disk.compaction,
      log: recovered(disk, cached),
      applied: this.applied,
    });
  }

  #toDisk({ hardState, entries }: Write): void {
    const { disk } = this;
    if (hardState !== undefined) disk.hardState = hardState;
    const first = entries[0];
    if (first === undefined) return;
    const keep = first.index - disk.compaction.index - 1;
    assert(keep >= 0 && keep <= disk.entries.length, `Write at ${first.index} leaves a gap`);
    disk.entries.length = keep;
    this.#events.written(disk.entries[keep - 1]?.term ?? disk.compaction.term, entries);
    disk.entries.push(...entries);
  }
}

function recovered(disk: TestDisk, cached: number): RecoveredLog {
  const termStarts: { term: number; index: number }[] = [];
  for (const { term, index } of disk.entries) {
    if (termStarts[termStarts.length - 1]?.term !== term) termStarts.push({ term, index });
  }
  return {
    lastIndex: disk.compaction.index + disk.entries.length,
    termStarts,
    configurations: disk.entries.filter((entry) => entry.type === EntryType.configuration),
    entries: disk.entries.slice(disk.entries.length - Math.min(cached, disk.entries.length)),
  };
}
