import { assert } from "../base/assert.ts";
import { checksum } from "../base/checksum.ts";
import { encodeConfiguration, majority, majorityValue } from "./configuration.ts";
import { Departing } from "./membership.ts";
import { LeaderReads, type WaitingRead } from "./leader_reads.ts";
import { CatchUp, Progress } from "./progress.ts";
import { promiseMs } from "./lease.ts";
import { Replication } from "./replication.ts";
import type { Server } from "./server.ts";
import {
  type AppendResponse,
  type Entry,
  EntryType,
  type HeartbeatResponse,
  type MembershipChange,
  type NodeId,
  type ProposeResult,
  type ReadMode,
} from "./types.ts";

/** Of the periods between two rounds of heartbeats, how many a leader at rest lets pass. */
const restingPeriods = 2;

/** A leadership transfer under way (3.10). */
interface Transfer {
  readonly to: NodeId;
  readonly startedAt: number;
  asked: boolean;
}

/** What a server does and knows while it leads: one object for each term led. */
export class Leader {
  readonly #reads: LeaderReads;
  readonly #server: Server;
  readonly #replication: Replication;
  readonly #peers = new Map<NodeId, Progress>();
  readonly #departing = new Departing();
  readonly #voters: Progress[] = [];
  readonly #staging: Progress[] = [];
  /** The leader's first entry: nothing is known to be committed before it is (6.4). */
  readonly #firstIndex: number;
  #heartbeatTicks = 0;
  /** Something was asked of this leader since the last heartbeats. */
  #asked = true;
  #quorumTicks = 0;
  #transfer: Transfer | undefined;
  /** A tick has passed since followers were last told what is committed. */
  #newsDue = false;

