import type { Transfers } from "../io/transfers.ts";
import { DiskError, type Logger } from "../io/types.ts";
import type { RaftLog } from "../raft_log/types.ts";
import type { Raft } from "../raft/raft.ts";
import { type CompactionPoint, type NodeId, nodeName } from "../raft/types.ts";
import { snapshotSizeIn } from "../store/copy/snapshot_body.ts";
import { type AppliedPosition, SnapshotRejectedError, type StateMachine } from "../store/types.ts";
import { Replacement } from "./replacement.ts";
import type { Applier } from "./applier.ts";
import type { SnapshotHeader } from "./snapshot_header.ts";
import { type InstallMarker, NodeError } from "./types.ts";

/** A stream that is being received. */
interface Incoming {
  /** That its leader leads in. */
  readonly term: number;
  /** Up to which index it brings the state. */
  readonly index: number;
  readonly abort: AbortController;
  /** Resolves when its place is free. */
  readonly ended: Promise<void>;
}

/** Is brought up by the leader where its log no longer holds what this node needs. */
export class SnapshotReceiver {
  readonly #raft: Raft;
  readonly #log: RaftLog;
  readonly #applier: Applier;
  readonly #stateMachine: StateMachine;
  readonly #marker: InstallMarker;
  readonly #logger: Logger;
  readonly #transfers: Transfers | undefined;
  readonly #replacement: Replacement;
  readonly #onReplaced: (() => Promise<void>) | undefined;
  #incoming: Incoming | undefined;
  #swapping = false;
  #installed = 0;

  constructor(
    parts: {
      readonly raft: Raft;
      readonly log: RaftLog;
      readonly applier: Applier;
      readonly stateMachine: StateMachine;
      readonly marker: InstallMarker;
      readonly logger: Logger;
      readonly transfers?: Transfers | undefined;
      readonly replacement?: Replacement;
      readonly onReplaced?: (() => Promise<void>) | undefined;
    },
  ) {
    this.#raft = parts.raft;
    this.#log = parts.log;
    this.#applier = parts.applier;
    this.#stateMachine = parts.stateMachine;
    this.#marker = parts.marker;
    this.#logger = parts.logger;
    this.#transfers = parts.transfers;
    this.#replacement = parts.replacement ?? new Replacement(undefined);
    this.#onReplaced = parts.onReplaced;
  }

  /** Snapshots received and swapped in since the start. */
  get installed(): number {
    return this.#installed;
  }

  get receiving(): boolean {
    return this.#incoming !== undefined;
  }

  /**
   * The log is being begun anew: entries that reached the core now would be written behind a gap.
   * No append_request may be stepped meanwhile; the leader sends it again.
   */
  get swapping(): boolean {
    return this.#swapping;
  }

  /**
   * Receives a state and swaps it in. One stream is received at a time; that of a newer leader takes
   * the place of an older one's, whose sender may be frozen or cut off and need long to be missed.
   */
  async receive(
    from: NodeId,
    { term, point }: SnapshotHeader,
    body: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    const sender = nodeName(from);
    const known = this.#raft.status;
    if (term < known.term) {
      throw new NodeError("not_leader", `Snapshot refused: ${sender} is the leader of an old term`);
    }
    if (term === known.term && known.leader !== "" && known.leader !== from) {
      throw new NodeError("not_leader", `Snapshot refused: ${sender} does not lead term ${term}`);
    }
    for (let other = this.#incoming; other !== undefined; other = this.#incoming) {
      if (term <= other.term) {
        throw new NodeError("overloaded", "Snapshot refused: another one is being received");
      }
      other.abort.abort(new Error(`${sender} is the leader of a newer term, and sends another`));
      await other.ended;
    }
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const incoming = { term, index: point.index, abort: new AbortController(), ended };
    this.#incoming = incoming;
    try {
      await this.#install(point, sender, abortable(body, incoming.abort.signal));
    } finally {
      this.#incoming = undefined;
      end();
    }
  }

