import { assert, unreachable } from "../base/assert.ts";
import { Elections } from "./elections.ts";
import { Follower } from "./follower.ts";
import { ForwardedReads } from "./forwarded_reads.ts";
import { implausible } from "./implausible.ts";
import { Leader } from "./leader.ts";
import { ReadyReport } from "./ready_report.ts";
import { Server } from "./server.ts";
import type {
  CompactionPoint,
  Configuration,
  ElectionCounts,
  Entry,
  EntryType,
  MembershipChange,
  Message,
  NodeId,
  PeerProgress,
  ProposeResult,
  RaftOptions,
  ReadIndexRequest,
  ReadMode,
  Ready,
  Role,
  Status,
} from "./types.ts";

/**
 * The core: one server of the cluster. Holds the rules about terms (3.3) and the change of roles, and
 * leaves what a role does to {@linkcode Follower}, {@linkcode Elections} and {@linkcode Leader}.
 * No method waits, throws for an expected condition, or does I/O.
 */
export class Raft {
  readonly #server: Server;
  readonly #follower: Follower;
  readonly #forwardedReads: ForwardedReads;
  readonly #elections: Elections;
  readonly #report: ReadyReport;
  /** Set while this server leads. */
  #leader: Leader | undefined;
  /** Begins at random: an answer meant for this server's run before a crash must fit no read of this one. */
  #lastRead: number;

