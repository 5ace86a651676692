import { assert } from "../base/assert.ts";
import { decodeConfiguration, voterIds } from "./configuration.ts";
import { LogView } from "./log_view.ts";
import { Membership } from "./membership.ts";
import { ElectionCounts } from "./election_counts.ts";
import {
  type Entry,
  EntryType,
  type LoadRequest,
  type Message,
  type NodeId,
  type RaftOptions,
  type ReadState,
} from "./types.ts";

/** What the steps since the last Ready want done beside persisting. */
export class Outbox {
  messages: Message[] = [];
  messagesAfterPersist: Message[] = [];
  readStates: ReadState[] = [];
  readsDropped: number[] = [];
  loads: LoadRequest[] = [];
  snapshots: NodeId[] = [];

  get empty(): boolean {
    return this.messages.length === 0 && this.messagesAfterPersist.length === 0 &&
      this.readStates.length === 0 && this.readsDropped.length === 0 &&
      this.loads.length === 0 && this.snapshots.length === 0;
  }
}

/** What one server knows and wants done, whatever its role: the roles work on this. */
export class Server {
  readonly id: NodeId;
  readonly options: RaftOptions;
  readonly log: LogView;
  readonly membership: Membership;
  readonly elections = new ElectionCounts();
  outbox = new Outbox();
  term: number;
  votedFor: NodeId;
  /** What is, or is to be, on disk as the longest promise that a leader may have of this server. */
  promiseMs: number;
  /** "" when no leader is known. */
  leader: NodeId = "";
  /** Ticks since the start. */
  now = 0;
  #commitIndex: number;

  constructor(options: RaftOptions) {
    this.id = options.id;
    this.options = options;
    this.log = new LogView(options);
    this.membership = new Membership(options.compaction);
    for (const entry of options.log.configurations) {
      this.membership.append(entry.index, decodeConfiguration(entry.data));
    }
    this.term = options.hardState.term;
    this.votedFor = options.hardState.votedFor;
    this.promiseMs = options.hardState.promiseMs;
    this.#commitIndex = Math.max(options.compaction.index, options.applied);
  }

  /** Entries up to here are known to be committed; never goes back. */
  get commitIndex(): number {
    return this.#commitIndex;
  }

  get leads(): boolean {
    return this.leader === this.id;
  }

  get isVoter(): boolean {
    return this.membership.isVoter(this.id);
  }

  /**
   * Whether this server may stand for election: as a voter, or as one that an uncommitted entry
   * takes the vote from. It may be the only one with that entry, and then only it can be elected and
   * have the entry committed; its own vote does not count (4.2.2, figure 4.6).
   */
  get mayCampaign(): boolean {
    if (this.isVoter) return true;
    const { index } = this.membership;
    return index > this.#commitIndex &&
      voterIds(this.membership.at(this.#commitIndex)).includes(this.id);
  }

  commitTo(index: number): void {
    if (index <= this.#commitIndex) return;
    assert(
      index <= this.log.lastIndex,
      `Cannot commit through ${index}: the log ends at ${this.log.lastIndex}`,
    );
    this.#commitIndex = index;
  }

  /** Adds an entry at the log's end; a configuration is in effect from now on (4.1). */
  append(entry: Entry): void {
    this.log.append(entry);
    if (entry.type === EntryType.configuration) {
      this.membership.append(entry.index, decodeConfiguration(entry.data));
    }
  }

  /** Cuts off the entries from `index` on, and takes back the configurations among them. */
  truncate(index: number): void {
    assert(
      index > this.#commitIndex,
      `The leader of term ${this.term} contradicts the committed entry ${index}`,
    );
    this.log.truncate(index);
    this.membership.truncate(index);
  }
}
