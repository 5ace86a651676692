import type { Logger } from "../io/types.ts";
import { nodeName } from "../raft/server_id.ts";
import type { NodeId, RaftCore } from "../raft/types.ts";
import type { RaftLog } from "../raft_log/types.ts";
import type { StateMachine } from "../store/types.ts";
import type { Transport } from "../transport/types.ts";
import type { LogHolds } from "./log_holds.ts";
import { encodeSnapshotHeader } from "./snapshot_header.ts";
import { NodeError, snapshotStream } from "./types.ts";

/** How long a stream to a follower may go without progress at its end, in ms. */
const answerTimeoutMs = 600_000;

/** Brings followers up that need what the log no longer holds. */
export class SnapshotSender {
  readonly #raft: RaftCore;
  readonly #log: Pick<RaftLog, "firstIndex">;
  readonly #holds: LogHolds;
  readonly #stateMachine: StateMachine;
  readonly #transport: Pick<Transport, "stream">;
  readonly #logger: Logger;
  readonly #abort = new AbortController();

  constructor(
    parts: {
      readonly raft: RaftCore;
      readonly log: Pick<RaftLog, "firstIndex">;
      readonly holds: LogHolds;
      readonly stateMachine: StateMachine;
      readonly transport: Pick<Transport, "stream">;
      readonly logger: Logger;
    },
  ) {
    this.#raft = parts.raft;
    this.#log = parts.log;
    this.#holds = parts.holds;
    this.#stateMachine = parts.stateMachine;
    this.#transport = parts.transport;
    this.#logger = parts.logger;
  }

  /** Streams a consistent copy of the state to a follower; true when it has installed it. */
  async send(to: NodeId): Promise<boolean> {
    const member = this.#raft.configuration.members.find((m) => m.id === to);
    if (member === undefined) return false;
    this.#holds.begin(to, this.#log.firstIndex - 1);
    const ok = await this.#stream(to, member.address);
    this.#holds.end(to, ok);
    return ok;
  }

  async #stream(to: NodeId, address: string): Promise<boolean> {
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
        await this.#transport.stream(address, snapshotStream, header, snapshot.body, {
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

  stop(): void {
    this.#abort.abort(new NodeError("unavailable", "The node is stopping"));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
