import { type Entry, EntryType, type Message, type NodeId } from "../../src/raft/types.ts";

/** What one node's log holds at an index, as far as the checkers care. */
export interface EntryIdentity {
  readonly term: number;
  readonly checksum: number;
  readonly type: EntryType;
}

/** Thrown by a checker: names the property that does not hold, and where. */
export class SafetyViolation extends Error {
  override name = "SafetyViolation";
  constructor(readonly property: string, message: string) {
    super(`${property}: ${message}`);
  }
}

/** What a node shows of itself after every step. */
export interface NodeView {
  readonly id: NodeId;
  readonly term: number;
  readonly leading: boolean;
  readonly commitIndex: number;
  readonly appliedIndex: number;
}

interface Committed {
  readonly term: number;
  /** The term of whoever applied it first: it was committed in this term or before. */
  readonly knownIn: number;
  readonly checksum: number;
  readonly stateHash: number;
}

/**
 * What the whole cluster has ever done, seen from above: every vote, leader, entry and state. Each
 * method takes what has just happened and throws when it breaks one of Raft's properties
 * (figure 3.2 of the thesis). Knows nothing of how a node works.
 */
export class Ledger {
  readonly #leaders = new Map<number, NodeId>();
  readonly #votes = new Map<string, NodeId>();
  /** By "index/term": what that entry is, and the term of the one before it. */
  readonly #entries = new Map<string, EntryIdentity & { readonly previousTerm: number }>();
  /** By index - 1. */
  readonly #committed: Committed[] = [];
  #lastConfigurationIndex = 0;
  readonly #views = new Map<NodeId, NodeView>();
  /** The highest term in which a node has promised anything to others. */
  readonly #terms = new Map<NodeId, number>();

  /** The highest index that any node has applied. */
  get committedIndex(): number {
    return this.#committed.length;
  }

  /** Behind this index no node has ever had a change of the members in its log. */
  get lastConfigurationIndex(): number {
    return this.#lastConfigurationIndex;
  }

  get leaderCount(): number {
    return this.#leaders.size;
  }

  committedTerm(index: number): number | undefined {
    return this.#committed[index - 1]?.term;
  }

  /** Election safety: a term has one leader at most. True when this one is new. */
  leads(id: NodeId, term: number): boolean {
    const known = this.#leaders.get(term);
    if (known === undefined) {
      this.#leaders.set(term, id);
      return true;
    }
    if (known !== id) {
      throw new SafetyViolation("Election safety", `${known} and ${id} both lead in term ${term}`);
    }
    return false;
  }

  /** A node votes once in a term, whatever crashes lie between. */
  votes(voter: NodeId, term: number, candidate: NodeId): void {
    const key = `${voter} in ${term}`;
    const known = this.#votes.get(key);
    if (known !== undefined && known !== candidate) {
      throw new SafetyViolation(
        "One vote a term",
        `${voter} voted for ${known} and for ${candidate} in term ${term}`,
      );
    }
    this.#votes.set(key, candidate);
  }

  /**
   * Log matching: entries of equal index and term are equal, and so is all before them. Checked one
   * step back each time, from which the rest follows by induction.
   */
  holds(id: NodeId, previousTerm: number, entry: Entry): void {
    const { index, term, checksum, type } = entry;
    if (type === EntryType.configuration) {
      this.#lastConfigurationIndex = Math.max(this.#lastConfigurationIndex, index);
    }
    const key = `${index}/${term}`;
    const known = this.#entries.get(key);
    if (known === undefined) {
      this.#entries.set(key, { term, checksum, type, previousTerm });
      return;
    }
    if (known.checksum !== checksum || known.type !== type) {
      throw new SafetyViolation("Log matching", `${id} has another entry ${index} of term ${term}`);
    }
    if (known.previousTerm !== previousTerm) {
      throw new SafetyViolation(
        "Log matching",
        `${id} has entry ${index} of term ${term} after one of term ${previousTerm}, another node after one of term ${known.previousTerm}`,
      );
    }
  }

