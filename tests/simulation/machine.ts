import type { Prng } from "../../src/base/prng.ts";
import { Prng as Random } from "../../src/base/prng.ts";
import { joinCluster } from "../../src/cluster/joining.ts";
import type { ClusterService } from "../../src/cluster/service.ts";
import { DiskError, type Logger } from "../../src/io/types.ts";
import { assembleMember } from "../../src/member/assembly.ts";
import type { Node } from "../../src/node/node.ts";
import { recover } from "../../src/node/recovery.ts";
import {
  type CompactionPoint,
  type Configuration,
  type Entry,
  EntryType,
  type Member,
  type NodeId,
  type Suffrage,
} from "../../src/raft/types.ts";
import { checksum } from "../../src/base/checksum.ts";
import { serverId } from "../../src/raft/server_id.ts";
import { SqliteAgreement } from "../../src/cluster/sqlite_agreement.ts";
import { encodeConfiguration } from "../../src/raft/configuration.ts";
import {
  type LogContents,
  LogFailedError,
  type LogWrite,
  type RaftLog,
} from "../../src/raft_log/types.ts";
import type { EventQueue } from "./event_queue.ts";
import { type Ledger, SafetyViolation } from "./ledger.ts";
import { ObservedLog } from "./observed_log.ts";
import type { Plan } from "./plan.ts";
import { type LogHome, MemoryLogHome, type Opener, SegmentedLogHome } from "./log_home.ts";
import { type DiskFaults } from "./simulated_log.ts";
import { type SimulatedNetwork, SimulatedTransport } from "./simulated_network.ts";
import { toyCodec } from "./toy_command.ts";
import { type StoreFaults, ToyStorage } from "./toy_state_machine.ts";
import { encodeCommand, ToyStore } from "./toy_store.ts";
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
  /** The run is over: a property does not hold. */
  readonly violated: (error: Error) => void;
}

/** One program running on a machine. */
interface Running {
  readonly process: SimulatedProcess;
  readonly clock: VirtualClock;
  readonly log: ObservedLog;
  readonly store: ToyStore;
  readonly logger: Logger;
  readonly node: Node;
  readonly service: ClusterService;
  readonly transport: SimulatedTransport;
}

/** One machine with its disk and clock: a node of the cluster runs on it, dies, and runs again. */
export class Machine {
  readonly address: string;
  readonly #world: World;
  readonly #random: Prng;
  readonly #skew: ClockSkew;
  #logHome: LogHome;
  #storeStorage = new ToyStorage();
  #marker: CompactionPoint | undefined;
  #life = 0;
  /** On its disk: it knows its cluster, and is spoken to by the members. */
  #introduced: boolean;
  #member: boolean;
  /** What the log is to begin with, at this machine's first start. */
  #founding: Configuration | undefined;
  /** The program that runs, from its first moment on. */
  #process: SimulatedProcess | undefined;
  /** The same, once it has read its disk. */
  #running: Running | undefined;
  /** Snapshots received from other nodes and swapped in. */
  snapshotsInstalled = 0;
  diskFaults: DiskFaults;
  storeFaults: StoreFaults;

  /** `founding`: one of those that form the cluster; the first of them writes down who they are. */
  constructor(
    readonly id: string,
    world: World,
    founding: boolean,
    configuration: Configuration | undefined,
  ) {
    this.address = `${id}:4002`;
    this.#world = world;
    this.#random = new Random(world.random.uint64());
    const { drift, disk, store } = world.plan;
    this.#skew = {
      rate: 1 + drift * (2 * this.#random.uint32() / 0x1_0000_0000 - 1),
      wallOffsetMs: this.#random.below(10_000) - 5_000,
    };
    this.#founding = configuration;
    this.#logHome = this.#newLogHome();
    this.#introduced = this.#member = founding;
    this.diskFaults = disk;
    this.storeFaults = store;
  }

