import { assert } from "../base/assert.ts";
import type { Raft } from "../raft/raft.ts";
import type { Configuration, Entry, LoadRequest, Ready, Status } from "../raft/types.ts";
import type { RaftLog } from "../raft_log/types.ts";
import type { Transport } from "../transport/types.ts";
import type { Applier } from "./applier.ts";
import type { ReadBarriers } from "./read_barriers.ts";
import type { SnapshotSender } from "./snapshot_sender.ts";
import type { Proposer } from "./writes/proposer.ts";
import type { WriteStages } from "./writes/write_stages.ts";

export interface DriverParts {
  readonly raft: Pick<Raft, "ready" | "persisted" | "loaded">;
  readonly log: Pick<RaftLog, "append" | "busy" | "read" | "firstIndex" | "lastIndex">;
  readonly transport: Pick<Transport, "send">;
  readonly proposer: Pick<Proposer, "proposeWaiting" | "logIdle">;
  readonly reads: Pick<ReadBarriers, "begin" | "confirmed" | "dropped">;
  readonly applier: Pick<Applier, "applied" | "advance" | "hurry">;
  readonly sender: Pick<SnapshotSender, "send">;
  readonly stages: WriteStages;
  /** Nothing may be done now: later, if the core is told to go on. */
  readonly held: () => boolean;
  /** Called with each Ready, before anything of it leaves this node. */
  readonly leaving: () => void;
  /** Called when all is done that there was to do. */
  readonly ran: () => void;
  readonly onConfiguration: (configuration: Configuration) => void;
  readonly onStatus: (status: Status) => void;
  /** Disk or core can go on no longer. */
  readonly failed: (error: unknown) => void;
}

/** Does what the core wants done: ready → persist → send → apply. */
export class Driver {
  readonly #parts: DriverParts;
  #scheduled = false;
  #stopped = false;

  constructor(parts: DriverParts) {
    this.#parts = parts;
  }

  /** There may be something to do: it is done once what runs now is over. */
  schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      try {
        this.#run();
      } catch (error) {
        this.#parts.failed(error);
      }
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  #run(): void {
    const { raft, reads, proposer, held, ran } = this.#parts;
    if (this.#stopped || held()) return;
    reads.begin();
    proposer.proposeWaiting();
    for (let ready = raft.ready(); ready !== undefined; ready = raft.ready()) this.#handle(ready);
    ran();
  }

  #handle(ready: Ready): void {
    const { log, transport, reads, applier, sender, stages } = this.#parts;
    const { onConfiguration, onStatus, leaving } = this.#parts;
    leaving();
    // Before this node's own disk: the followers' disks then work at the same time (10.2.1).
    if (ready.messages.length > 0) transport.send(ready.messages);
    this.#persist(ready);
    if (ready.configuration !== undefined) onConfiguration(ready.configuration);
    if (ready.status !== undefined) onStatus(ready.status);
    assert(ready.applyThrough <= log.lastIndex, "An entry is to be applied that is not durable");
    stages.committed(ready.applyThrough);
    applier.advance(ready.applyThrough);
    if (ready.readStates.length > 0) {
      reads.confirmed(ready.readStates, applier.applied);
      applier.hurry();
      this.schedule();
    }
    reads.dropped(ready.readsDropped);
    for (const request of ready.loads) this.#load(request);
    for (const to of ready.snapshots) sender.send(to);
  }

  #persist(ready: Ready): void {
    const { log, stages, failed } = this.#parts;
    const nothing = ready.hardState === undefined && ready.entries.length === 0;
    if (nothing && ready.messagesAfterPersist.length === 0) return;
    if (nothing && !log.busy) this.#persisted(ready);
    else {
      const since = stages.now();
      log.append(ready).then(() => {
        const last = ready.entries.at(-1);
        if (last !== undefined) stages.synced(since, ready.entries.length, last.index);
        this.#persisted(ready);
      }).catch(failed);
    }
  }

  /** All of a Ready is durable, and of those before it. */
  #persisted({ entries, messagesAfterPersist }: Ready): void {
    if (this.#stopped) return;
    const { transport, raft, proposer } = this.#parts;
    transport.send(messagesAfterPersist);
    const last = entries[entries.length - 1];
    if (last !== undefined) raft.persisted(last.index, last.term);
    proposer.logIdle();
    this.schedule();
  }

  /** Reads for the core what it wants to send and holds in memory no more; none where it is compacted away. */
  #load({ to, from, bytesMax }: LoadRequest): void {
    const { raft, log, failed } = this.#parts;
    const done = (entries: readonly Entry[]) => {
      raft.loaded(to, entries);
      this.schedule();
    };
    if (from < log.firstIndex) {
      done([]);
      return;
    }
    log.read(from, log.lastIndex, bytesMax).then(done).catch((error) => {
      if (from < log.firstIndex) done([]);
      else failed(error);
    });
  }
}
