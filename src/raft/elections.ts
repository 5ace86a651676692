import { assert } from "../base/assert.ts";
import { majority } from "./configuration.ts";
import { owedTicks, promiseMs } from "./lease.ts";
import type { Server } from "./server.ts";
import type { NodeId, VoteRequest, VoteResponse } from "./types.ts";

/** The votes of one campaign: of a pre-vote (9.6), or of the election itself (3.4). */
export class Election {
  readonly preVote: boolean;
  /** The term that it is about; for a pre-vote the next one. */
  readonly term: number;
  readonly #votes = new Map<NodeId, boolean>();

  constructor(preVote: boolean, term: number) {
    this.preVote = preVote;
    this.term = term;
  }

  /** Counts an answer; the first one of each voter counts. */
  record(from: NodeId, granted: boolean): void {
    if (!this.#votes.has(from)) this.#votes.set(from, granted);
  }

  /** How it stands among these voters; the answers of others do not count. */
  outcome(voters: readonly NodeId[]): "won" | "lost" | "open" {
    let granted = 0;
    let refused = 0;
    for (const voter of voters) {
      const vote = this.#votes.get(voter);
      if (vote === true) granted++;
      else if (vote === false) refused++;
    }
    if (granted >= majority(voters.length)) return "won";
    return voters.length - refused < majority(voters.length) ? "lost" : "open";
  }
}

/** What elections make of the server that holds them. */
export interface ElectionHandlers {
  /** Whoever led: this server stands now. */
  leaderless(): void;
  enterTerm(term: number, votedFor: NodeId): void;
  won(): void;
  /** There is nothing to win, for now. */
  lost(): void;
}

/** When a server stands for election, and whom it votes for (3.4, 4.2.3, 9.6). */
export class Elections {
  readonly #server: Server;
  readonly #handlers: ElectionHandlers;
  /** Set while this server campaigns. */
  #election: Election | undefined;
  /** Since the timer began; what passes while this server leads does not count. */
  #ticks = 0;
  #limit = 0;
  /** Ticks since this server heard from a leader: while few, it helps nobody else to become one (4.2.3). */
  #ticksSinceLeader: number;
  /** Until this tick it helps nobody, as it may have promised in an earlier life (lease.ts). */
  readonly #owesUntil: number;

  constructor(server: Server, handlers: ElectionHandlers) {
    this.#server = server;
    this.#handlers = handlers;
    const { hardState, tickMs } = server.options;
    const own = promiseMs(server.options);
    assert(
      hardState.promiseMs >= own,
      `A promise of ${own} ms is to be given, but ${hardState.promiseMs} are on disk`,
    );
    // Before it stopped, this server may have promised a leader its lease by answering it.
    this.#ticksSinceLeader = hardState.term > 0 ? 0 : Infinity;
    this.#owesUntil = hardState.term > 0 ? owedTicks(hardState.promiseMs, tickMs) : 0;
    this.#resetTimer();
  }

  /** The campaign under way, if there is one. */
  get campaign(): "pre-candidate" | "candidate" | undefined {
    if (this.#election === undefined) return undefined;
    return this.#election.preVote ? "pre-candidate" : "candidate";
  }

  /** A tick has passed. */
  elapse(): void {
    this.#ticks++;
    this.#ticksSinceLeader++;
    if (this.#server.now === this.#owesUntil) {
      this.#server.promiseMs = promiseMs(this.#server.options);
    }
  }

  /** In how many ticks `act` will do something. */
  get ticksUntilDue(): number {
    return this.#limit - this.#ticks;
  }

  /** Stands once no leader was heard from for long enough. */
  act(): void {
    if (this.#ticks < this.#limit) return;
    this.#resetTimer();
    const bound = this.#owesEarlierLife && !this.#isAlone;
    if (this.#server.mayCampaign && !bound) this.#preCampaign();
    else this.#handlers.lost();
  }

  /** Stands now, unless that could break into a leader's lease. */
  stand(): void {
    if (this.#server.mayCampaign && (this.#isAlone || !this.#owesLease)) this.#preCampaign();
  }

  /** Stands at once, at the leader's wish (3.10). */
  takeOver(): void {
    if (this.#server.mayCampaign) this.#campaign(true);
  }

  heardFromLeader(): void {
    this.#ticks = 0;
    this.#ticksSinceLeader = 0;
  }

  /** This server follows from now on; `led` when it was the leader until now. */
  follow(led: boolean): void {
    const campaigned = this.#election !== undefined;
    this.#election = undefined;
    if (campaigned || led) this.#resetTimer();
  }

  /** Whether a request for votes comes while a leader is there, or may hold its lease (4.2.3). */
  ignores(request: VoteRequest): boolean {
    const { term, votedFor } = this.#server;
    const again = !request.preVote && request.term === term && request.from === votedFor;
    if (request.leadershipTransfer || again) return false;
    return this.#owesLease;
  }

  voteRequest(request: VoteRequest): void {
    const server = this.#server;
    const { from, preVote, lastLogIndex, lastLogTerm } = request;
    const free = preVote
      ? request.term > server.term
      : server.votedFor === from || (server.votedFor === "" && server.leader === "");
    const granted = free && server.log.isUpToDate(lastLogIndex, lastLogTerm);
    if (granted && !preVote) {
      server.votedFor = from;
      this.#resetTimer();
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

  voteResponse(response: VoteResponse): void {
    const election = this.#election;
    if (election === undefined || election.preVote !== response.preVote) return;
    if (response.granted && response.term !== election.term) return;
    election.record(response.from, response.granted);
    this.#decide(election);
  }

  /** A leader is there, or may rest on its lease because this server answered it (6.4.1). */
  get #owesLease(): boolean {
    return this.#server.leads || this.#owesEarlierLife ||
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

  /** Asks whether there is a chance to be elected, before it disturbs anybody (9.6). */
  #preCampaign(): void {
    this.#resetTimer();
    this.#askForVotes(new Election(true, this.#server.term + 1), false);
  }

  /** Enters the next term and asks for votes (3.4); `transfer` when the leader wished it (3.10). */
  #campaign(transfer: boolean): void {
    // No leader's lease is in the way any more: a vote that was split is tried again sooner.
    this.#resetTimer(Math.ceil(this.#server.options.electionTicks / 2));
    this.#server.elections.begun++;
    this.#handlers.enterTerm(this.#server.term + 1, this.#server.id);
    this.#askForVotes(new Election(false, this.#server.term), transfer);
  }

  #askForVotes(election: Election, leadershipTransfer: boolean): void {
    const { id, membership, log, outbox } = this.#server;
    this.#election = election;
    this.#handlers.leaderless();
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
    if (outcome === "lost") this.#handlers.lost();
    else if (outcome === "won" && election.preVote) this.#campaign(false);
    else if (outcome === "won") {
      this.#election = undefined;
      this.#server.elections.won++;
      this.#handlers.won();
    }
  }

  #resetTimer(ticksMin = this.#server.options.electionTicks): void {
    const { electionTicks, random } = this.#server.options;
    this.#ticks = 0;
    this.#limit = ticksMin + random(electionTicks);
  }
}