  /**
   * Leader completeness: whoever begins to lead has everything committed in the terms before its
   * own. A leader of an older term may come to know late that it leads, and lack what is newer.
   * `firstHeld`: the first entry of its log; those before it were applied, and compared then.
   */
  beginsToLead(
    id: NodeId,
    term: number,
    firstIndex: number,
    termAt: (index: number) => number | undefined,
    firstHeld = 1,
  ): void {
    let last = this.#committed.length;
    while (last > 0 && (this.#committed[last - 1]?.knownIn ?? 0) >= term) last--;
    if (last === 0 || last < firstHeld) return;
    const committedTerm = this.#committed[last - 1]?.term;
    const own = last < firstIndex ? termAt(last) : undefined;
    if (own !== committedTerm) {
      throw new SafetyViolation(
        "Leader completeness",
        `${id} leads in term ${term} from index ${firstIndex} on without entry ${last} of term ${committedTerm}`,
      );
    }
  }

  /** State machine safety: everyone applies the same entry at an index, and comes to the same state. */
  applies(id: NodeId, entry: Entry, stateHash: number, nodeTerm: number): void {
    const { index, term, checksum } = entry;
    const known = this.#committed[index - 1];
    if (known === undefined) {
      if (index !== this.#committed.length + 1) {
        throw new SafetyViolation(
          "State machine safety",
          `${id} applied entry ${index} before anyone applied ${index - 1}`,
        );
      }
      this.#committed.push({ term, knownIn: nodeTerm, checksum, stateHash });
      return;
    }
    if (known.term !== term || known.checksum !== checksum) {
      throw new SafetyViolation(
        "State machine safety",
        `${id} applied at ${index} an entry of term ${term}, others one of term ${known.term}`,
      );
    }
    this.#sameState(id, index, known.stateHash, stateHash);
  }

  /** A state that came by a snapshot, or was found at a start, is what everyone had at that index. */
  hasState(id: NodeId, index: number, stateHash: number): void {
    if (index === 0) return;
    const known = this.#committed[index - 1];
    if (known === undefined) {
      throw new SafetyViolation(
        "State machine safety",
        `${id} has a state at ${index}, which nobody applied`,
      );
    }
    this.#sameState(id, index, known.stateHash, stateHash);
  }

  #sameState(id: NodeId, index: number, known: number, stateHash: number): void {
    if (known !== stateHash) {
      throw new SafetyViolation("State machine safety", `${id} has another state at ${index}`);
    }
  }

  /** A log may only be cut up to where the state on the same disk would survive a power cut. */
  compacts(id: NodeId, index: number, stateIndex: number): void {
    if (index > stateIndex) {
      throw new SafetyViolation(
        "Compaction safety",
        `${id} dropped its log up to ${index}, but its durable state ends at ${stateIndex}`,
      );
    }
  }

  /** After a crash the log reaches at least as far as the state: what is applied is never unlogged. */
  fallsBack(id: NodeId, stateIndex: number, logIndex: number): void {
    if (stateIndex > logIndex) {
      throw new SafetyViolation(
        "Apply after persist",
        `${id} crashed and has its state at ${stateIndex}, but its log only up to ${logIndex}`,
      );
    }
  }

  /** An acknowledged write lies on the disks of a majority, of one of the given sets of voters. */
  acknowledged(
    index: number,
    voterSets: readonly (readonly NodeId[])[],
    durable: (id: NodeId) => boolean,
  ): void {
    if (voterSets.some((voters) => voters.filter(durable).length > voters.length / 2)) return;
    const voters = voterSets[0] ?? [];
    const holders = voters.filter(durable).join(" ") || "nobody";
    throw new SafetyViolation(
      "Durability",
      `Entry ${index} was acknowledged while only ${holders} of ${voters.join(" ")} had it on disk`,
    );
  }

  /** After every step: terms, commit and applied indexes only ever grow. */
  looks(view: NodeView): void {
    const { id } = view;
    if (view.leading) this.leads(id, view.term);
    const before = this.#views.get(id);
    this.#views.set(id, view);
    if (before === undefined) return;
    if (view.commitIndex < before.commitIndex) {
      throw new SafetyViolation(
        "Monotonic commit",
        `${id} went from ${before.commitIndex} back to ${view.commitIndex}`,
      );
    }
    if (view.appliedIndex < before.appliedIndex) {
      throw new SafetyViolation(
        "Monotonic apply",
        `${id} went from ${before.appliedIndex} back to ${view.appliedIndex}`,
      );
    }
    if (view.appliedIndex > view.commitIndex) {
      throw new SafetyViolation(
        "Apply after commit",
        `${id} applied ${view.appliedIndex}, but knows only ${view.commitIndex} to be committed`,
      );
    }
    if (view.term < before.term) {
      throw new SafetyViolation("Monotonic term", `${id} went from ${before.term} to ${view.term}`);
    }
  }

  /** A new process begins: its commit index may have been forgotten, a promised term may not. */
  restarts(id: NodeId, term: number): void {
    this.#views.delete(id);
    const promised = this.#terms.get(id) ?? 0;
    if (term < promised) {
      throw new SafetyViolation(
        "Durable term",
        `${id} answered others in term ${promised}, and after a restart knows only ${term}`,
      );
    }
  }

  /** What a message says about its sender. */
  sent(message: Message): void {
    const { from, term } = message;
    switch (message.type) {
      case "vote_request":
        if (!message.preVote) {
          this.votes(from, term, from);
          this.#promises(from, term);
        }
        break;
      case "vote_response":
        if (message.granted && !message.preVote) {
          this.votes(from, term, message.to);
          this.#promises(from, term);
        }
        break;
      case "append_response":
        if (message.success) this.#promises(from, term);
        break;
      case "append_request": {
        this.leads(from, term);
        let previousTerm = message.prevLogTerm;
        for (const entry of message.entries) {
          this.holds(from, previousTerm, entry);
          previousTerm = entry.term;
        }
        break;
      }
      case "heartbeat_request":
        this.leads(from, term);
        break;
      case "heartbeat_response":
      case "snapshot_request":
      case "read_index_request":
      case "read_index_response":
      case "timeout_now":
        break;
    }
  }

  #promises(id: NodeId, term: number): void {
    this.#terms.set(id, Math.max(term, this.#terms.get(id) ?? 0));
  }
}