  /**
   * Gives up what the log has by now from a newer leader, as it was told something: the sender may be
   * gone without a word, and nothing is applied until the stream has ended.
   */
  overtake(): void {
    const incoming = this.#incoming;
    if (incoming === undefined || this.#isDamaged) return;
    if (this.#raft.status.term <= incoming.term) return;
    const { firstIndex, lastIndex } = this.#log;
    const isWhole = firstIndex <= this.#stateMachine.applied.index + 1;
    if (!isWhole || lastIndex < incoming.index) return;
    incoming.abort.abort(new Error("a newer leader has sent what the log lacked"));
  }

  /**
   * Between the swap and the log's new beginning a crash leaves the state machine ahead of the log;
   * the marker then tells the next start how to go on.
   */
  async #install(
    point: CompactionPoint,
    sender: string,
    body: AsyncIterable<Uint8Array>,
  ): Promise<void> {
    await this.#applier.pause();
    try {
      const { index: applied } = this.#stateMachine.applied;
      // What is as old as what is here is as good, when that is damaged.
      const isNews = this.#isDamaged ? point.index >= applied : point.index > applied;
      if (!isNews) return this.#goOn();
      this.#logger.log(
        "INFO",
        "node",
        `Receiving a snapshot at index ${point.index} from ${sender}`,
      );
      const what = `from ${sender}`;
      const counted =
        this.#transfers?.counted("snapshot-received", { what }, body, snapshotSizeIn) ?? body;
      const accept = async ({ index, term }: AppliedPosition) => {
        if (index !== point.index || term !== point.term) {
          throw new SnapshotRejectedError(
            `it was announced at index ${point.index} (term ${point.term}) and holds index ${index} (term ${term})`,
          );
        }
        await this.#mark(point);
      };
      const options = { setAside: this.#replacement.isInPlace };
      await this.#stateMachine.installSnapshot(counted, accept, options);
      this.#swapping = true;
      await this.#log.idle();
      // A log that holds the snapshot's last entry keeps what follows it: it may be all that a
      // majority has of an acknowledged write (figure 5.3 of the thesis, step 7). Entries that the
      // core holds in memory only have been promised to nobody.
      const held = this.#raft.termAt(point.index) === point.term &&
        this.#log.lastIndex >= point.index;
      if (held) await this.#log.compact(point);
      else await this.#log.reset(point);
      this.#raft.snapshotInstalled(point);
      await this.#marker.clear();
      if (this.#isDamaged) await this.#onReplaced?.();
      this.#replacement.ended();
      this.#applier.resume(point.index);
      this.#installed++;
      this.#logger.log("INFO", "node", `Snapshot at index ${point.index} installed`);
    } catch (error) {
      if (!(error instanceof SnapshotRejectedError)) throw error;
      await this.#marker.clear();
      this.#goOn();
      const refused = `Snapshot refused: ${error.message}`;
      this.#logger.log("WARN", "node", `${refused} (at index ${point.index}, from ${sender})`);
      throw new NodeError("unavailable", refused, { cause: error });
    } finally {
      this.#swapping = false;
    }
  }

  get #isDamaged(): boolean {
    return this.#replacement.reason !== undefined;
  }

  /** Nothing more comes of a copy that is damaged. */
  #goOn(): void {
    if (!this.#isDamaged) this.#applier.resume();
  }

  /** No room for the marker refuses the snapshot as no room for its body does: nothing is swapped yet. */
  async #mark(point: CompactionPoint): Promise<void> {
    try {
      await this.#marker.write(point);
    } catch (error) {
      if (!(error instanceof DiskError) || error.kind !== "full") throw error;
      throw new SnapshotRejectedError(error.message, { cause: error });
    }
  }
}

/** The same body, that ends with the signal's reason once it is aborted, whatever its source does. */
async function* abortable(
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        signal.onabort = () => reject(signal.reason);
        chunks.next().then(resolve, reject);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Not waited for: a source that is silent ends when it likes.
    chunks.return?.().catch(() => {});
  }
}
