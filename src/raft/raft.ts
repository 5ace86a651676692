import { assert, unreachable } from "../base/assert.ts";
import { Election } from "./election.ts";
import { Follower } from "./follower.ts";
import { ForwardedReads } from "./forwarded_reads.ts";
import { Leader } from "./leader.ts";
import { answerOldTerm } from "./old_term.ts";
import { owedTicks, promiseMs } from "./promise.ts";
import { ReadyReport } from "./ready_report.ts";
import { Server } from "./server.ts";
import type {
  CompactionPoint,
  Configuration,
  Entry,
  EntryType,
  MembershipChange,
  Message,
  NodeId,
  PeerProgress,
  ProposeResult,
  RaftCore,
  RaftOptions,
  ReadIndexRequest,
  ReadMode,
  Ready,
  Role,
  Status,
  VoteRequest,
  VoteResponse,
} from "./types.ts";

/**
 * One server of the cluster: holds the rules about terms (3.3), votes (3.4, 9.6) and the change of
 * roles, and leaves what a role does to {@linkcode Follower} and {@linkcode Leader}.
 */
export class Raft implements RaftCore {
  readonly #server: Server;
  readonly #follower: Follower;
  readonly #forwardedReads: ForwardedReads;
  readonly #report: ReadyReport;
  /** Set while this server campaigns. */
  #election: Election | undefined;
  /** Set while this server leads. */
  #leader: Leader | undefined;
  #electionTicks = 0;
  #electionLimit = 0;
  /** Ticks since this server heard from a leader: while few, it helps nobody else to become one (4.2.3). */
  #ticksSinceLeader: number;
  /** Until this tick it helps nobody, as it may have promised in an earlier life (promise.ts). */
  readonly #owesUntil: number;

