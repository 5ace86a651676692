import { ByteReader } from "../base/bytes.ts";
import type { Logger } from "../io/types.ts";
import { type NodeId, nodeName } from "../raft/types.ts";
import type { SqliteProfile } from "../store/types.ts";
import type { Agreement } from "../transport/types.ts";
import { sqliteDifferences } from "./sqlite_differences.ts";
import { encodeProfile, readProfile } from "./sqlite_profile_codec.ts";

/** A node whose SQLite is another than this node's. */
export interface SqliteMismatch {
  readonly id: NodeId;
  readonly address: string;
  /** The two exchange nothing; otherwise one of them was told to put up with it. */
  readonly refused: boolean;
  readonly differences: readonly string[];
}

/** Nodes that are remembered: more than a cluster has members. */
const mismatchesMax = 256;

/** The flag that permits a mismatch, as it is written. */
const flag = "-allow-sqlite-mismatch";

/**
 * Every node's database is what its own SQLite makes of the same log: two that answer differently
 * part in silence. So each connection and each join compares them, and refuses a node whose SQLite
 * is another, unless either end was started to permit it for the time of an upgrade.
 */
export class SqliteAgreement implements Agreement {
  readonly own: Uint8Array<ArrayBuffer>;
  readonly profile: SqliteProfile;
  readonly permits: boolean;
  readonly #name: string;
  readonly #logger: Logger;
  /** By server id, the one that differed last at the end. */
  readonly #mismatches = new Map<NodeId, SqliteMismatch>();

  constructor(options: {
    readonly id: NodeId;
    readonly profile: SqliteProfile;
    readonly permits: boolean;
    readonly logger: Logger;
  }) {
    this.profile = options.profile;
    this.permits = options.permits;
    this.own = encodeProfile(options);
    this.#name = nodeName(options.id);
    this.#logger = options.logger;
    if (!this.permits) return;
    const line = `${flag} is set: nodes whose SQLite gives other results are put up with; ` +
      "start this one without it once all have the same";
    this.#logger.log("WARN", "sqlite", line);
  }

  refusal(
    { id, address }: { readonly id: NodeId; readonly address: string },
    theirs: Uint8Array,
  ): string | undefined {
    const told = readProfile(new ByteReader(theirs));
    const differences = sqliteDifferences(this.profile, told.profile);
    if (differences.length === 0) {
      this.#agree(id, address);
      return undefined;
    }
    const refused = !this.permits && !told.permits;
    const text = this.#text({ id, address, refused, differences });
    this.#differ({ id, address, refused, differences }, text);
    return refused ? text : undefined;
  }

  /** Of these nodes, those whose SQLite was another one when this node last met them. */
  mismatches(ids: readonly NodeId[]): SqliteMismatch[] {
    return [...this.#mismatches.values()].filter(({ id }) => ids.includes(id));
  }

  #agree(id: NodeId, address: string): void {
    if (!this.#mismatches.delete(id)) return;
    const line = `Node ${nodeName(id)} at ${address} has the same SQLite as this one again`;
    this.#logger.log("INFO", "sqlite", line);
  }

  /** One line for a node, until something about it changes. */
  #differ(mismatch: SqliteMismatch, text: string): void {
    const { id } = mismatch;
    const known = this.#mismatches.get(id);
    if (known === undefined || this.#text(known) !== text) {
      this.#logger.log(mismatch.refused ? "ERROR" : "WARN", "sqlite", text);
    }
    this.#mismatches.delete(id);
    this.#mismatches.set(id, mismatch);
    if (this.#mismatches.size <= mismatchesMax) return;
    const [oldest] = this.#mismatches.keys();
    if (oldest !== undefined) this.#mismatches.delete(oldest);
  }

  #text({ id, address, refused, differences }: SqliteMismatch): string {
    const who = `SQLite of node ${this.#name} (here) and of node ${nodeName(id)} at ${address}`;
    const what = differences.join("; ");
    return refused
      ? `${who} differ, so they exchange nothing: their databases would come to differ: ${what}. ` +
        "Run the same SQLite on both (the log's first lines name each one's library), or start " +
        `one with ${flag} for the time of an upgrade`
      : `${who} differ, which ${flag} permits; their databases may come to differ: ${what}`;
  }
}
