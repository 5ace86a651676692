import { ByteReader, ByteWriter } from "../base/bytes.ts";
import type { Logger } from "../io/types.ts";
import { decodeConfiguration, encodeConfiguration } from "../raft/configuration.ts";
import { nodeName } from "../raft/server_id.ts";
import type { RaftLog } from "../raft_log/types.ts";
import type { CompactionPoint, NodeId, RaftCore } from "../raft/types.ts";
import { SnapshotRejectedError, type StateMachine } from "../store/types.ts";
import type { Transport } from "../transport/types.ts";
import type { Applier } from "./applier.ts";
import type { LogWriter } from "./log_writer.ts";
import { type InstallMarker, NodeError, snapshotStream } from "./types.ts";

/** How long a stream to a follower may go without progress at its end, in ms. */
const answerTimeoutMs = 600_000;

/**
 * The header of a snapshot stream: version u8 = 1, the leader's term, the index and term that the
 * state covers (8 bytes each), and the configuration in effect there (32-bit length and bytes, as
 * in a configuration entry).
 */
export function encodeSnapshotHeader(
  term: number,
  point: CompactionPoint,
): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writer.uint8(1);
  writer.integer(term);
  writer.integer(point.index);
  writer.integer(point.term);
  writer.bytes(encodeConfiguration(point.configuration));
  return writer.copy();
}

export function decodeSnapshotHeader(
  header: Uint8Array,
): { readonly term: number; readonly point: CompactionPoint } {
  const reader = new ByteReader(header);
  const version = reader.uint8();
  if (version !== 1) throw new NodeError("unavailable", `Unknown snapshot version ${version}`);
  const term = reader.integer();
  const index = reader.integer();
  const indexTerm = reader.integer();
  const configuration = decodeConfiguration(reader.bytes());
  reader.end();
  return { term, point: { index, term: indexTerm, configuration } };
}

/** Brings followers up that need what the log no longer holds, and is brought up that way. */
export class SnapshotTransfer {
  readonly #raft: RaftCore;
  readonly #log: RaftLog;
  readonly #writer: LogWriter;
  readonly #applier: Applier;
  readonly #stateMachine: StateMachine;
  readonly #transport: Pick<Transport, "stream">;
  readonly #marker: InstallMarker;
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  #receiving = false;
  #swapping = false;
  #installed = 0;

  constructor(
    parts: {
      readonly raft: RaftCore;
      readonly log: RaftLog;
      readonly writer: LogWriter;
      readonly applier: Applier;
      readonly stateMachine: StateMachine;
      readonly transport: Pick<Transport, "stream">;
      readonly marker: InstallMarker;
      readonly logger: Logger;
    },
  ) {
    this.#raft = parts.raft;
    this.#log = parts.log;
    this.#writer = parts.writer;
    this.#applier = parts.applier;
    this.#stateMachine = parts.stateMachine;
    this.#transport = parts.transport;
    this.#marker = parts.marker;
    this.#logger = parts.logger;
  }

  /** Snapshots received and swapped in since the start. */
  get installed(): number {
    return this.#installed;
  }

  get receiving(): boolean {
    return this.#receiving;
  }

  /**
   * The log is being begun anew: entries that reached the core now would be written behind a gap.
   * No append_request may be stepped meanwhile; the leader sends it again.
   */
  get swapping(): boolean {
    return this.#swapping;
  }

  /** Streams a consistent copy of the state to a follower; true when it has installed it. */
  async send(to: NodeId): Promise<boolean> {
    const member = this.#raft.configuration.members.find((m) => m.id === to);
    if (member === undefined) return false;
    try {
      const snapshot = await this.#stateMachine.openSnapshot();
      try {
        const { index, term } = snapshot.position;
        this.#logger.log(
          "INFO",
          "node",
          `Sending a snapshot at index ${index} (${snapshot.sizeBytes} bytes) to ${nodeName(to)}`,
        );
        const configuration = this.#raft.configurationAt(index);
        const header = encodeSnapshotHeader(this.#raft.status.term, { index, term, configuration });
        await this.#transport.stream(member.address, snapshotStream, header, snapshot.body, {
          timeoutMs: answerTimeoutMs,
          signal: this.#abort.signal,
        });
        return true;
      } finally {
        await snapshot.close();
      }
    } catch (error) {
      this.#logger.log("WARN", "node", `Snapshot to ${nodeName(to)} failed: ${messageOf(error)}`);
      return false;
    }
  }

  /**
   * Receives a state and swaps it in. Between the swap and the log's new beginning a crash leaves
   * the state machine ahead of the log; the marker then tells the next start how to go on.
   */
  async receive(from: NodeId, header: Uint8Array, body: AsyncIterable<Uint8Array>): Promise<void> {
    const { term, point } = decodeSnapshotHeader(header);
    const sender = nodeName(from);
    if (term < this.#raft.status.term) {
      throw new NodeError("not_leader", `Snapshot refused: ${sender} is the leader of an old term`);
    }
    if (this.#receiving) {
      throw new NodeError("overloaded", "Snapshot refused: another one is being received");
    }
    this.#receiving = true;
    await this.#applier.pause();
    try {
      if (point.index <= this.#stateMachine.applied.index) {
        this.#applier.resume();
        return;
      }
      this.#logger.log(
        "INFO",
        "node",
        `Receiving a snapshot at index ${point.index} from ${sender}`,
      );
      await this.#marker.write(point);
      const installed = await this.#stateMachine.installSnapshot(body);
      if (installed.index !== point.index || installed.term !== point.term) {
        throw new Error(
          `Snapshot announced at index ${point.index} (term ${point.term}) held index ${installed.index} (term ${installed.term})`,
        );
      }
      this.#swapping = true;
      await this.#writer.idle();
      // A log that holds the snapshot's last entry keeps what follows it: it may be all that a
      // majority has of an acknowledged write (figure 5.3 of the thesis, step 7). Entries that the
      // core holds in memory only have been promised to nobody.
      const held = this.#raft.termAt(point.index) === point.term &&
        this.#log.lastIndex >= point.index;
      if (held) await this.#log.compact(point);
      else await this.#log.reset(point);
      this.#raft.snapshotInstalled(point);
      await this.#marker.clear();
      this.#applier.resume(point.index);
      this.#installed++;
      this.#logger.log("INFO", "node", `Snapshot at index ${point.index} installed`);
    } catch (error) {
      if (!(error instanceof SnapshotRejectedError)) throw error;
      await this.#marker.clear();
      this.#applier.resume();
      throw new NodeError("unavailable", `Snapshot refused: ${error.message}`, { cause: error });
    } finally {
      this.#swapping = false;
      this.#receiving = false;
    }
  }

  stop(): void {
    this.#abort.abort(new NodeError("unavailable", "The node is stopping"));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