  constructor(options: RaftOptions) {
    assert(options.leaseTicks <= options.electionTicks, "The lease outlasts the election timeout");
    this.#server = new Server(options);
    this.#follower = new Follower(this.#server);
    this.#forwardedReads = new ForwardedReads(this.#server);
    const { hardState, tickMs } = options;
    assert(
      hardState.promiseMs >= promiseMs(options),
      `A promise of ${
        promiseMs(options)
      } ms is to be given, but ${hardState.promiseMs} are on disk`,
    );
    // Before it stopped, this server may have promised a leader its lease by answering it.
    this.#ticksSinceLeader = hardState.term > 0 ? 0 : Infinity;
    this.#owesUntil = hardState.term > 0 ? owedTicks(hardState.promiseMs, tickMs) : 0;
    this.#report = new ReadyReport(this.#server);
    this.#resetElectionTimer();
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

  configurationAt(index: number): Configuration {
    return this.#server.membership.at(index);
  }

  progress(): PeerProgress[] {
    return this.#leader === undefined
      ? []
      : Array.from(this.#leader.peers, (peer) => peer.report());
  }

  termAt(index: number): number | undefined {
    return this.#server.log.termAt(index);
  }

  cached(from: number, to: number, bytesMax: number): Entry[] {
    return this.#server.log.cached(from, to, bytesMax);
  }

  tick(): void {
    this.elapse();
    this.act(false);
  }

  elapse(): void {
    this.#server.now++;
    this.#ticksSinceLeader++;
    if (this.#server.now === this.#owesUntil) {
      this.#server.promiseMs = promiseMs(this.#server.options);
    }
    if (this.#leader !== undefined) {
      this.#leader.elapse();
      return;
    }
    this.#forwardedReads.tick();
    this.#electionTicks++;
  }

  act(unread: boolean): void {
    if (this.#leader !== undefined) {
      if (!this.#leader.act(unread)) this.#becomeFollower(this.#server.term, "");
      return;
    }
    if (!unread && this.#electionTicks >= this.#electionLimit) {
      this.#resetElectionTimer();
      const bound = this.#owesEarlierLife && !this.#isAlone;
      if (this.#server.mayCampaign && !bound) this.#preCampaign();
      else this.#becomeFollower(this.#server.term, "");
    }
  }

  step(message: Message): void {
    const server = this.#server;
    if (message.to !== server.id) return;
    if (message.term < server.term) {
      answerOldTerm(server, message);
      return;
    }
    if (message.type === "vote_request" && this.#helpsNobody(message)) return;
    if (message.term > server.term && !aboutNextTerm(message)) {
      this.#becomeFollower(message.term, "");
    }
    this.#dispatch(message);
    this.#resignWhenRemoved();
  }

  propose(
    type: typeof EntryType.noop | typeof EntryType.command,
    data: Uint8Array,
    checksum?: number,
  ): ProposeResult {
    return this.#leader?.propose(type, data, checksum) ?? { ok: false, reason: "not_leader" };
  }

  proposeMembership(change: MembershipChange): ProposeResult {
    return this.#leader?.proposeMembership(change) ?? { ok: false, reason: "not_leader" };
  }

  transferLeadership(to: NodeId): ProposeResult {
    return this.#leader?.transfer(to) ?? { ok: false, reason: "not_leader" };
  }

  readIndex(context: number, mode: ReadMode): void {
    if (this.#leader === undefined) this.#forwardedReads.ask(context, mode);
    else this.#leader.read({ from: this.#server.id, context }, mode);
  }

  get leaseIndex(): number | undefined {
    return this.#leader?.leaseIndex;
  }

  campaign(): void {
    const { mayCampaign } = this.#server;
    if (mayCampaign && (this.#isAlone || !this.#owesLease)) this.#preCampaign();
  }

  ready(): Ready | undefined {
    this.#leader?.flush();
    this.#follower.flush();
    return this.#report.next(this.#role);
  }

  persisted(index: number, term: number): void {
    this.#server.log.persisted(index, term);
    this.#leader?.commit();
    this.#resignWhenRemoved();
  }

  applied(index: number): void {
    this.#server.log.applied(index);
  }

  loaded(to: NodeId, entries: readonly Entry[]): void {
    this.#leader?.loaded(to, entries);
  }

  compacted(index: number): void {
    const { commitIndex, log, membership } = this.#server;
    assert(index <= commitIndex, `Compacted through ${index}, but committed only ${commitIndex}`);
    log.compact(index);
    membership.compact(index);
  }

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

  snapshotFinished(to: NodeId, ok: boolean): void {
    this.#leader?.snapshotFinished(to, ok);
  }

  unreachable(to: NodeId): void {
    this.#leader?.unreachable(to);
  }

  get #role(): Role {
    if (this.#leader !== undefined) return "leader";
    if (this.#election === undefined) return "follower";
    return this.#election.preVote ? "pre-candidate" : "candidate";
  }

  #dispatch(message: Message): void {
    switch (message.type) {
      case "vote_request":
        return this.#voteRequest(message);
      case "vote_response":
        return this.#voteResponse(message);
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
        if (message.from === this.#server.leader && this.#server.mayCampaign) this.#campaign(true);
        return;
      default:
        return unreachable(message);
    }
  }

  /** Whether a request for votes comes while a leader is there, or may hold its lease (4.2.3). */
  #helpsNobody(request: VoteRequest): boolean {
    const { term, votedFor } = this.#server;
    const again = !request.preVote && request.term === term && request.from === votedFor;
    if (request.leadershipTransfer || again) return false;
    return this.#owesLease;
  }

  /** A leader is there, or may rest on its lease because this server answered it (6.4.1). */
  get #owesLease(): boolean {
    return this.#leader !== undefined || this.#owesEarlierLife ||
      this.#ticksSinceLeader < this.#server.options.electionTicks;
  }

  get #owesEarlierLife(): boolean {
    return this.#server.now < this.#owesUntil;
  }

  /** No other server has a vote. */
  get #isAlone(): boolean {
    const { id, membership } = this.#server;
    return membership.voters.length === 1 && membership.isVoter(id);
  }

  #voteRequest(request: VoteRequest): void {
    const server = this.#server;
    const { from, preVote, lastLogIndex, lastLogTerm } = request;
    const free = preVote
      ? request.term > server.term
      : server.votedFor === from || (server.votedFor === "" && server.leader === "");
    const granted = free && server.log.isUpToDate(lastLogIndex, lastLogTerm);
    if (granted && !preVote) {
      server.votedFor = from;
      this.#resetElectionTimer();
    }
    const queue = preVote ? server.outbox.messages : server.outbox.messagesAfterPersist;
    queue.push({
      type: "vote_response",
      from: server.id,
      to: from,
      term: granted ? request.term : server.term,
      preVote,
      granted,
    });
  }

  #voteResponse(response: VoteResponse): void {
    const election = this.#election;
    if (election === undefined || election.preVote !== response.preVote) return;
    if (response.granted && response.term !== election.term) return;
    election.record(response.from, response.granted);
    this.#decide(election);
  }

  #readIndexRequest(request: ReadIndexRequest): void {
    const { from, context, mode } = request;
    if (this.#leader !== undefined) {
      this.#leader.read({ from, context }, mode);
      return;
    }
    const { outbox, id, term } = this.#server;
    outbox.messages.push({
      type: "read_index_response",
      from: id,
      to: from,
      term,
      context,
      index: 0,
    });
  }

  /** Asks whether there is a chance to be elected, before it disturbs anybody (9.6). */
  #preCampaign(): void {
    this.#resetElectionTimer();
    this.#election = new Election(true, this.#server.term + 1);
    this.#askForVotes(this.#election, false);
  }

  /** Enters the next term and asks for votes (3.4); `transfer` when the leader wished it (3.10). */
  #campaign(transfer: boolean): void {
    // No leader's lease is in the way any more: a vote that was split is tried again sooner.
    this.#resetElectionTimer(Math.ceil(this.#server.options.electionTicks / 2));
    this.#enterTerm(this.#server.term + 1, this.#server.id);
    this.#election = new Election(false, this.#server.term);
    this.#askForVotes(this.#election, transfer);
  }

