import type { Discovery } from "../../src/discovery/types.ts";
import type { Prng } from "../../src/base/prng.ts";
import { Prng as Random } from "../../src/base/prng.ts";
import { checksum } from "../../src/base/checksum.ts";
import { JoinError } from "../../src/cluster/joining.ts";
import type { ClusterService } from "../../src/cluster/service.ts";
import { DiskError, type Logger } from "../../src/io/types.ts";
import type { MemberConfiguration } from "../../src/member/configuration.ts";
import { openMember } from "../../src/member/member.ts";
import type { Openers } from "../../src/member/openers.ts";
import { LeasePermit } from "../../src/node/lease_permit.ts";
import type { Node } from "../../src/node/node.ts";
import type { NodeTiming } from "../../src/node/types.ts";
import { encodeConfiguration } from "../../src/raft/configuration.ts";
import {
  type Configuration,
  type Entry,
  EntryType,
  type NodeId,
  serverId,
} from "../../src/raft/types.ts";
import {
  type LogContents,
  LogFailedError,
  type LogWrite,
  type RaftLog,
} from "../../src/raft_log/types.ts";
import { StoreFailedError } from "../../src/store/failures.ts";
import { SimulatedDisk } from "./disk.ts";
import type { EventQueue } from "./event_queue.ts";
import { type Ledger, SafetyViolation } from "./ledger.ts";
import { ObservedLog } from "./observed_log.ts";
import type { Plan } from "./plan.ts";
import { type LogHome, MemoryLogHome, SegmentedLogHome } from "./log_home.ts";
import { type DiskFaults } from "./simulated_log.ts";
import { type SimulatedNetwork, SimulatedTransport } from "./simulated_network.ts";
import type { CheckedStore, Contents, StoreHome, StoreKind } from "./store_home.ts";
import type { StoreFaults } from "./toy_state_machine.ts";
import type { Trace } from "./trace.ts";
import { type ClockSkew, SimulatedProcess, VirtualClock } from "./virtual_clock.ts";

/** What all machines of a run share. */
export interface World {
  readonly queue: EventQueue;
  readonly random: Prng;
  readonly network: SimulatedNetwork;
  readonly ledger: Ledger;
  readonly trace: Trace;
  readonly plan: Plan;
  readonly stores: StoreKind;
  /** Of all machines, as of now. */
  readonly addresses: () => readonly string[];
  /** The run is over: a property does not hold. */
  readonly violated: (error: Error) => void;
}

/** One program running on a machine. */
interface Running {
  readonly process: SimulatedProcess;
  readonly clock: VirtualClock;
  readonly log: ObservedLog;
  readonly store: CheckedStore;
  readonly node: Node;
  readonly service: ClusterService;
  /** What other threads of the program would read by. */
  readonly permit: LeasePermit;
}

/** What a program has made of itself on its way up. */
interface Begun {
  readonly process: SimulatedProcess;
  readonly clock: VirtualClock;
  readonly logger: Logger;
  readonly random: Random;
  readonly permit: LeasePermit;
  log?: ObservedLog;
  store?: CheckedStore;
}

/** How a spare machine comes into the cluster: through whom, and as what. */
export interface Joining {
  readonly address: string;
  readonly suffrage: "staging" | "learner";
}

const directory = "/data";
const clusterId = "0123456789abcdef";
/** The incarnation of the machines that found the cluster. */
const firstIncarnation = "00000000";

