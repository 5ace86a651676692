import { changedConfiguration, membersMax, voterIds } from "./configuration.ts";
import type { Progress } from "./progress.ts";
import type { CompactionPoint, Configuration, MembershipChange, NodeId } from "./types.ts";

interface Version {
  readonly index: number;
  readonly configuration: Configuration;
}

/**
 * The configurations of the log, newest last: the newest is in effect, committed or not (4.1), and
 * the one before it comes back when its entry is cut off.
 */
export class Membership {
  #versions: Version[];
  #voters: readonly NodeId[] = [];

  constructor(point: CompactionPoint) {
    this.#versions = [{ index: point.index, configuration: point.configuration }];
    this.#changed();
  }

  /** The configuration in effect. */
  get current(): Configuration {
    return this.#latest.configuration;
  }

  /** Where the configuration in effect stands in the log. */
  get index(): number {
    return this.#latest.index;
  }

  get voters(): readonly NodeId[] {
    return this.#voters;
  }

  isVoter(id: NodeId): boolean {
    return this.#voters.includes(id);
  }

  /** The configuration that the entries up to `index` leave in effect. */
  at(index: number): Configuration {
    let result = this.#versions[0] ?? this.#latest;
    for (const version of this.#versions) if (version.index <= index) result = version;
    return result.configuration;
  }

  /** The configuration in effect with `change` made; undefined when it would be none to run with. */
  changed(change: MembershipChange): Configuration | undefined {
    const configuration = changedConfiguration(this.current, change);
    if (configuration.members.length > membersMax) return undefined;
    return voterIds(configuration).length === 0 ? undefined : configuration;
  }

  append(index: number, configuration: Configuration): void {
    this.#versions.push({ index, configuration });
    this.#changed();
  }

  /** The entries from `index` on are cut off. */
  truncate(index: number): void {
    while (this.#versions.length > 1 && this.#latest.index >= index) this.#versions.pop();
    this.#changed();
  }

  /** The entries up to `index` are gone: their configurations need not be told apart any more. */
  compact(index: number): void {
    const keep = this.#versions.findLastIndex((version) => version.index <= index);
    if (keep > 0) this.#versions.splice(0, keep);
  }

  reset(point: CompactionPoint): void {
    this.#versions = [{ index: point.index, configuration: point.configuration }];
    this.#changed();
  }

  get #latest(): Version {
    const latest = this.#versions[this.#versions.length - 1];
    return latest ?? { index: 0, configuration: { members: [] } };
  }

  #changed(): void {
    this.#voters = voterIds(this.current);
  }
}

interface Departure {
  readonly peer: Progress;
  /** Where the entry stands that took it out. */
  readonly index: number;
  /** When to give up, in ticks. */
  readonly until: number;
}

/**
 * Members that were removed and may not know it yet. They count for nothing any more, but are sent
 * the log for a moment longer, up to the entry that took them out and the news that it is
 * committed: a node that is not told goes on asking for votes until an operator looks (4.2.3).
 */
export class Departing {
  readonly #departures = new Map<NodeId, Departure>();

  get none(): boolean {
    return this.#departures.size === 0;
  }

  add(peer: Progress, index: number, until: number): void {
    this.#departures.set(peer.id, { peer, index, until });
  }

  get(id: NodeId): Progress | undefined {
    return this.#departures.get(id)?.peer;
  }

  /** The member is put anew, or cannot be told. */
  delete(id: NodeId): void {
    this.#departures.delete(id);
  }

  /** Forgets those that know, and those that could not be told in time. */
  settle(now: number): void {
    for (const [id, { peer, index, until }] of this.#departures) {
      const told = peer.matchIndex >= index && peer.commitTold >= index;
      if (told || now >= until) this.#departures.delete(id);
    }
  }

  /** Whom to send something, and whether to say by itself what is committed. */
  *pending(commitIndex: number): Generator<{ peer: Progress; newsDue: boolean }> {
    for (const { peer, index } of this.#departures.values()) {
      yield { peer, newsDue: commitIndex >= index };
    }
  }
}