  /** A machine that has lost its disk is another server. */
  get serverId(): NodeId {
    return serverId(this.id, this.#life.toString(16).padStart(8, "0"));
  }

  /** The running program, if there is one. */
  get running(): Running | undefined {
    return this.#running;
  }

  #newLogHome(): LogHome {
    const { queue, plan } = this.#world;
    return plan.segmentedLog
      ? new SegmentedLogHome(this.#random, plan.disk.syncMsMax / 3)
      : new MemoryLogHome(queue, this.#random, () => this.diskFaults);
  }

  /** Whether its disk has the entry, as such or in the state; what a lost disk had, nobody knows. */
  holdsDurably(index: number, term: number): boolean {
    return this.#life > 0 || (this.#logHome.holdsDurably(index, term) ?? true);
  }

  /** Whether the cluster has taken it in, as far as it has been told. */
  get member(): boolean {
    return this.#member;
  }

  start(): void {
    if (this.#process !== undefined) return;
    const process = new SimulatedProcess();
    const clock = new VirtualClock(this.#world.queue, process, this.#skew);
    const { trace } = this.#world;
    const logger: Logger = {
      log: (level, room, message) => trace.remark(this.id, `${level} ${room}: ${message}`),
    };
    this.#process = process;
    this.#open({ process, clock, logger }).then(({ log, contents }) => {
      if (process.alive) this.#run({ process, clock, logger }, log, contents);
    }).catch((error) => this.#fatal(process, error));
  }

  /** What a start does first: sees that log and state belong together, and ends a broken installation. */
  async #open(opener: Opener): Promise<{ log: RaftLog; contents: LogContents }> {
    const open = await this.#logHome.open(opener);
    const { log, contents } = open;
    const founding = this.#founding;
    if (founding !== undefined) {
      if (contents.log.lastIndex === 0) await log.append(firstWrite(founding));
      this.#founding = undefined;
      return await this.#reopen(opener, log);
    }
    const applied = this.#storeStorage.position;
    const recovery = recover({ contents, applied, marker: this.#marker }, this.id);
    if (recovery.type === "reset") {
      await log.reset(recovery.point);
      this.#marker = undefined;
      return await this.#reopen(opener, log);
    }
    this.#marker = undefined;
    return open;
  }

  async #reopen(opener: Opener, log: RaftLog): Promise<{ log: RaftLog; contents: LogContents }> {
    await log.close();
    return await this.#open(opener);
  }

  #self(suffrage: Suffrage): Member {
    return { id: this.serverId, address: this.address, httpAddress: `${this.id}:4001`, suffrage };
  }

  #run({ process, clock, logger }: Opener, raftLog: RaftLog, contents: LogContents): void {
    const { queue, ledger, trace, plan, network } = this.#world;
    const random = new Random(this.#random.uint64());
    const { hardState } = contents;
    const transport = new SimulatedTransport(
      this.serverId,
      this.address,
      process,
      clock,
      network,
    );
    const store = new ToyStore(
      this.#storeStorage,
      queue,
      process,
      this.#random,
      () => this.storeFaults,
      (entry, state) => this.#applied(entry, state.hash),
    );
    const log = new ObservedLog(raftLog, contents, {
      appended: (entry, previousTerm) => this.#appended(entry, previousTerm),
      compacted: (point) =>
        this.#check(() =>
          ledger.compacts(this.serverId, point.index, this.#storeStorage.durablePosition.index)
        ),
    });
    trace.event("start", this.id, hardState.term, store.applied.index, log.lastIndex);
    this.#check(() => {
      ledger.restarts(this.serverId, hardState.term);
      ledger.hasState(this.serverId, store.applied.index, store.state.hash);
    });
    const { node, service } = assembleMember({
      self: this.#self("voter"),
      clock,
      logger,
      random,
      timing: plan.timing,
      limits: plan.limits,
      snapshots: plan.snapshots,
      log,
      contents,
      transport,
      store,
      codec: toyCodec,
      installMarker: {
        write: (point) => this.#write(process, () => this.#marker = point),
        clear: () =>
          this.#write(process, () => {
            this.#marker = undefined;
            this.#installed();
          }),
      },
      onMembers: ({ members }) =>
        trace.event("members", this.id, ...members.map((m) => `${m.id}=${m.suffrage}`)),
      onStatus: ({ role, term, leader }) => {
        trace.event(role, this.id, term, leader);
        if (role === "leader") this.#check(() => ledger.leads(this.serverId, term));
      },
      onRemoved: () => {},
      onFatal: (error) => this.#fatal(process, error),
      encodeCommand,
      clusterId: () => "0123456789abcdef",
      dataDirectory: "data",
      version: "simulation",
      sqlite: this.#sqlite(logger),
      writeTimeoutMs: 3_000,
    });
    this.#running = { process, clock, log, store, logger, node, service, transport };
    if (this.#introduced) transport.setCluster();
    transport.start(service.peers);
    node.start();
  }

  /** The toy store has none: all machines agree. */
  #sqlite(logger: Logger): SqliteAgreement {
    const profile = { version: "none", sourceId: "", compileOptions: [], probes: [] };
    return new SqliteAgreement({ id: this.serverId, profile, permits: false, logger });
  }

  #installed(): void {
    const store = this.#running?.store;
    if (store === undefined) return;
    this.snapshotsInstalled++;
    this.#world.trace.event("installed", this.id, store.applied.index);
    this.#check(() =>
      this.#world.ledger.hasState(this.serverId, store.applied.index, store.state.hash)
    );
  }

  #write(process: SimulatedProcess, change: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#world.queue.schedule(this.#random.below(5), () =>
        process.run(() => {
          change();
          resolve();
        }));
    });
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
    this.#world.trace.event("fatal", this.id, error.message);
    if (!process.alive) return;
    if (error instanceof LogFailedError || error instanceof DiskError) {
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
    if (kind === "power") this.#storeStorage.crashPower(this.#random);
    const { lastIndex } = this.#logHome;
    if (lastIndex === undefined) return;
    const applied = this.#storeStorage.position.index;
    const logged = Math.max(lastIndex, this.#marker?.index ?? 0);
    this.#check(() => this.#world.ledger.fallsBack(this.serverId, applied, logged));
  }

  /** The machine comes back with an empty disk. */
  wipe(): void {
    this.crash("power");
    this.#life++;
    this.#marker = undefined;
    this.#founding = undefined;
    this.#logHome = this.#newLogHome();
    this.#storeStorage = new ToyStorage();
    this.#ledTerm = 0;
    this.#introduced = this.#member = false;
    this.#world.trace.event("wipe", this.id);
  }

  freeze(kind: "freeze" | "suspend"): void {
    if (this.#running === undefined || this.#running.process.frozen) return;
    this.#world.trace.event(kind, this.id);
    this.#running.process.freeze();
    if (kind === "suspend") this.#running.clock.suspend();
  }

  wake(): void {
    if (this.#running === undefined || !this.#running.process.frozen) return;
    this.#world.trace.event("wake", this.id);
    this.#running.clock.resume();
    this.#running.process.wake(this.#world.queue);
  }

  /** Joins through the member at `address`; true when the cluster says that it has taken it in. */
  async join(address: string, suffrage: "staging" | "learner"): Promise<boolean> {
    const running = this.#running;
    if (running === undefined) return false;
    try {
      await joinCluster({
        member: this.#self(suffrage),
        addresses: [address],
        attempts: 1,
        intervalMs: 0,
        timeoutMs: 4000,
        clusterId: "",
        sqlite: this.#sqlite(running.logger).own,
        transport: running.transport,
        clock: running.clock,
        logger: running.logger,
        onCluster: () =>
          this.#write(running.process, () => {
            this.#introduced = true;
            running.transport.setCluster();
          }),
      });
      this.#member = true;
      return true;
    } catch (error) {
      this.#world.trace.remark(this.id, `Join failed: ${(error as Error).message}`);
      return false;
    }
  }
}

/** The first entry of a new cluster's log says who forms it. */
function firstWrite(configuration: Configuration): LogWrite {
  const data = encodeConfiguration(configuration);
  const type = EntryType.configuration;
  return {
    hardState: { term: 1, votedFor: "" },
    entries: [{ index: 1, term: 1, type, data, checksum: checksum(data) }],
  };
}