  constructor(options: RaftOptions) {
    assert(options.leaseTicks <= options.electionTicks, "The lease outlasts the election timeout");
    this.#server = new Server(options);
    this.#follower = new Follower(this.#server);
    this.#forwardedReads = new ForwardedReads(this.#server);
    this.#lastRead = options.random(0x1_0000_0000) * 0x1_0000;
    this.#elections = new Elections(this.#server, {
      leaderless: () => this.#leaderIs(""),
      enterTerm: (term, votedFor) => this.#enterTerm(term, votedFor),
      won: () => this.#becomeLeader(),
      lost: () => this.#becomeFollower(this.#server.term, ""),
    });
    this.#report = new ReadyReport(this.#server);
  }

  get status(): Status {
    return { role: this.#role, term: this.#server.term, leader: this.#server.leader };
  }

  get commitIndex(): number {
    return this.#server.commitIndex;
  }

  get lastIndex(): number {
    return this.#server.log.lastIndex;
  }

  get configuration(): Configuration {
    return this.#server.membership.current;
  }

  /** The configuration that the entries up to `index` (committed) leave in effect: for a compaction point. */
  configurationAt(index: number): Configuration {
    return this.#server.membership.at(index);
  }

  get elections(): ElectionCounts {
    return this.#server.elections;
  }

  /** For the leader: every other member's progress. Empty elsewhere. */
  progress(): PeerProgress[] {
    return this.#leader === undefined
      ? []
      : Array.from(this.#leader.peers, (peer) => peer.report());
  }

  /** The term of the entry at `index`, undefined when compacted or beyond the end. */
  termAt(index: number): number | undefined {
    return this.#server.log.termAt(index);
  }

  /** Entries from `from` to `to` (both inclusive) that are cached, from the front; empty when `from` is not. */
  cached(from: number, to: number, bytesMax: number): Entry[] {
    return this.#server.log.cached(from, to, bytesMax);
  }

  /** A tick passes on time: it elapses, and what is due is done. */
  tick(): void {
    this.elapse();
    this.act(false);
  }

  /**
   * A tick has passed, and counts for what rests on time: leases, and what was promised to them.
   * What has become due by it waits for `act`.
   */
  elapse(): void {
    this.#server.now++;
    this.#elections.elapse();
    if (this.#leader === undefined) this.#forwardedReads.tick();
    else this.#leader.elapse();
  }

  /**
   * In how many ticks something will be due, if nothing happens until then; 1 or less: at the next.
   * Nothing is lost when they are told all at once: `elapse` and then `act`.
   */
  get ticksUntilDue(): number {
    if (this.#leader !== undefined) return this.#leader.ticksUntilDue;
    return this.#forwardedReads.waiting ? 1 : this.#elections.ticksUntilDue;
  }

  /**
   * Does what is due. While messages may be `unread`, because the program was held up, it takes
   * nobody's silence for absence: it neither campaigns nor gives up the lead.
   */
  act(unread: boolean): void {
    if (this.#leader === undefined) {
      if (!unread) this.#elections.act();
    } else if (!this.#leader.act(unread)) this.#becomeFollower(this.#server.term, "");
  }

  /** Returns why no sound server can have sent the message, if none can: then nothing was done. */
  step(message: Message): string | undefined {
    const server = this.#server;
    if (message.to !== server.id) return undefined;
    if (message.term < server.term) {
      this.#answerOldTerm(message);
      return undefined;
    }
    const refusal = implausible(server, message, this.#leader);
    if (refusal !== undefined) return refusal;
    if (message.type === "vote_request" && this.#elections.ignores(message)) return undefined;
    if (message.term > server.term && !aboutNextTerm(message)) {
      this.#becomeFollower(message.term, "");
    }
    this.#dispatch(message);
    this.#resignWhenRemoved();
    return undefined;
  }

  /** Appends one entry (leader only). `checksum` is that of `data`, where it is known. */
  propose(
    type: typeof EntryType.noop | typeof EntryType.command,
    data: Uint8Array,
    checksum?: number,
  ): ProposeResult {
    return this.#leader?.propose(type, data, checksum) ?? { ok: false, reason: "not_leader" };
  }

  /** Appends a configuration with one member changed (leader only, one at a time, 4.1). */
  proposeMembership(change: MembershipChange): ProposeResult {
    return this.#leader?.proposeMembership(change) ?? { ok: false, reason: "not_leader" };
  }

  /** Begins a leadership transfer (3.10); ends by itself after an election timeout. */
  transferLeadership(to: NodeId): ProposeResult {
    return this.#leader?.transfer(to) ?? { ok: false, reason: "not_leader" };
  }

  /**
   * Asks for a read index, of the leader as often as it takes; returns the context under which the
   * answer comes in `readStates` or, when the leader is lost, in `readsDropped`.
   */
  readIndex(mode: ReadMode): number {
    const context = ++this.#lastRead;
    if (this.#leader === undefined) this.#forwardedReads.ask(context, mode);
    else this.#leader.read({ from: this.#server.id, context }, mode);
    return context;
  }

  /** The read index of a lease read that begins now; undefined when this server leads by no lease (6.4.1). */
  get leaseIndex(): number | undefined {
    return this.#leader?.leaseIndex;
  }

  /** For how many ticks such reads may begin, unless the lease is given up; endless for a lone voter. */
  get leaseTicksLeft(): number {
    return this.#leader?.leaseTicksLeft ?? 0;
  }

  /**
   * Campaigns at once, without waiting for the timeout (a lone voter at start, and tests). Nothing
   * happens while a leader may hold its lease: within an election timeout of hearing from it, or of
   * a restart, unless this is the only voter.
   */
  campaign(): void {
    this.#elections.stand();
  }

  /** What is to be done, once; undefined when nothing is. */
  ready(): Ready | undefined {
    this.#leader?.flush();
    this.#follower.flush();
    return this.#report.next(this.#role);
  }

  /** A Ready whose last entry this is, and every one before it, is durable. Once for each, in order. */
  persisted(index: number, term: number): void {
    this.#server.log.persisted(index, term);
    this.#leader?.commit();
    this.#resignWhenRemoved();
  }

  /** The state machine has applied up to here: allows its entries to leave the cache. */
  applied(index: number): void {
    const { commitIndex, log } = this.#server;
    assert(index <= commitIndex, `Applied through ${index}, but committed only ${commitIndex}`);
    log.applied(index);
  }

  /** Entries for a LoadRequest; empty when they could not be read (compacted meanwhile). */
  loaded(to: NodeId, entries: readonly Entry[]): void {
    this.#leader?.loaded(to, entries);
  }

  /** The log up to `index` has been compacted on disk. */
  compacted(index: number): void {
    const { commitIndex, log, membership } = this.#server;
    assert(index <= commitIndex, `Compacted through ${index}, but committed only ${commitIndex}`);
    log.compact(index);
    membership.compact(index);
  }

  /**
   * The state machine is, durably, a snapshot up to `point`: continue from there and answer the
   * leader. A log that holds the point's entry (`termAt(point.index) === point.term`) keeps what
   * follows it, as it may be acknowledged; any other is dropped whole, and `point` must then lie
   * beyond `commitIndex`. The driver has done the same to the log on disk (which begins anew when it
   * ends before the point, as entries in memory may not be written yet), and has stepped no
   * append_request and taken no Ready since it asked for that term.
   */
  snapshotInstalled(point: CompactionPoint): void {
    const server = this.#server;
    if (server.log.termAt(point.index) === point.term) {
      server.commitTo(point.index);
      this.compacted(point.index);
    } else {
      assert(
        point.index > server.commitIndex,
        `The snapshot at ${point.index} contradicts what is committed through ${server.commitIndex}`,
      );
      server.log.reset(point.index, point.term);
      server.membership.reset(point);
      server.commitTo(point.index);
    }
    this.#follower.snapshotInstalled();
  }

  /** The stream to a follower ended, well or not. */
  snapshotFinished(to: NodeId, ok: boolean): void {
    this.#leader?.snapshotFinished(to, ok);
  }

  /** The transport could not deliver to this peer: back to probing. */
  unreachable(to: NodeId): void {
    this.#leader?.unreachable(to);
  }

  get #role(): Role {
    return this.#leader === undefined ? this.#elections.campaign ?? "follower" : "leader";
  }

  #dispatch(message: Message): void {
    switch (message.type) {
      case "vote_request":
        return this.#elections.voteRequest(message);
      case "vote_response":
        return this.#elections.voteResponse(message);
      case "append_request":
        this.#followLeader(message.from);
        return this.#follower.appendRequest(message);
      case "heartbeat_request":
        this.#followLeader(message.from);
        return this.#follower.heartbeatRequest(message);
      case "snapshot_request":
        this.#followLeader(message.from);
        return this.#follower.snapshotRequest(message);
      case "append_response":
        return this.#leader?.appendResponse(message);
      case "heartbeat_response":
        return this.#leader?.heartbeatResponse(message);
      case "read_index_request":
        return this.#readIndexRequest(message);
      case "read_index_response":
        if (message.from === this.#server.leader) this.#forwardedReads.answered(message);
        return;
      case "timeout_now":
        if (message.from === this.#server.leader) this.#elections.takeOver();
        return;
      default:
        return unreachable(message);
    }
  }

  /**
   * Answers a message of an older term where silence could leave its sender, or this server, stuck:
   * a leader learns of the newer term by a refused append, whatever it sent, and a candidate by a
   * refused vote. Everything else of an older term is void (3.3).
   */
  #answerOldTerm(message: Message): void {
    const { id, term, outbox } = this.#server;
    const envelope = { from: id, to: message.from, term };
    switch (message.type) {
      case "append_request":
      case "heartbeat_request":
      case "snapshot_request":
        outbox.messages.push({
          ...envelope,
          type: "append_response",
          success: false,
          matchIndex: 0,
          rejectedIndex: 0,
          hintIndex: 0,
          hintTerm: 0,
        });
        break;
      case "vote_request": {
        const { preVote } = message;
        outbox.messages.push({ ...envelope, type: "vote_response", preVote, granted: false });
        break;
      }
      case "read_index_request":
        this.#refuseRead(message);
        break;
      default:
        break;
    }
  }

  #readIndexRequest(request: ReadIndexRequest): void {
    const { from, context, mode } = request;
    if (this.#leader === undefined) this.#refuseRead(request);
    else this.#leader.read({ from, context }, mode);
  }

  /** The read must be asked for anew, of the leader. */
  #refuseRead({ from: to, context }: ReadIndexRequest): void {
    const { outbox, id, term } = this.#server;
    const type = "read_index_response";
    outbox.messages.push({ type, from: id, to, term, context, index: 0 });
  }

  #becomeLeader(): void {
    this.#leaderIs(this.#server.id);
    this.#leader = new Leader(this.#server);
  }

  /** Takes `from` for the leader of the current term, which there is only one of (3.4). */
  #followLeader(from: NodeId): void {
    assert(this.#leader === undefined, `${from} also leads term ${this.#server.term}`);
    if (this.#server.leader !== from || this.#elections.campaign !== undefined) {
      this.#becomeFollower(this.#server.term, from);
    }
    this.#elections.heardFromLeader();
  }

  #becomeFollower(term: number, leader: NodeId): void {
    const led = this.#leader !== undefined;
    this.#leader?.abandon();
    this.#leader = undefined;
    if (term !== this.#server.term) this.#enterTerm(term, "");
    this.#leaderIs(leader);
    this.#elections.follow(led);
  }

  /** Whoever was asked for a read's index is asked no more. */
  #leaderIs(leader: NodeId): void {
    if (leader !== this.#server.leader) this.#forwardedReads.drop();
    this.#server.leader = leader;
    this.#server.elections.noteLeader(leader);
  }

  #enterTerm(term: number, votedFor: NodeId): void {
    const server = this.#server;
    assert(term > server.term, `Term ${term} is entered from term ${server.term}`);
    server.term = term;
    server.votedFor = votedFor;
    this.#follower.termChanged();
  }

  #resignWhenRemoved(): void {
    if (this.#leader?.removed !== true) return;
    this.#leader.resign();
    this.#becomeFollower(this.#server.term, "");
  }
}

/** A pre-vote's request, and a grant of one, name a term that nobody has entered yet. */
function aboutNextTerm(message: Message): boolean {
  return (message.type === "vote_request" && message.preVote) ||
    (message.type === "vote_response" && message.preVote && message.granted);
}
