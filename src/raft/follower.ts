import { assert } from "../base/assert.ts";
import { promiseMs } from "./lease.ts";
import type { Server } from "./server.ts";
import type { AppendRequest, Entry, HeartbeatRequest, NodeId, SnapshotRequest } from "./types.ts";

/** What a server does for the leader of its term: takes its entries in and acknowledges them (3.5). */
export class Follower {
  readonly #server: Server;
  /** The acknowledgement that the next Ready carries: one stands for all that came before it. */
  #acknowledgement: { readonly to: NodeId; readonly matchIndex: number } | undefined;

  constructor(server: Server) {
    this.#server = server;
  }

  appendRequest(request: AppendRequest): void {
    const { log } = this.#server;
    const { prevLogIndex, prevLogTerm, entries } = request;
    const lastNewIndex = prevLogIndex + entries.length;
    const known = log.termAt(prevLogIndex);
    if (prevLogIndex >= log.compactionIndex && known !== prevLogTerm) {
      assert(
        prevLogIndex > this.#server.commitIndex,
        `The leader of term ${request.term} contradicts the committed entry ${prevLogIndex}`,
      );
      this.#refuse(request);
      return;
    }
    this.#take(prevLogIndex, entries);
    this.#server.commitTo(Math.min(request.commitIndex, lastNewIndex));
    // Whatever is committed is the same in the leader's log (3.6.3), also beyond this request.
    this.#acknowledge(request.from, Math.max(lastNewIndex, this.#server.commitIndex));
  }

  heartbeatRequest(request: HeartbeatRequest): void {
    const server = this.#server;
    // Nothing is asked of a log that has lost what it acknowledged: the next append request shows it.
    if (request.commitIndex <= server.log.lastIndex) server.commitTo(request.commitIndex);
    server.outbox.messages.push({
      type: "heartbeat_response",
      from: server.id,
      to: request.from,
      term: server.term,
      round: request.round,
      promiseMs: promiseMs(server.options),
    });
  }

  /** The snapshot comes as a stream, unless the log here turns out to hold what it covers. */
  snapshotRequest(request: SnapshotRequest): void {
    const server = this.#server;
    if (server.log.termAt(request.index) === request.indexTerm) server.commitTo(request.index);
    if (server.commitIndex >= request.index) this.#acknowledge(request.from, server.commitIndex);
  }

  /** The state machine and the log are now what the leader's snapshot made them. */
  snapshotInstalled(): void {
    const { leader, id, commitIndex } = this.#server;
    if (leader !== "" && leader !== id) this.#acknowledge(leader, commitIndex);
  }

  /** An acknowledgement of an earlier term's entries must not be given: they may be replaced. */
  termChanged(): void {
    this.#acknowledgement = undefined;
  }

  /** Queues the acknowledgement of everything taken in since the last time (10.2.1). */
  flush(): void {
    const acknowledgement = this.#acknowledgement;
    if (acknowledgement === undefined) return;
    this.#acknowledgement = undefined;
    const server = this.#server;
    server.outbox.messagesAfterPersist.push({
      type: "append_response",
      from: server.id,
      to: acknowledgement.to,
      term: server.term,
      success: true,
      matchIndex: acknowledgement.matchIndex,
      rejectedIndex: 0,
      hintIndex: 0,
      hintTerm: 0,
    });
  }

  #acknowledge(to: NodeId, matchIndex: number): void {
    const earlier = this.#acknowledgement?.matchIndex ?? 0;
    this.#acknowledgement = { to, matchIndex: Math.max(earlier, matchIndex) };
  }

  /** Appends what is missing; an entry that contradicts the leader's goes, with all behind it. */
  #take(prevLogIndex: number, entries: readonly Entry[]): void {
    const server = this.#server;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i];
      const index = prevLogIndex + 1 + i;
      assert(entry?.index === index, `An append request has no entry ${index} in its place`);
      if (index < server.log.compactionIndex) continue;
      const term = server.log.termAt(index);
      if (term === entry.term) continue;
      if (term !== undefined) server.truncate(index);
      server.append(entry);
    }
  }

  #refuse(request: AppendRequest): void {
    const { log, outbox, id, term } = this.#server;
    const hintIndex = log.lastPossibleMatch(request.prevLogIndex, request.prevLogTerm);
    outbox.messages.push({
      type: "append_response",
      from: id,
      to: request.from,
      term,
      success: false,
      matchIndex: 0,
      rejectedIndex: request.prevLogIndex,
      hintIndex,
      hintTerm: log.termAt(hintIndex) ?? 0,
    });
  }
}