  constructor(server: Server) {
    this.#server = server;
    this.#firstIndex = server.log.lastIndex + 1;
    this.#replication = new Replication(server, this.#firstIndex);
    this.#reads = new LeaderReads(server, this.#voters, (id) => {
      const peer = this.#peers.get(id);
      if (peer !== undefined) peer.newsOwed = true;
    });
    this.#followMembership();
    for (const peer of this.#peers.values()) peer.recentlyActive = false;
    this.#append(EntryType.noop, new Uint8Array());
  }

  /** An entry of this term is committed: the leader knows what is, and may change the membership. */
  get #established(): boolean {
    return this.#server.commitIndex >= this.#firstIndex;
  }

  /** A committed configuration has no vote for this server: it must not lead any longer (4.2.2). */
  get removed(): boolean {
    const { membership, commitIndex, isVoter } = this.#server;
    return !isVoter && membership.index <= commitIndex;
  }

  get leaseIndex(): number | undefined {
    return this.#established && this.#reads.leaseHolds ? this.#server.commitIndex : undefined;
  }

  get leaseTicksLeft(): number {
    return this.#established ? this.#reads.leaseTicksLeft : 0;
  }

  /** The round of heartbeats that began last. */
  get latestRound(): number {
    return this.#reads.latestRound;
  }

  get peers(): Iterable<Progress> {
    return this.#peers.values();
  }

  /** In how many ticks `act` or `flush` will have something to do, unless something happens. */
  get ticksUntilDue(): number {
    const { commitIndex, options } = this.#server;
    if (this.#transfer !== undefined || this.#staging.length > 0 || !this.#departing.none) return 1;
    if (this.#peers.size === 0) return Infinity;
    for (const { state, commitTold } of this.#peers.values()) {
      if (state === "replicate" && commitTold < commitIndex) return 1;
    }
    return Math.min(
      options.electionTicks - this.#quorumTicks,
      this.#heartbeatPeriod - this.#heartbeatTicks,
    );
  }

  /** A tick has passed. */
  elapse(): void {
    this.#newsDue = true;
    this.#quorumTicks++;
    this.#heartbeatTicks++;
  }

  /**
   * Does what is due; false when no majority was heard from within an election timeout (6.2), which
   * is not asked while messages may be `unread`.
   */
  act(unread: boolean): boolean {
    const { electionTicks } = this.#server.options;
    const { now } = this.#server;
    if (this.#transfer !== undefined && now - this.#transfer.startedAt >= electionTicks) {
      this.#abortTransfer();
    }
    if (!unread && this.#quorumTicks >= electionTicks) {
      this.#quorumTicks = 0;
      if (!this.#heardFromMajority()) return false;
    }
    if (this.#heartbeatTicks >= this.#heartbeatPeriod) {
      this.#heartbeatTicks = 0;
      this.#asked = false;
      this.#reads.begin(this.#peers.values(), this.#established);
    }
    return true;
  }

  appendResponse(response: AppendResponse): void {
    const peer = this.#progressOf(response.from);
    if (peer === undefined) return;
    peer.recentlyActive = true;
    if (!response.success) {
      this.#replication.refused(peer, response);
      return;
    }
    const { log } = this.#server;
    assert(
      response.matchIndex <= log.lastIndex,
      `${peer.id} acknowledged ${response.matchIndex}, but the log ends at ${log.lastIndex}`,
    );
    if (!peer.acknowledged(response.matchIndex, log.compactionIndex)) return;
    this.commit();
    this.#askSuccessor();
  }

  heartbeatResponse(response: HeartbeatResponse): void {
    const peer = this.#peers.get(response.from);
    if (peer === undefined) return;
    peer.heartbeatAnswered(response, this.#server.log.lastIndex);
    this.#reads.answered(peer, response);
  }

  /**
   * In ticks: often enough for the peer that waits the least for them, which its promise tells. Half
   * as often at rest, when all peers have all and nothing was asked of this leader since the last: the
   * lease still outlasts that, so that the first who asks finds it.
   */
  get #heartbeatPeriod(): number {
    const { options } = this.#server;
    const own = promiseMs(options);
    const { lastIndex } = this.#server.log;
    let shortest = own;
    let atRest = !this.#asked;
    for (const { promiseMs, state, matchIndex } of this.#peers.values()) {
      shortest = Math.min(shortest, promiseMs);
      if (state !== "replicate" || matchIndex < lastIndex) atRest = false;
    }
    const period = Math.max(1, Math.floor(options.heartbeatTicks * shortest / own));
    return atRest ? restingPeriods * period : period;
  }

  /** Commits what a majority of voters has on disk, if the last of it is of this term (3.6.2, 10.2.1). */
  commit(): void {
    const { log, term, isVoter } = this.#server;
    const matches = this.#voters.map((peer) => peer.matchIndex);
    if (isVoter) matches.push(log.durableIndex);
    const index = majorityValue(matches);
    if (index > this.#server.commitIndex && log.termAt(index) === term) {
      this.#server.commitTo(index);
    }
  }

  propose(type: EntryType, data: Uint8Array, sum = checksum(data)): ProposeResult {
    if (this.#transfer !== undefined) return { ok: false, reason: "transferring" };
    this.#asked = true;
    return this.#append(type, data, sum);
  }

  proposeMembership(change: MembershipChange): ProposeResult {
    if (this.#transfer !== undefined) return { ok: false, reason: "transferring" };
    const { membership, commitIndex } = this.#server;
    // A change in an old term may have been lost or not: only an entry of this term decides it
    // (Ongaro's correction of 4.1, raft-dev, 2015-07-10).
    if (!this.#established || membership.index > commitIndex) {
      return { ok: false, reason: "membership_busy" };
    }
    const configuration = membership.changed(change);
    if (configuration === undefined) return { ok: false, reason: "invalid_member" };
    // A member that is put anew may have come back with an empty disk: nothing is known of it.
    if (change.type === "put") {
      this.#peers.delete(change.member.id);
      this.#departing.delete(change.member.id);
    }
    const result = this.#append(EntryType.configuration, encodeConfiguration(configuration));
    this.#followMembership();
    return result;
  }

  transfer(to: NodeId): ProposeResult {
    const { membership, log, term, now, id } = this.#server;
    if (this.#transfer !== undefined && this.#transfer.to !== to) {
      return { ok: false, reason: "transferring" };
    }
    if (!membership.isVoter(to)) return { ok: false, reason: "invalid_member" };
    if (to !== id && this.#transfer === undefined) {
      this.#transfer = { to, startedAt: now, asked: false };
      this.#reads.leaseAllowed = false;
      this.#askSuccessor();
    }
    return { ok: true, index: log.lastIndex, term };
  }

  /** A batch of reads asks for its index. */
  read(read: WaitingRead, mode: ReadMode): void {
    this.#asked = true;
    this.#reads.add(read, mode, this.#established);
  }

  /** Leadership is over: the reads that wait get no answer, and nobody is sent entries. */
  abandon(): void {
    this.#reads.abandon();
    this.#server.log.delivered(Number.POSITIVE_INFINITY);
  }

  loaded(to: NodeId, entries: readonly Entry[]): void {
    const peer = this.#progressOf(to);
    if (peer !== undefined) this.#replication.loaded(peer, entries);
  }

  snapshotFinished(to: NodeId, ok: boolean): void {
    this.#peers.get(to)?.snapshotFinished(ok);
  }

  unreachable(to: NodeId): void {
    const peer = this.#peers.get(to);
    if (peer?.state === "replicate") peer.probe();
  }

  /**
   * Queues everything that may be sent: what was proposed since the last time goes in one request.
   * That something is committed rides on the next entries, and goes by itself only once a tick, or
   * when a read of the follower waits for it: a message and its answer for every commit would cost
   * each server as much as the entries do.
   */
  flush(): void {
    this.#promoteStaging();
    if (this.#reads.due && this.#established) this.#reads.begin(this.#voters, true);
    for (const peer of this.#peers.values()) this.#replication.send(peer, this.#newsDue);
    this.#newsDue = false;
    if (!this.#departing.none) this.#sendDeparting();
    this.#noteDelivered();
  }

  /** One that would need a snapshot is not worth it. */
  #sendDeparting(): void {
    const { commitIndex, log, now } = this.#server;
    for (const { peer, newsDue } of this.#departing.pending(commitIndex)) {
      if (log.termAt(peer.nextIndex - 1) === undefined) this.#departing.delete(peer.id);
      else this.#replication.send(peer, newsDue);
    }
    this.#departing.settle(now);
  }

  #progressOf(id: NodeId): Progress | undefined {
    return this.#peers.get(id) ?? this.#departing.get(id);
  }

  /** Who does not follow, and is sought or gets a snapshot, is sent what it lacks from the disk. */
  #noteDelivered(): void {
    let index = Number.POSITIVE_INFINITY;
    for (const { state, matchIndex } of this.#peers.values()) {
      if (state === "replicate") index = Math.min(index, matchIndex);
    }
    this.#server.log.delivered(index);
  }

  /** Leaves at its own wish: tells the commit index and asks the most advanced voter to take over. */
  resign(): void {
    this.#newsDue = true;
    this.flush();
    let successor: Progress | undefined;
    for (const voter of this.#voters) {
      if (voter.matchIndex > (successor?.matchIndex ?? 0)) successor = voter;
    }
    if (successor !== undefined) this.#sendTimeoutNow(successor.id);
  }

  #append(type: EntryType, data: Uint8Array, sum = checksum(data)): ProposeResult {
    const { log, term } = this.#server;
    const index = log.lastIndex + 1;
    this.#server.append({ term, index, type, data, checksum: sum });
    return { ok: true, index, term };
  }

  /** Keeps a progress for every other member. */
  #followMembership(): void {
    const { membership, log, options, id, now } = this.#server;
    const members = new Map(membership.current.members.map((member) => [member.id, member]));
    for (const [known, peer] of this.#peers) {
      if (members.has(known)) continue;
      this.#peers.delete(known);
      this.#departing.add(peer, membership.index, now + 2 * options.electionTicks);
    }
    this.#voters.length = 0;
    this.#staging.length = 0;
    for (const { id: memberId, suffrage } of members.values()) {
      if (memberId === id) continue;
      const peer = this.#peers.get(memberId) ??
        new Progress(memberId, log.lastIndex + 1, options.inflightMax);
      this.#peers.set(memberId, peer);
      if (suffrage === "voter") this.#voters.push(peer);
      if (suffrage !== "staging") peer.catchUp = undefined;
      else {
        peer.catchUp ??= new CatchUp(log.lastIndex, now);
        this.#staging.push(peer);
      }
    }
    assert(this.#transfer === undefined, "The members change while the lead is handed over");
    this.#reads.votersChanged();
    this.commit();
  }

  /** Makes voters of the staging members that have caught up, one at a time. */
  #promoteStaging(): void {
    if (this.#staging.length === 0 || this.#transfer !== undefined || !this.#established) return;
    const { membership, log, now, options, commitIndex } = this.#server;
    const { electionTicks } = options;
    for (const { id, catchUp, matchIndex } of [...this.#staging]) {
      const ready = catchUp?.advanced(matchIndex, { lastIndex: log.lastIndex, now, electionTicks });
      const member = membership.current.members.find((candidate) => candidate.id === id);
      if (!ready || member === undefined || membership.index > commitIndex) continue;
      const voter = { ...member, suffrage: "voter" as const };
      const configuration = membership.changed({ type: "put", member: voter });
      if (configuration === undefined) continue;
      this.#append(EntryType.configuration, encodeConfiguration(configuration));
      this.#followMembership();
    }
  }

  #heardFromMajority(): boolean {
    const { isVoter } = this.#server;
    let active = isVoter ? 1 : 0;
    for (const voter of this.#voters) if (voter.recentlyActive) active++;
    for (const peer of this.#peers.values()) peer.checked();
    return active >= majority(this.#voters.length + (isVoter ? 1 : 0));
  }

  /** The chosen successor may campaign as soon as it has the whole log. */
  #askSuccessor(): void {
    const transfer = this.#transfer;
    if (transfer === undefined || transfer.asked) return;
    const peer = this.#peers.get(transfer.to);
    if (peer?.matchIndex !== this.#server.log.lastIndex) return;
    transfer.asked = true;
    this.#sendTimeoutNow(transfer.to);
  }

  #abortTransfer(): void {
    this.#reads.leaseAllowed = this.#transfer?.asked === false;
    this.#transfer = undefined;
  }

  #sendTimeoutNow(to: NodeId): void {
    const { outbox, id, term } = this.#server;
    outbox.messages.push({ type: "timeout_now", from: id, to, term });
  }
}
