import { FormatError } from "../base/bytes.ts";
import { pause } from "../io/pause.ts";
import { voterIds } from "../raft/configuration.ts";
import {
  type Configuration,
  type Entry,
  EntryType,
  type MembershipChange,
  type Message,
  type NodeId,
  type PeerProgress,
  type ProposeResult,
  type ReadMode,
  type Status,
} from "../raft/types.ts";
import type { AnswerFormat } from "../store/types.ts";
import { ViolationError } from "../transport/frame.ts";
import { type NodeParts, nodeParts } from "./node_parts.ts";
import { changedSince } from "./changed_since.ts";
import { decodeSnapshotHeader } from "./snapshot_header.ts";
import {
  type CommandCodec,
  NodeError,
  type NodeFigures,
  type NodeOptions,
  type WriteOutcome,
} from "./types.ts";
import { proposalError, type Write } from "./writes/proposer.ts";

/** What is under way at the end gets this long at least, in ms. */
const restMsMin = 1_000;

/**
 * One member of a cluster, as others see it: it takes messages and snapshots, answers proposals and
 * reads, and begins and ends in good order. What goes on in it is in its parts (node_parts.ts), of
 * which the driver does what the core wants done. Everything it does to the outside goes through
 * what it is given, so that the simulator runs this same class.
 */
export class Node {
  readonly id: NodeId;
  readonly #options: NodeOptions;
  readonly #parts: NodeParts;
  #state: "new" | "running" | "stopping" | "stopped" = "new";
  #failure: Error | undefined;
  #leaderHeardAt = 0;