/** One machine with its disk and clock: a node of the cluster runs on it, dies, and runs again. */
export class Machine {
  readonly #world: World;
  readonly #random: Prng;
  readonly #skew: ClockSkew;
  /** It is started as a standby. */
  readonly standby: boolean;
  #disk: SimulatedDisk;
  #logHome: LogHome;
  #storeHome: StoreHome;
  #life = 0;
  #moves = 0;
  /** A machine that has lost its disk is another server, as what is drawn says. */
  #serverId: NodeId;
  #member: boolean;
  #joining: Joining | undefined;
  /** Its removal is asked for: whoever starts it does not have it join again. */
  leaving = false;
  /** What the log is to begin with, at this machine's first start. */
  #founding: LogWrite | undefined;
  /** The program that runs, from its first moment on. */
  #process: SimulatedProcess | undefined;
  #clock: VirtualClock | undefined;
  /** The same, once it has read its disk. */
  #running: Running | undefined;
  /** By its flags. */
  #timing: NodeTiming;
  /** Snapshots received from other nodes and swapped in. */
  snapshotsInstalled = 0;
  diskFaults: DiskFaults;
  storeFaults: StoreFaults;

  /** `founding`: one of those that form the cluster; the first of them writes down who they are. */
  constructor(
    readonly id: string,
    world: World,
    founding: "voter" | "learner" | undefined,
    configuration: Configuration | undefined,
  ) {
    this.standby = founding === "learner" && world.plan.standbys;
    this.#world = world;
    this.#random = new Random(world.random.uint64());
    const { drift, disk, store, timings } = world.plan;
    this.#timing = timings[0];
    this.#skew = {
      rate: 1 + drift * (2 * this.#random.uint32() / 0x1_0000_0000 - 1),
      wallOffsetMs: this.#random.below(10_000) - 5_000,
    };
    this.#disk = this.#newDisk();
    this.#logHome = this.#newLogHome();
    this.#storeHome = this.#newStoreHome();
    this.#member = founding !== undefined;
    this.#serverId = serverId(id, firstIncarnation);
    this.diskFaults = disk;
    this.storeFaults = store;
    if (founding === undefined) return;
    const identity = { version: 2, nodeId: id, incarnation: firstIncarnation, clusterId };
    const file = new TextEncoder().encode(JSON.stringify(identity));
    this.#disk.install(new Map([[`${directory}/node.json`, file]]));
    this.#founding = firstWrite(configuration);
  }

  /** Where its next program listens, or the one that runs. */
  get address(): string {
    return `${this.id}:${4002 + this.#moves}`;
  }

  /** Its next start is at an address where nobody knows it to be. */
  move(): void {
    this.#moves++;
    this.#world.trace.event("move", this.id, this.#moves);
  }

  get serverId(): NodeId {
    return this.#serverId;
  }

  /** The running program, if there is one. */
  get running(): Running | undefined {
    return this.#running;
  }

