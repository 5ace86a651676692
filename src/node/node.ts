import { voterIds } from "../raft/configuration.ts";
import { Raft } from "../raft/raft.ts";
import {
  type Configuration,
  type Entry,
  EntryType,
  type MembershipChange,
  type Message,
  type NodeId,
  type ProposeResult,
  type ReadMode,
  type Status,
} from "../raft/types.ts";
import type { AnswerFormat } from "../store/types.ts";
import { Applier } from "./applier.ts";
import { Compaction } from "./compaction.ts";
import { DiskWatch } from "./disk_watch.ts";
import { Handover } from "./handover.ts";
import { Driver } from "./driver.ts";
import { LogHolds } from "./log_holds.ts";
import { LogLoads } from "./log_loads.ts";
import { proposalError, Proposer } from "./writes/proposer.ts";
import { ReadBarriers } from "./read_barriers.ts";
import { SnapshotReceiver } from "./snapshot_receiver.ts";
import { SnapshotSender } from "./snapshot_sender.ts";
import { Ticker } from "./ticker.ts";
import { NodeError, type NodeFigures, type NodeOptions, type WriteOutcome } from "./types.ts";
import { WatchedRequests } from "./writes/watched_requests.ts";

/** What is under way at the end gets this long at least, in ms. */
const restMsMin = 1_000;

/**
 * One member of a cluster: drives the core (ready → persist → send → apply) and answers proposals
 * and reads. Everything it does to the outside goes through the parts that it is given, so that the
 * simulator runs this same class.
 */
export class Node {
  readonly id: NodeId;
  readonly #options: NodeOptions;
  readonly #raft: Raft;
  readonly #disk: DiskWatch;
  readonly #handover: Handover;
  readonly #applier: Applier;
  readonly #compaction: Compaction;
  readonly #driver: Driver;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  readonly #reads: ReadBarriers;
  readonly #ticker: Ticker;
  readonly #proposer: Proposer;
  readonly #watched: WatchedRequests;
  #state: "new" | "running" | "stopping" | "stopped" = "new";
  #failure: Error | undefined;
  #leaderHeardAt = 0;
  #nextCompactionCheck = 0;

