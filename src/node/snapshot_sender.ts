import { messageOf } from "../base/message_of.ts";
import type { Transfers } from "../io/transfers.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import type { Raft } from "../raft/raft.ts";
import { type NodeId, nodeName } from "../raft/types.ts";
import type { RaftLog } from "../raft_log/types.ts";
import type { StateMachine } from "../store/types.ts";
import type { Transport } from "../transport/types.ts";
import type { LogHolds } from "./log_holds.ts";
import { givenBack } from "./given_back.ts";
import { encodeSnapshotHeader } from "./snapshot_header.ts";
import { NodeError, snapshotStream } from "./types.ts";

/** How long a stream to a follower may go without progress at its end, in ms. */
const answerTimeoutMs = 600_000;

/** How long to wait after a stream that failed, and at most after many in a row, in ms. */
const backOffMsMin = 1_000;
const backOffMsMax = 60_000;

/** A stream that the core has asked for, from the wait before it to its end. */
interface Attempt {
  readonly term: number;
  readonly abort: AbortController;
  /** Runs while the stream has to wait. */
  timer: Timer | undefined;
}

/** How the last streams to one peer have ended. */
interface Failures {
  readonly count: number;
  /** Not to be tried again before, in ms of the clock. */
  readonly until: number;
}

export interface SnapshotSenderParts {
  readonly raft: Raft;
  readonly log: Pick<RaftLog, "firstIndex">;
  readonly holds: LogHolds;
  readonly stateMachine: StateMachine;
  readonly transport: Pick<Transport, "stream" | "addressOf">;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly transfers?: Transfers | undefined;
  /** What is wrong with the state, of which nothing is sent then; undefined for nothing. */
  readonly damage?: () => string | undefined;
  /** The core was told something: there may be something to do. */
  readonly due: () => void;
}

/**
 * Brings followers up that need what the log no longer holds. Each stream is a copy of the whole
 * database, made for it: after one that failed, the next to the same peer waits.
 */
export class SnapshotSender {
  readonly #parts: SnapshotSenderParts;
  readonly #attempts = new Map<NodeId, Attempt>();
  /** Of the peers whose last stream failed, in `#term`. */
  readonly #failures = new Map<NodeId, Failures>();
  #term = 0;

  constructor(parts: SnapshotSenderParts) {
    this.#parts = parts;
  }

  /** Streams a consistent copy of the state to a follower, and tells the core how that ended. */
  send(to: NodeId): void {
    const { raft, clock } = this.#parts;
    const { term } = raft.status;
    if (term !== this.#term) {
      this.#failures.clear();
      this.#term = term;
    }
    // The core has forgotten an earlier request: its stream would only be in this one's way.
    this.#cancel(to, "Another snapshot takes its place");
    const attempt: Attempt = { term, abort: new AbortController(), timer: undefined };
    this.#attempts.set(to, attempt);
    const waitMs = (this.#failures.get(to)?.until ?? 0) - clock.now();
    if (waitMs <= 0) void this.#run(to, attempt);
    else attempt.timer = clock.after(waitMs, () => void this.#run(to, attempt));
  }

  /** Whether a stream to that peer is under way, or waits for its time. */
  isSending(to: NodeId): boolean {
    return this.#attempts.has(to);
  }

  #cancel(to: NodeId, why: string): void {
    const attempt = this.#attempts.get(to);
    attempt?.timer?.cancel();
    attempt?.abort.abort(new NodeError("unavailable", why));
    this.#attempts.delete(to);
  }

  async #run(to: NodeId, attempt: Attempt): Promise<void> {
    const { raft, holds, log, due, transport } = this.#parts;
    const address = transport.addressOf(to);
    const asked = () => raft.status.role === "leader" && raft.status.term === attempt.term;
    let ok = false;
    if (address !== undefined && asked()) {
      holds.begin(to, log.firstIndex - 1);
      ok = await this.#stream(to, address, attempt);
      if (this.#attempts.get(to) !== attempt) return;
      holds.end(to, ok);
    }
    this.#attempts.delete(to);
    if (!asked()) return;
    this.#note(to, ok);
    raft.snapshotFinished(to, ok);
    due();
  }

  #note(to: NodeId, ok: boolean): void {
    if (ok) {
      this.#failures.delete(to);
      return;
    }
    const count = (this.#failures.get(to)?.count ?? 0) + 1;
    const waitMs = Math.min(backOffMsMin * 2 ** (count - 1), backOffMsMax);
    this.#failures.set(to, { count, until: this.#parts.clock.now() + waitMs });
  }

  /** True when the follower has installed the state. */
  async #stream(to: NodeId, address: string, attempt: Attempt): Promise<boolean> {
    const { raft, stateMachine, transport, logger, transfers } = this.#parts;
    try {
      this.#checkState();
      const snapshot = await stateMachine.openSnapshot();
      try {
        this.#checkState();
        const { index, term } = snapshot.position;
        logger.log(
          "INFO",
          "node",
          `Sending a snapshot at index ${index} (${snapshot.sizeBytes} bytes) to ${nodeName(to)}`,
        );
        const configuration = raft.configurationAt(index);
        const header = encodeSnapshotHeader(attempt.term, { index, term, configuration });
        const { body, sizeBytes } = snapshot;
        const expected = { what: `to ${nodeName(to)}`, totalBytes: sizeBytes };
        const transfer = transfers?.begin("snapshot-sent", expected);
        const counted = givenBack(transfer?.over(body) ?? body);
        await transport.stream({ address, kind: snapshotStream, header, body: counted }, {
          timeoutMs: answerTimeoutMs,
          signal: attempt.abort.signal,
        }).finally(() => transfers?.end(transfer));
        return true;
      } finally {
        await snapshot.close();
      }
    } catch (error) {
      logger.log("WARN", "node", `Snapshot to ${nodeName(to)} failed: ${messageOf(error)}`);
      return false;
    }
  }

  #checkState(): void {
    const damage = this.#parts.damage?.();
    if (damage !== undefined) {
      throw new NodeError("unavailable", `This node's copy of the database is damaged: ${damage}`);
    }
  }

  /** The state was found damaged: what is being sent of it fails. */
  distrust(): void {
    for (const { abort } of this.#attempts.values()) {
      abort.abort(new NodeError("unavailable", "This node's copy of the database is damaged"));
    }
  }

  stop(): void {
    for (const to of [...this.#attempts.keys()]) this.#cancel(to, "The node is stopping");
  }
}