  #newDisk(): SimulatedDisk {
    const disk = new SimulatedDisk({
      seed: this.#random.uint64(),
      // The disk outlives the programs; each call waits on the clock of the one that makes it.
      clock: {
        now: () => this.#runningClock.now(),
        wallTime: () => this.#runningClock.wallTime(),
        after: (delayMs, callback) => this.#runningClock.after(delayMs, callback),
      },
      latencyMsMax: this.#world.plan.disk.syncMsMax / 3,
    });
    disk.install(new Map([[`${directory}/lock`, new Uint8Array()]]));
    return disk;
  }

  get #runningClock(): VirtualClock {
    if (this.#clock === undefined) throw new Error("No program uses the disk");
    return this.#clock;
  }

  #newLogHome(): LogHome {
    const { queue, plan } = this.#world;
    return plan.segmentedLog
      ? new SegmentedLogHome(this.#random)
      : new MemoryLogHome(queue, this.#random, () => this.diskFaults);
  }

  #newStoreHome(): StoreHome {
    return this.#world.stores.home({
      queue: this.#world.queue,
      random: this.#random,
      faults: () => this.storeFaults,
      diskFaults: () => this.diskFaults,
      applied: (entry, stateHash) => this.#applied(entry, stateHash),
    });
  }

  /** What its database holds. */
  get contents(): Contents {
    return this.#storeHome.contents();
  }

  /** The run is over. */
  remove(): void {
    this.crash("process");
    this.#storeHome.remove();
  }

  /** Whether its disk has the entry, as such or in the state; what a lost disk had, nobody knows. */
  holdsDurably(index: number, term: number): boolean {
    return this.#life > 0 || (this.#logHome.holdsDurably(index, term) ?? true);
  }

  /** Whether the cluster has taken it in, as far as it has been told. */
  get member(): boolean {
    return this.#member;
  }

  /**
   * Starts the program, if none runs; one that is no founder needs to be told, once, how to become a
   * member, and is told so again at each later start, as by its unit file.
   */
  start(joining?: Joining): void {
    if (this.#process !== undefined) return;
    this.#joining = joining ?? this.#joining;
    if (!this.#member && joining === undefined) return;
    const process = new SimulatedProcess();
    const clock = new VirtualClock(this.#world.queue, process, this.#skew);
    const { trace } = this.#world;
    const logger: Logger = {
      log: (level, room, message) => trace.remark(this.id, `${level} ${room}: ${message}`),
    };
    this.#process = process;
    this.#clock = clock;
    const permit = new LeasePermit();
    const begun = { permit, process, clock, logger, random: new Random(this.#random.uint64()) };
    this.#run(begun).catch((error) => {
      // Nobody would let it in: it ends, and whoever started it tries again.
      if (error instanceof JoinError && process.alive) this.crash("process");
      else this.#fatal(process, error);
    });
  }

  /** Its removal came to nothing: it starts again as a member does. */
  stay(): void {
    this.leaving = false;
    this.crash("process");
  }

  /** Its next start, if it is to join at all, is told to do so through the member there. */
  joinThrough(address: string): void {
    if (this.#joining !== undefined && address !== this.address) {
      this.#joining = { ...this.#joining, address };
    }
  }

  /** The same start as the program's own, over what the simulator has in place of a machine. */
  async #run(begun: Begun): Promise<void> {
    const { process, clock, logger, random, permit } = begun;
    const { trace, ledger } = this.#world;
    const member = await openMember(this.#configuration(), {
      clock,
      logger,
      random,
      disk: this.#disk.mount(),
      network: { listen: noSockets, connect: noSockets },
      version: "simulation",
      leasePermit: permit,
      openers: this.#openers(begun),
      discovery: this.leaving ? undefined : this.#names(),
      onMembers: ({ members }) =>
        trace.event("members", this.id, ...members.map((m) => `${m.id}=${m.suffrage}`)),
      onStatus: ({ role, term, leader }) => {
        trace.event(role, this.id, term, leader);
        if (role === "leader") this.#check(() => ledger.leads(this.serverId, term));
      },
      onRemoved: () => {},
      onFatal: (error) => this.#fatal(process, error),
    });
    if (!process.alive) return;
    const { log, store } = begun;
    if (log === undefined || store === undefined) throw new Error("Opened without log or store");
    const { node, service } = member;
    trace.event("start", this.id, node.status.term, store.applied.index, log.lastIndex);
    this.#check(() => {
      ledger.restarts(this.serverId, node.status.term);
      ledger.hasState(this.serverId, store.applied.index, store.stateHash);
    });
    this.#running = { process, clock, log, store, node, service, permit };
    await member.start();
    this.#member = true;
  }

  /** A name service that knows where all machines are now. */
  #names(): Discovery {
    const look = () => Promise.resolve(this.#world.addresses());
    return { mode: "dns", look, figures: () => ({}), registry: undefined };
  }

  #configuration(): MemberConfiguration {
    const joining = this.leaving ? undefined : this.#joining;
    const { limits, snapshots, standbys } = this.#world.plan;
    return {
      dataDirectory: directory,
      nodeId: this.id,
      raftAddress: this.address,
      advertisedAddress: this.address,
      httpAddress: `${this.id}:4001`,
      cluster: {
        join: joining === undefined ? [] : [joining.address],
        joinAttempts: 1,
        joinIntervalMs: 200,
        bootstrapExpect: 0,
        bootstrapExpectTimeoutMs: 0,
        connectTimeoutMs: 0,
        allowSqliteMismatch: false,
        nonVoter: joining?.suffrage === "learner" && !this.standby,
        standby: this.standby,
        roleTimes: { standbyMs: standbys ? 800 : 0, reapMs: 0, reapReadOnlyMs: 0 },
        shutdownOnRemove: false,
        removeOnShutdown: false,
        stepDownOnShutdown: false,
      },
      database: {
        readConnectionsMax: 1,
        foreignKeys: false,
        slow: undefined,
        changesBytes: this.#world.stores.changesBytes,
        changesHeld: false,
        scrubMs: 0,
        pageCheckMs: 3000,
        repairs: false,
        limits: {},
        extensions: { files: [], safe: [] },
        upkeep: this.#world.stores.upkeep,
      },
      writeTimeoutMs: 3_000,
      timing: this.#timing,
      limits,
      snapshots,
    };
  }

  #openers(begun: Begun): Openers {
    const { network } = this.#world;
    const { process, clock } = begun;
    return {
      logs: {
        exists: async (disk, directory) =>
          this.#founding !== undefined || await this.#logHome.exists({ disk, directory }),
        open: async ({ disk, directory, clock, logger }) => {
          const opener = { process, disk, directory, clock, logger };
          const { log, contents } = await this.#openLog(opener);
          begun.log = this.#observed(log, contents);
          return { log: begun.log, contents };
        },
      },
      engine: this.#storeHome.engine(process, (store) => begun.store = store),
      transport: (options) => {
        this.#serverId = options.id;
        const transport = new SimulatedTransport(options, process, clock, network);
        return Promise.resolve(transport);
      },
    };
  }

  /** Opens the log, which begins with what its machine was founded with. */
  async #openLog(
    opener: Parameters<LogHome["open"]>[0],
  ): Promise<{ log: RaftLog; contents: LogContents }> {
    const open = await this.#logHome.open(opener);
    const founding = this.#founding;
    if (founding === undefined) return open;
    // In memory a crash may have left a part of it.
    const { hardState, log } = open.contents;
    const whole = hardState.term > 0 && log.lastIndex >= founding.entries.length;
    if (!whole) await open.log.append(founding);
    this.#founding = undefined;
    await open.log.close();
    return await this.#logHome.open(opener);
  }

  #observed(log: RaftLog, contents: LogContents): ObservedLog {
    const { ledger } = this.#world;
    return new ObservedLog(log, contents, {
      appended: (entry, previousTerm) => this.#appended(entry, previousTerm),
      compacted: (point) =>
        this.#check(() =>
          ledger.compacts(this.serverId, point.index, this.#storeHome.durableIndex)
        ),
      reset: () => this.#installed(),
    });
  }

  #installed(): void {
    const store = this.#running?.store;
    if (store === undefined) return;
    this.snapshotsInstalled++;
    this.#world.trace.event("installed", this.id, store.applied.index);
    this.#check(() =>
      this.#world.ledger.hasState(this.serverId, store.applied.index, store.stateHash)
    );
  }

  #check(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#world.violated(error as Error);
    }
  }

  #applied(entry: Entry, stateHash: number): void {
    this.#world.trace.event("apply", this.id, entry.index, entry.term, stateHash);
    // The node cannot tell its term while it is being made: then nothing is applied yet either.
    const term = this.#running?.node.status.term ?? 0;
    this.#check(() => this.#world.ledger.applies(this.serverId, entry, stateHash, term));
  }

  /** Terms in which this machine has begun to lead have been checked. */
  #ledTerm = 0;

  #appended(entry: Entry, previousTerm: number): void {
    const { ledger, trace } = this.#world;
    trace.event("append", this.id, entry.index, entry.term, entry.type);
    this.#check(() => {
      ledger.holds(this.serverId, previousTerm, entry);
      const running = this.#running;
      if (running === undefined || entry.term === this.#ledTerm) return;
      const { role, term } = running.node.status;
      if (role !== "leader" || term !== entry.term) return;
      this.#ledTerm = term;
      const { log } = running;
      ledger.beginsToLead(this.serverId, term, entry.index, (at) => log.termAt(at), log.firstIndex);
    });
  }

  /** A disk that fails ends the program, as it should; anything else that does is a bug. */
  #fatal(process: SimulatedProcess, error: Error): void {
    const { trace } = this.#world;
    trace.event("fatal", this.id, error.name);
    // Names files that lie elsewhere in each run.
    trace.remark(this.id, error.message);
    if (!process.alive) return;
    const ofStore = error instanceof StoreFailedError && this.#storeHome.mayEnd?.(error) === true;
    if (error instanceof LogFailedError || error instanceof DiskError || ofStore) {
      this.#world.queue.schedule(0, () => {
        if (process.alive) this.crash("process");
      });
      return;
    }
    this.#world.violated(
      new SafetyViolation("No fatal errors", `${this.id} stopped: ${error.stack ?? error.message}`),
    );
  }

  /** The program dies, or the whole machine loses its power. */
  crash(kind: "process" | "power"): void {
    if (this.#process === undefined) return;
    this.#world.trace.event("crash", this.id, kind);
    this.#process.kill();
    this.#process = undefined;
    this.#running = undefined;
    this.#logHome.crash(kind);
    if (kind === "process") this.#disk.killProcess();
    else this.#disk.cutPower();
    this.#storeHome.crash(kind);
    const { lastIndex } = this.#logHome;
    if (lastIndex === undefined) return;
    const applied = this.#storeHome.appliedIndex;
    const logged = Math.max(lastIndex, this.#storeHome.installedIndex);
    this.#check(() => this.#world.ledger.fallsBack(this.serverId, applied, logged));
  }

  /** Its power goes, at once or while its store writes; then `gone` is called. */
  cutPower(gone: () => void): void {
    const cut = () => {
      this.crash("power");
      gone();
    };
    if (this.#storeHome.cutPowerSoon?.(cut) !== true) cut();
  }

  /** No cut that was to come comes any more. */
  keepPower(): void {
    this.#storeHome.keepPower?.();
  }

  /** The next start is with the other of the run's two timings. */
  changeFlags(): void {
    const [first, second] = this.#world.plan.timings;
    this.#timing = this.#timing === first ? second : first;
    this.#world.trace.event("flags", this.id, this.#timing.tickMs);
  }

  /** The machine comes back with an empty disk. */
  wipe(): void {
    this.crash("power");
    this.#life++;
    this.#founding = this.#joining = undefined;
    this.leaving = false;
    this.#disk = this.#newDisk();
    this.#logHome = this.#newLogHome();
    this.#storeHome.remove();
    this.#storeHome = this.#newStoreHome();
    this.#ledTerm = 0;
    this.#member = false;
    this.#world.trace.event("wipe", this.id);
  }

  freeze(kind: "freeze" | "sleep" | "suspend"): void {
    if (this.#running === undefined || this.#running.process.frozen) return;
    this.#world.trace.event(kind, this.id);
    this.#running.process.freeze();
    if (kind !== "freeze") this.#running.clock.suspend(kind);
  }

  wake(): void {
    if (this.#running === undefined || !this.#running.process.frozen) return;
    this.#world.trace.event("wake", this.id);
    this.#running.clock.resume();
    this.#running.process.wake(this.#world.queue);
  }
}

function noSockets(): Promise<never> {
  return Promise.reject(new Error("The simulated transport has no sockets"));
}

/**
 * What a founder's log begins with: who forms the cluster, for one that knows it; else, as for a
 * node that has promised to be one of them, the term of that entry.
 */
function firstWrite(configuration: Configuration | undefined): LogWrite {
  const hardState = { term: 1, votedFor: "", promiseMs: 0 };
  if (configuration === undefined) return { hardState, entries: [] };
  const data = encodeConfiguration(configuration);
  const type = EntryType.configuration;
  return { hardState, entries: [{ index: 1, term: 1, type, data, checksum: checksum(data) }] };
}