  #askForVotes(election: Election, leadershipTransfer: boolean): void {
    const { id, membership, log, outbox } = this.#server;
    this.#forwardedReads.drop();
    this.#server.leader = "";
    election.record(id, true);
    // A vote counts, this server's own too, once it is on disk: the requests leave no earlier (3.8).
    const queue = election.preVote ? outbox.messages : outbox.messagesAfterPersist;
    for (const to of membership.voters) {
      if (to === id) continue;
      queue.push({
        type: "vote_request",
        from: id,
        to,
        term: election.term,
        preVote: election.preVote,
        lastLogIndex: log.lastIndex,
        lastLogTerm: log.lastTerm,
        leadershipTransfer,
      });
    }
    this.#decide(election);
  }

  #decide(election: Election): void {
    const outcome = election.outcome(this.#server.membership.voters);
    if (outcome === "lost") this.#becomeFollower(this.#server.term, "");
    else if (outcome === "won" && election.preVote) this.#campaign(false);
    else if (outcome === "won") this.#becomeLeader();
  }

  #becomeLeader(): void {
    this.#election = undefined;
    this.#server.leader = this.#server.id;
    this.#leader = new Leader(this.#server);
  }

  /** Takes `from` for the leader of the current term, which there is only one of (3.4). */
  #followLeader(from: NodeId): void {
    assert(this.#leader === undefined, `${from} also leads term ${this.#server.term}`);
    if (this.#server.leader !== from || this.#election !== undefined) {
      this.#becomeFollower(this.#server.term, from);
    }
    this.#electionTicks = 0;
    this.#ticksSinceLeader = 0;
  }

  #becomeFollower(term: number, leader: NodeId): void {
    const server = this.#server;
    const campaignedOrLed = this.#election !== undefined || this.#leader !== undefined;
    this.#leader?.abandon();
    this.#leader = undefined;
    this.#election = undefined;
    if (term !== server.term) this.#enterTerm(term, "");
    if (leader !== server.leader) this.#forwardedReads.drop();
    server.leader = leader;
    if (campaignedOrLed) this.#resetElectionTimer();
  }

  #enterTerm(term: number, votedFor: NodeId): void {
    this.#server.term = term;
    this.#server.votedFor = votedFor;
    this.#follower.termChanged();
  }

  #resignWhenRemoved(): void {
    if (this.#leader?.removed !== true) return;
    this.#leader.resign();
    this.#becomeFollower(this.#server.term, "");
  }

  #resetElectionTimer(ticksMin = this.#server.options.electionTicks): void {
    const { electionTicks, random } = this.#server.options;
    this.#electionTicks = 0;
    this.#electionLimit = ticksMin + random(electionTicks);
  }
}

/** A pre-vote's request, and a grant of one, name a term that nobody has entered yet. */
function aboutNextTerm(message: Message): boolean {
  return (message.type === "vote_request" && message.preVote) ||
    (message.type === "vote_response" && message.preVote && message.granted);
}