  constructor(options: NodeOptions) {
    this.id = options.id;
    this.#options = options;
    const { contents, timing, limits, clock, logger, log, stateMachine } = options;
    this.#raft = new Raft({
      id: options.id,
      electionTicks: timing.electionTicks,
      heartbeatTicks: timing.heartbeatTicks,
      leaseTicks: timing.leaseTicks,
      tickMs: timing.tickMs,
      appendBytesMax: limits.appendBytesMax,
      inflightMax: limits.inflightMax,
      cacheBytesMax: limits.cacheBytesMax,
      random: options.random,
      hardState: contents.hardState,
      compaction: contents.compaction,
      log: contents.log,
      applied: stateMachine.applied.index,
    });
    const fail = (error: unknown) => this.#fail(error);
    const due = () => this.#driver.schedule();
    this.#ticker = new Ticker({ raft: this.#raft, clock, timing, each: () => this.#everyTick() });
    this.#disk = new DiskWatch({ log, stateMachine, clock, timing });
    this.#handover = new Handover(this.#raft, timing);
    this.#watched = new WatchedRequests(options.codec, options.origin);
    this.#proposer = new Proposer({
      raft: this.#raft,
      clock,
      codec: options.codec,
      seed: options.seed,
      limits,
      alone: () => this.#raft.configuration.members.length === 1,
      logBusy: () => log.busy,
      due,
    });
    this.#applier = new Applier({
      raft: this.#raft,
      log,
      clock,
      stateMachine,
      bytesMax: limits.applyBytesMax,
      handlers: {
        urgent: () => this.isLeader || this.#reads.size > 0,
        format: (entry) => this.#formatOf(entry),
        applied: (entry, answer) => this.#applied(entry, answer),
        advanced: (index) => this.#advanced(index),
        failed: fail,
      },
    });
    this.#reads = new ReadBarriers(this.#raft, limits.pendingReadsMax);
    const { logBytes } = options.snapshots;
    const holds = new LogHolds({ raft: this.#raft, clock, logger, logBytes });
    this.#compaction = new Compaction({
      raft: this.#raft,
      log,
      stateMachine,
      policy: options.snapshots,
      logger,
      snapshotIndex: contents.compaction.index,
      holds,
    });
    this.#sender = new SnapshotSender({
      raft: this.#raft,
      log,
      holds,
      stateMachine,
      transport: options.transport,
      clock,
      logger,
      due,
    });
    this.#receiver = new SnapshotReceiver({
      raft: this.#raft,
      log,
      applier: this.#applier,
      stateMachine,
      marker: options.installMarker,
      logger,
    });
    this.#driver = new Driver({
      raft: this.#raft,
      log,
      transport: options.transport,
      proposer: this.#proposer,
      reads: this.#reads,
      applier: this.#applier,
      loads: new LogLoads({ raft: this.#raft, log, due, failed: fail }),
      sender: this.#sender,
      // Nothing is written while the log begins anew behind a snapshot: what waits goes after it.
      held: () => this.#state === "new" || this.#receiver.swapping,
      onConfiguration: options.onConfiguration,
      onStatus: (status) => this.#statusChanged(status),
      failed: fail,
    });
  }

  get status(): Status {
    return this.#raft.status;
  }

  get configuration(): Configuration {
    return this.#raft.configuration;
  }

  get commitIndex(): number {
    return this.#raft.commitIndex;
  }

  get appliedIndex(): number {
    return this.#applier.applied;
  }

  get lastIndex(): number {
    return this.#raft.lastIndex;
  }

  get figures(): NodeFigures {
    const { log } = this.#options;
    return {
      firstLogIndex: log.firstIndex,
      logSizeBytes: log.sizeBytes,
      snapshotIndex: this.#compaction.snapshotIndex,
      snapshotsTaken: this.#compaction.taken,
      snapshotsInstalled: this.#receiver.installed,
      pendingWrites: this.#proposer.size + this.#watched.size,
      progress: this.#raft.progress(),
      health: this.#health,
    };
  }

  get isLeader(): boolean {
    return this.#raft.status.role === "leader";
  }

  /** "ok", or what keeps the node from writing. */
  get #health(): string {
    return this.#failure?.message ?? this.#disk.trouble ?? "ok";
  }

  /** ms since this node last heard from the leader; 0 on the leader itself. */
  get lastContactMs(): number {
    return this.isLeader ? 0 : this.#options.clock.now() - this.#leaderHeardAt;
  }

  start(): void {
    this.#state = "running";
    this.#leaderHeardAt = this.#options.clock.now();
    this.#options.onConfiguration(this.#raft.configuration);
    const voters = voterIds(this.#raft.configuration);
    if (voters.length === 1 && voters[0] === this.id) this.#raft.campaign();
    this.#ticker.start();
    this.#driver.schedule();
  }

  #everyTick(): void {
    const now = this.#options.clock.now();
    this.#proposer.expire(now);
    this.#reads.expire(now);
    const { trouble } = this.#disk;
    if (trouble !== undefined) this.#proposer.refuseWaiting(trouble);
    if (trouble !== undefined && this.isLeader) this.#handover.urge(now);
    else this.#handover.reset();
    if (now >= this.#nextCompactionCheck) {
      this.#nextCompactionCheck = now + this.#options.snapshots.intervalMs;
      if (this.#compaction.due && !this.#receiver.receiving) {
        this.#compaction.run().catch((error) => this.#fail(error));
      }
    }
    this.#driver.schedule();
  }

  /** A message from another node's core. */
  step(message: Message): void {
    if (this.#state === "stopped") return;
    if (message.type === "append_request" && this.#receiver.swapping) return;
    // Who cannot write would only have to hand the lead on.
    if (message.type === "timeout_now" && this.#disk.trouble !== undefined) return;
    try {
      this.#ticker.catchUp();
      this.#raft.step(message);
    } catch (error) {
      // A core whose invariant is broken must not go on, whatever the transport does with errors.
      this.#fail(error);
      return;
    }
    const status = this.#raft.status;
    if (message.from === status.leader) this.#leaderHeardAt = this.#options.clock.now();
    this.#driver.schedule();
  }

  unreachable(id: NodeId): void {
    this.#raft.unreachable(id);
    this.#driver.schedule();
  }

  /** Receives a snapshot stream; resolves when it is installed. */
  async receiveSnapshot(
    from: NodeId,
    header: Uint8Array,
    body: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    await this.#compaction.idle();
    try {
      await this.#receiver.receive(from, header, body);
    } catch (error) {
      if (error instanceof NodeError) throw error;
      this.#fail(error);
      throw error;
    }
    const index = this.#applier.applied;
    this.#compaction.installed(index);
    this.#proposer.skipped(index);
    this.#reads.applied(index);
    this.#driver.schedule();
  }

  /**
   * Appends a command and resolves when it has been applied here. Rejects with a NodeError whose
   * kind says whether it may still take effect. Only the leader proposes. The deadline is by the
   * node's clock.
   */
  propose(
    command: Uint8Array,
    options: { readonly format: AnswerFormat | undefined; readonly deadline: number },
  ): Promise<WriteOutcome> {
    return this.#enqueue(EntryType.command, command, options.format, options.deadline);
  }

  /** Puts an empty entry through the log: a strong read waits for its index. */
  async proposeBarrier(timeoutMs: number): Promise<number> {
    const deadline = this.#options.clock.now() + timeoutMs;
    const outcome = await this.#enqueue(EntryType.noop, new Uint8Array(), undefined, deadline);
    return outcome.index;
  }

  #enqueue(...write: Parameters<Proposer["add"]>): Promise<WriteOutcome> {
    const refusal = this.#refusal(write[1].length);
    return refusal === undefined ? this.#proposer.add(...write) : Promise.reject(refusal);
  }

  /** Why no leader would take a command of that many bytes, if none would. */
  tooLarge(bytes: number): NodeError | undefined {
    return this.#proposer.tooLarge(bytes);
  }

  /** Why a proposal cannot be taken now, if it cannot. */
  #refusal(bytes: number): NodeError | undefined {
    if (this.#state !== "running") {
      return new NodeError("unavailable", this.#failure?.message ?? "The node is stopping");
    }
    if (!this.isLeader) return new NodeError("not_leader", "This node is not the leader");
    const { trouble } = this.#disk;
    if (trouble !== undefined) return new NodeError("unavailable", trouble);
    return this.#proposer.refusal(bytes);
  }

  /**
   * Resolves when the request of that sequence, sent to the leader by this node, has been applied
   * here: the answer that is certain even when the leader's got lost on the way.
   */
  watch(sequence: number, format: AnswerFormat): Promise<WriteOutcome> {
    return this.#watched.watch(sequence, format);
  }

  unwatch(sequence: number): void {
    this.#watched.unwatch(sequence);
  }

  /**
   * Resolves with the read index once this node's own copy has reached it: "quorum" for a
   * linearizable read, "lease" for one that trusts the leader's lease.
   */
  readBarrier(mode: ReadMode, timeoutMs: number): Promise<number> {
    if (this.#state !== "running") {
      return Promise.reject(new NodeError("unavailable", "The node is stopping"));
    }
    this.#ticker.catchUp();
    const waiting = this.#reads.wait(mode, this.#options.clock.now() + timeoutMs);
    this.#driver.schedule();
    return waiting;
  }

  /** Whether a lease read may be answered now: this node leads by its lease, and has applied what is committed. */
  get mayReadByLease(): boolean {
    if (this.#state !== "running") return false;
    this.#ticker.catchUp();
    const index = this.#raft.leaseIndex;
    return index !== undefined && index <= this.#applier.applied;
  }

  /** Resolves when everything up to `index` is applied here. */
  async waitApplied(index: number, timeoutMs: number): Promise<void> {
    const deadline = this.#options.clock.now() + timeoutMs;
    const applied = this.#reads.waitApplied(index, this.#applier.applied, deadline);
    this.#applier.hurry();
    await applied;
  }

  /** Changes one member and resolves when the change is committed. */
  changeMembership(change: MembershipChange, timeoutMs: number): Promise<WriteOutcome> {
    const refusal = this.#refusal(0);
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#ticker.catchUp();
    const result = this.#raft.proposeMembership(change);
    if (!result.ok) return Promise.reject(proposalError(result.reason));
    const done = this.#proposer.track(result, this.#options.clock.now() + timeoutMs);
    this.#driver.schedule();
    return done;
  }

  /** Asks the core to hand leadership over; the result says only whether it has begun. */
  transferLeadership(to: NodeId): ProposeResult {
    this.#ticker.catchUp();
    const result = this.#raft.transferLeadership(to);
    this.#driver.schedule();
    return result;
  }

  /** Checkpoints and compacts now; false when there was nothing new. */
  async snapshot(trailing: number | undefined): Promise<boolean> {
    if (this.#receiver.receiving) return false;
    return await this.#compaction.run(trailing);
  }

  #statusChanged(status: Status): void {
    if (status.leader !== "") this.#leaderHeardAt = this.#options.clock.now();
    this.#options.onStatus(status);
  }

  #formatOf(entry: Entry): AnswerFormat | undefined {
    return this.#proposer.format(entry.index, entry.term) ?? this.#watched.format(entry);
  }

  #applied(entry: Entry, answer: WriteOutcome["answer"]): void {
    this.#proposer.applied(entry.index, entry.term, answer);
    this.#watched.applied(entry, answer);
  }

  #advanced(index: number): void {
    this.#raft.applied(index);
    this.#reads.applied(index);
    this.#driver.schedule();
  }

  /** Ends everything at once: nothing may be promised any more. */
  #fail(cause: unknown): void {
    if (this.#failure !== undefined || this.#state === "stopped") return;
    const error = cause instanceof Error ? cause : new Error(String(cause));
    this.#failure = error;
    this.#end(`Outcome unknown: the node stopped (${error.message})`);
    this.#options.onFatal(error);
  }

  #end(message: string): void {
    this.#state = "stopped";
    this.#driver.stop();
    this.#ticker.stop();
    this.#sender.stop();
    this.#proposer.failAll(message);
    this.#reads.failAll(message);
  }

  /**
   * Stops in good order: takes nothing new, hands leadership over if asked, and lets what is under
   * way finish, all within `timeoutMs` and a moment. Log and state machine stay open: they are their owner's.
   */
  async stop(options: { readonly handOver: boolean; readonly timeoutMs: number }): Promise<void> {
    if (this.#state !== "running") return;
    this.#state = "stopping";
    let deadline = this.#options.clock.now() + options.timeoutMs;
    const until = async (done: () => boolean) => {
      while (!done() && this.#failure === undefined && this.#options.clock.now() < deadline) {
        await new Promise<void>((resolve) => this.#options.clock.after(5, resolve));
      }
    };
    await until(() => this.#proposer.size === 0);
    const successor = options.handOver && this.isLeader ? this.successor() : undefined;
    if (successor !== undefined && this.transferLeadership(successor).ok) {
      await until(() => !this.isLeader);
    }
    this.#end("Outcome unknown: the node stopped before the write was confirmed");
    // The log has what is cut short here: the batch of a state machine that waits for room on the
    // disk, or that is at a statement without end.
    let resting = false;
    const { log, stateMachine } = this.#options;
    const rest = [this.#applier.pause(), log.idle(), this.#compaction.idle()];
    void Promise.all(rest).then(() => resting = true);
    deadline = Math.max(deadline, this.#options.clock.now() + restMsMin);
    await until(() => resting || log.full || stateMachine.full !== undefined);
  }

  /** The voter that would be the best next leader, if there is one. */
  successor(): NodeId | undefined {
    return this.#handover.successor();
  }
}