  constructor(options: NodeOptions) {
    this.id = options.id;
    this.#options = options;
    this.#parts = nodeParts(options, {
      isNew: () => this.#state === "new",
      isRunning: () => this.#state === "running",
      statusChanged: (status) => this.#statusChanged(status),
      failed: (error) => this.#fail(error),
    });
  }

  get status(): Status {
    return this.#parts.raft.status;
  }

  get configuration(): Configuration {
    return this.#parts.raft.configuration;
  }

  get commitIndex(): number {
    return this.#parts.raft.commitIndex;
  }

  get appliedIndex(): number {
    return this.#parts.applier.applied;
  }

  get lastIndex(): number {
    return this.#parts.raft.lastIndex;
  }

  /** The index behind which nothing is that was proposed here; undefined while some of it waits for the log. */
  get takenIndex(): number | undefined {
    return this.#parts.proposer.isWaiting ? undefined : this.lastIndex;
  }

  /** Whether a command may have been applied behind that index. */
  changedSince(index: number): Promise<boolean> {
    return changedSince(this.#options, index, this.appliedIndex);
  }

  /** Entries of the log, as {@linkcode RaftLog.read} has them. */
  readLog(from: number, to: number, bytesMax: number): Promise<Entry[]> {
    return this.#options.log.read(from, to, bytesMax);
  }

  /** Of the entry there; undefined where the log does not say. */
  termAt(index: number): number | undefined {
    return this.#parts.raft.termAt(index);
  }

  /** Keeps the log behind that index until it is archived, within a bound. */
  keepLogBehind(index: number): void {
    this.#parts.holds.keepBehind(index);
  }

  get figures(): NodeFigures {
    const { log } = this.#options;
    return {
      firstLogIndex: log.firstIndex,
      logSizeBytes: log.sizeBytes,
      snapshotIndex: this.#parts.compaction.snapshotIndex,
      snapshotsTaken: this.#parts.compaction.taken,
      snapshotsInstalled: this.#parts.receiver.installed,
      copiesReplaced: this.#parts.replacement.replaced,
      damage: this.damage,
      pendingWrites: this.#parts.proposer.size + this.#parts.watched.size,
      progress: this.#parts.raft.progress(),
      elections: this.#parts.raft.elections,
      stages: this.#parts.stages,
      health: this.#health,
    };
  }

  /** For the leader: every other member's. Empty elsewhere. */
  get peerProgress(): readonly PeerProgress[] {
    return this.#parts.raft.progress();
  }

  get isLeader(): boolean {
    return this.#parts.raft.status.role === "leader";
  }

  /** "ok", or what keeps the node from writing. */
  get #health(): string {
    return this.#failure?.message ?? this.#parts.disk.trouble ?? "ok";
  }

  /** What is wrong with this node's copy of the database, as long as it waits for the leader's. */
  get damage(): string | undefined {
    return this.#parts.replacement.reason;
  }

  /**
   * The copy is damaged: nothing is read from it, written to it or sent of it any more, the lead is
   * given up, and what the leader sends takes its place. Vote and log are sound, and go on.
   */
  replaceCopy(reason: string): void {
    this.#parts.replacement.begin(reason);
    this.#parts.sender.distrust();
    this.#parts.ticker.hurry();
    this.#parts.driver.schedule();
  }

  /** Sends a member a copy of the database that it asks for, be its log complete or not. */
  async bringUp(id: NodeId, index: number, timeoutMs: number): Promise<void> {
    const refusal = this.#refusal(0);
    if (refusal !== undefined) throw refusal;
    await this.waitApplied(index, timeoutMs);
    const { sender } = this.#parts;
    if (this.isLeader && !sender.isSending(id)) sender.send(id);
  }

  /** Has `reached` called with the state as it is behind the next entry that marks a comparison. */
  stopAtScrub(reached: (index: number) => Promise<void>): () => void {
    const { codec } = this.#options;
    return this.#parts.applier.stopBehind(
      ({ type, data }) => type === EntryType.command && codec.isScrub(data),
      reached,
    );
  }

  /** How long the log's oldest write has waited for the disk, in ms; 0 when it need not wait. */
  get diskWaitMs(): number {
    return this.#parts.disk.waitMs;
  }

  /** ms since this node last heard from the leader; 0 on the leader itself. */
  get lastContactMs(): number {
    return this.isLeader ? 0 : this.#options.clock.now() - this.#leaderHeardAt;
  }

  start(): void {
    this.#state = "running";
    this.#leaderHeardAt = this.#options.clock.now();
    this.#options.onConfiguration(this.#parts.raft.configuration);
    const voters = voterIds(this.#parts.raft.configuration);
    if (voters.length === 1 && voters[0] === this.id) this.#parts.raft.campaign();
    this.#parts.ticker.start();
    this.#parts.driver.schedule();
  }

  /** A message from another node's core. Throws a ViolationError for one that is passed over, with why. */
  step(message: Message): void {
    if (this.#state === "stopped") return;
    if (message.type === "append_request" && this.#parts.receiver.swapping) return;
    // Who cannot write would only have to hand the lead on.
    if (message.type === "timeout_now" && this.#parts.disk.trouble !== undefined) return;
    let refusal = unknownCommand(message, this.#options.codec);
    try {
      this.#parts.ticker.catchUp();
      refusal ??= this.#parts.raft.step(message);
    } catch (error) {
      // A core whose invariant is broken must not go on, whatever the transport does with errors.
      this.#fail(error);
      return;
    }
    if (refusal !== undefined) throw new ViolationError(refusal);
    this.#parts.receiver.overtake();
    const status = this.#parts.raft.status;
    if (message.from === status.leader) this.#leaderHeardAt = this.#options.clock.now();
    this.#parts.driver.schedule();
  }

  unreachable(id: NodeId): void {
    this.#parts.raft.unreachable(id);
    this.#parts.driver.schedule();
  }

  /** Receives a snapshot stream; resolves when it is installed. Throws a FormatError for what is none. */
  async receiveSnapshot(
    from: NodeId,
    header: Uint8Array,
    body: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const announced = decodeSnapshotHeader(header);
    await this.#parts.compaction.idle();
    try {
      await this.#parts.receiver.receive(from, announced, body);
    } catch (error) {
      if (error instanceof NodeError) throw error;
      this.#fail(error);
      throw error;
    }
    const index = this.#parts.applier.applied;
    this.#parts.compaction.installed(index);
    this.#parts.proposer.skipped(index);
    this.#parts.reads.applied(index);
    this.#parts.driver.schedule();
  }

  /**
   * Appends a command and resolves when it has been applied here. Rejects with a NodeError whose
   * kind says whether it may still take effect. Only the leader proposes. The deadline is by the
   * node's clock.
   */
  propose(
    command: Uint8Array,
    { format, deadline, trace }: Pick<Write, "format" | "deadline" | "trace">,
  ): Promise<WriteOutcome> {
    return this.#enqueue({ type: EntryType.command, command, format, deadline, trace });
  }

  /** The same for a command that came from another node: throws a FormatError for bytes that are none. */
  async proposeReceived(...write: Parameters<Node["propose"]>): Promise<WriteOutcome> {
    const fault = this.#options.codec.fault(write[0]);
    if (fault !== undefined) throw new FormatError(fault);
    return await this.propose(...write);
  }

  /** Puts an empty entry through the log: a strong read waits for its index. */
  async proposeBarrier(timeoutMs: number): Promise<number> {
    const deadline = this.#options.clock.now() + timeoutMs;
    const outcome = await this.#enqueue({
      type: EntryType.noop,
      command: new Uint8Array(),
      format: undefined,
      deadline,
    });
    return outcome.index;
  }

  #enqueue(write: Write): Promise<WriteOutcome> {
    const refusal = this.#refusal(write.command.length) ??
      (write.type === EntryType.command ? this.#parts.proposer.tooNew(write.command) : undefined);
    return refusal === undefined ? this.#parts.proposer.add(write) : Promise.reject(refusal);
  }

  /** Why no leader would take a command, if none would. */
  untakeable(command: Uint8Array): NodeError | undefined {
    const { proposer } = this.#parts;
    return proposer.tooLarge(command.length) ?? proposer.tooNew(command);
  }

  /** Why a proposal cannot be taken now, if it cannot. */
  #refusal(bytes: number): NodeError | undefined {
    if (this.#state !== "running") {
      return new NodeError("unavailable", this.#failure?.message ?? "The node is stopping");
    }
    if (!this.isLeader) return new NodeError("not_leader", "This node is not the leader");
    const { trouble } = this.#parts.disk;
    if (trouble !== undefined) return new NodeError("unavailable", trouble);
    return this.#parts.proposer.refusal(bytes);
  }

  /**
   * Resolves when the request of that sequence, sent to the leader by this node, has been applied
   * here: the answer that is certain even when the leader's got lost on the way.
   */
  watch(sequence: number, format: AnswerFormat): Promise<WriteOutcome> {
    return this.#parts.watched.watch(sequence, format);
  }

  unwatch(sequence: number): void {
    this.#parts.watched.unwatch(sequence);
  }

  /**
   * Resolves with the read index once this node's own copy has reached it: "quorum" for a
   * linearizable read, "lease" for one that trusts the leader's lease.
   */
  readBarrier(mode: ReadMode, timeoutMs: number): Promise<number> {
    if (this.#state !== "running") {
      return Promise.reject(new NodeError("unavailable", "The node is stopping"));
    }
    this.#parts.ticker.catchUp();
    const waiting = this.#parts.reads.wait(mode, this.#options.clock.now() + timeoutMs);
    this.#parts.driver.schedule();
    return waiting;
  }

  /** Whether a lease read may be answered now: this node leads by its lease, and has applied what is committed. */
  get mayReadByLease(): boolean {
    if (this.#state !== "running") return false;
    this.#parts.ticker.catchUp();
    this.#parts.permitReads();
    const index = this.#parts.raft.leaseIndex;
    return index !== undefined && index <= this.#parts.applier.applied;
  }

  /** The same of a linearizable read: of a cluster of one, which has nobody to ask whether it leads. */
  get mayReadAlone(): boolean {
    return this.#parts.alone() && this.mayReadByLease;
  }

  /** Resolves when everything up to `index` is applied here. */
  async waitApplied(index: number, timeoutMs: number): Promise<void> {
    const deadline = this.#options.clock.now() + timeoutMs;
    const applied = this.#parts.reads.waitApplied(index, this.#parts.applier.applied, deadline);
    this.#parts.applier.hurry();
    this.#parts.ticker.hurry();
    await applied;
  }

  /** Changes one member and resolves when the change is committed. */
  changeMembership(change: MembershipChange, timeoutMs: number): Promise<WriteOutcome> {
    const refusal = this.#refusal(0);
    if (refusal !== undefined) return Promise.reject(refusal);
    this.#parts.ticker.catchUp();
    const result = this.#parts.raft.proposeMembership(change);
    if (!result.ok) return Promise.reject(proposalError(result.reason));
    const done = this.#parts.proposer.track(result, this.#options.clock.now() + timeoutMs);
    this.#parts.driver.schedule();
    return done;
  }

  /** Asks the core to hand leadership over; the result says only whether it has begun. */
  transferLeadership(to: NodeId): ProposeResult {
    this.#parts.ticker.catchUp();
    const result = this.#parts.raft.transferLeadership(to);
    this.#parts.driver.schedule();
    return result;
  }

  /** Checkpoints and compacts now; false when there was nothing new. */
  async snapshot(trailing: number | undefined): Promise<boolean> {
    if (this.#parts.receiver.receiving) return false;
    return await this.#parts.compaction.run(trailing);
  }

  #statusChanged(status: Status): void {
    if (status.role !== "leader") this.#parts.stages.abandon();
    if (status.leader !== "") this.#leaderHeardAt = this.#options.clock.now();
    this.#options.onStatus(status);
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
    this.#parts.permitReads();
    this.#parts.driver.stop();
    this.#parts.ticker.stop();
    this.#parts.sender.stop();
    this.#parts.proposer.failAll(message);
    this.#parts.reads.failAll(message);
  }

  /**
   * Stops in good order: takes nothing new, hands leadership over if asked, and lets what is under
   * way finish, all within `timeoutMs` and a moment. Log and state machine stay open: they are their owner's.
   */
  async stop(options: { readonly handOver: boolean; readonly timeoutMs: number }): Promise<void> {
    if (this.#state !== "running") return;
    this.#state = "stopping";
    this.#parts.permitReads();
    let deadline = this.#options.clock.now() + options.timeoutMs;
    const until = async (done: () => boolean) => {
      while (!done() && this.#failure === undefined && this.#options.clock.now() < deadline) {
        await pause(this.#options.clock, 5);
      }
    };
    await until(() => this.#parts.proposer.size === 0);
    const successor = options.handOver && this.isLeader ? this.successor() : undefined;
    if (successor !== undefined && this.transferLeadership(successor).ok) {
      await until(() => !this.isLeader);
    }
    this.#end("Outcome unknown: the node stopped before the write was confirmed");
    // The log has what is cut short here: the batch of a state machine that waits for room on the
    // disk, or that is at a statement without end.
    let resting = false;
    const { log, stateMachine } = this.#options;
    const rest = [this.#parts.applier.pause(), log.idle(), this.#parts.compaction.idle()];
    void Promise.allSettled(rest).then(() => resting = true);
    deadline = Math.max(deadline, this.#options.clock.now() + restMsMin);
    await until(() => resting || log.full || stateMachine.full !== undefined);
  }

  /** The voter that would be the best next leader, if there is one. */
  successor(): NodeId | undefined {
    return this.#parts.handover.successor();
  }
}

/**
 * Why this node could not apply one of the entries that it is sent, if it could not: of a newer
 * version, say. In its log, and committed, it would stop the node; refused, it keeps this node from
 * following, and no other from anything.
 */
function unknownCommand(
  message: Message,
  codec: Pick<CommandCodec, "unknown">,
): string | undefined {
  if (message.type !== "append_request") return undefined;
  for (const { type, index, data } of message.entries) {
    const why = type === EntryType.command ? codec.unknown(data) : undefined;
    if (why !== undefined) return `Entry ${index} cannot be taken in: ${why}`;
  }
  return undefined;
}
