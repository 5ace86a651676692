import type { Clock, Logger } from "../io/types.ts";
import type { Raft } from "../raft/raft.ts";
import { type NodeId, nodeName } from "../raft/types.ts";

/** How long a peer may take in nothing behind its snapshot before no log is kept for it, in ms. */
const patienceMs = 60_000;
/** The most log that is kept for peers, in times the size that calls for a compaction. */
const sizeFactor = 4;
/** That bound is never below this, in bytes. */
const bytesMaxLeast = 1024 ** 3;

/** The log kept for one peer. */
interface Hold {
  /** The last entry that it does not need. */
  index: number;
  /** Its snapshot is under way: how far it has come tells nothing yet. */
  streaming: boolean;
  /** When it was last seen to come further, in ms of the clock. */
  progressAt: number;
}

export interface LogHoldsParts {
  readonly raft: Pick<Raft, "progress">;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  /** The size of log that calls for a compaction, in bytes. */
  readonly logBytes: number;
}

/**
 * Keeps the log that a peer goes on with once the snapshot that is streamed to it is installed,
 * until it follows again. Under load a compaction would take that log away while the stream runs,
 * and the peer would get one snapshot after the other.
 */
export class LogHolds {
  readonly #parts: LogHoldsParts;
  readonly #bytesMax: number;
  readonly #holds = new Map<NodeId, Hold>();
  /** What lies behind is not archived yet; undefined without an archive. */
  #archived: number | undefined;

  constructor(parts: LogHoldsParts) {
    this.#parts = parts;
    this.#bytesMax = Math.max(sizeFactor * parts.logBytes, bytesMaxLeast);
  }

  /** A stream to that peer begins; `compacted` is the last entry that the log holds no more. */
  begin(id: NodeId, compacted: number): void {
    this.#holds.set(id, { index: compacted, streaming: true, progressAt: this.#parts.clock.now() });
  }

  /** The stream has ended, well or not. */
  end(id: NodeId, ok: boolean): void {
    const hold = this.#holds.get(id);
    if (hold === undefined) return;
    hold.streaming = false;
    hold.progressAt = this.#parts.clock.now();
    if (!ok) this.#holds.delete(id);
  }

  /** Keeps what lies behind that index, for an archive. */
  keepBehind(index: number): void {
    this.#archived = index;
  }

  /** How far a log of that size, which could be compacted through `wanted`, may be. */
  allowed(wanted: number, sizeBytes: number): number {
    if (this.#holds.size === 0 && this.#archived === undefined) return wanted;
    if (sizeBytes > this.#bytesMax) {
      const archive = this.#archived === undefined || this.#archived >= wanted
        ? []
        : ["the archive"];
      const names = [...Array.from(this.#holds.keys(), nodeName), ...archive].join(", ");
      this.#holds.clear();
      if (names === "") return wanted;
      this.#parts.logger.log(
        "WARN",
        "node",
        `Log of ${sizeBytes} bytes is no longer kept for ${names}, which may need another snapshot or base copy`,
      );
      return wanted;
    }
    const progress = new Map(this.#parts.raft.progress().map((peer) => [peer.id, peer.matchIndex]));
    let allowed = Math.min(wanted, this.#archived ?? wanted);
    for (const [id, hold] of this.#holds) {
      const matchIndex = progress.get(id);
      if (matchIndex === undefined || !this.#needed(hold, matchIndex, wanted)) {
        this.#holds.delete(id);
      } else allowed = Math.min(allowed, hold.index);
    }
    return allowed;
  }

  /** Whether the peer still needs what a compaction through `wanted` would take. */
  #needed(hold: Hold, matchIndex: number, wanted: number): boolean {
    if (hold.streaming) return true;
    const now = this.#parts.clock.now();
    if (matchIndex > hold.index) {
      hold.index = matchIndex;
      hold.progressAt = now;
    }
    return matchIndex < wanted && now - hold.progressAt < patienceMs;
  }
}
