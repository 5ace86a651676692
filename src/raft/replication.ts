import type { Progress } from "./progress.ts";
import type { Server } from "./server.ts";
import type { AppendResponse, Entry } from "./types.ts";

/** Sends a peer what it lacks of the leader's log, as far as its progress allows (3.5, 10.2.1). */
export class Replication {
  readonly #server: Server;
  /** Where this term's first entry stands. */
  readonly #firstIndex: number;

  constructor(server: Server, firstIndex: number) {
    this.#server = server;
    this.#firstIndex = firstIndex;
  }

  /** Sends all that may be sent now: entries, or else, if due, the news that something is committed. */
  send(peer: Progress, newsDue: boolean): void {
    if (peer.state === "snapshot") return;
    const { log } = this.#server;
    if (log.termAt(peer.nextIndex - 1) === undefined) {
      this.#sendSnapshot(peer);
      return;
    }
    let idle = true;
    while (this.#mayFollow(peer) && peer.nextIndex <= log.lastIndex) {
      const entries = log.cached(
        peer.nextIndex,
        log.lastIndex,
        this.#server.options.appendBytesMax,
      );
      if (entries.length === 0) {
        this.#load(peer);
        if (peer.state === "probe") return;
        break;
      }
      this.#sendAppend(peer, entries);
      idle = false;
    }
    if (idle && this.#mustTell(peer, newsDue || peer.newsOwed)) this.#sendAppend(peer, []);
  }

  /** Entries from disk arrived; an empty answer means that they cannot be had now. */
  loaded(peer: Progress, entries: readonly Entry[]): void {
    if (!peer.loading) return;
    peer.loading = false;
    const last = entries[entries.length - 1];
    if (last === undefined) {
      peer.probe();
      peer.paused = true;
      return;
    }
    const { log } = this.#server;
    const fits = entries[0]?.index === peer.nextIndex &&
      last.index === peer.nextIndex + entries.length - 1 &&
      log.termAt(last.index) === last.term && log.termAt(peer.nextIndex - 1) !== undefined;
    if (fits && this.#mayFollow(peer)) this.#sendAppend(peer, entries);
  }

  /** A peer refused a request: moves back to where its log and this one may still agree (5.3). */
  refused(peer: Progress, response: AppendResponse): void {
    const { rejectedIndex, hintIndex, hintTerm } = response;
    peer.rejected(rejectedIndex, this.#server.log.lastPossibleMatch(hintIndex, hintTerm));
  }

  /** Whether entries may be sent now. */
  #mayFollow(peer: Progress): boolean {
    if (peer.state === "replicate") return !peer.window.full;
    return peer.state === "probe" && !peer.paused;
  }

  /** Whether a request without entries is called for. */
  #mustTell(peer: Progress, newsDue: boolean): boolean {
    if (peer.state === "probe") return !peer.paused;
    if (peer.doubtful) return true;
    return newsDue && this.#server.commitIndex > peer.commitTold && !peer.window.full;
  }

  #sendAppend(peer: Progress, entries: readonly Entry[]): void {
    const { outbox, log, id, term, commitIndex } = this.#server;
    const prevLogIndex = peer.nextIndex - 1;
    // A lone voter may begin its term before the disk has it. Were its entries to leave before and
    // the term forgotten in a crash, it could make other ones for the same places of the same term.
    const termDurable = log.durableIndex >= this.#firstIndex;
    const queue = termDurable ? outbox.messages : outbox.messagesAfterPersist;
    queue.push({
      type: "append_request",
      from: id,
      to: peer.id,
      term,
      prevLogIndex,
      prevLogTerm: log.termAt(prevLogIndex) ?? 0,
      commitIndex,
      entries,
    });
    peer.sent(entries.length, commitIndex);
  }

  #load(peer: Progress): void {
    if (peer.loading) return;
    const { outbox, options } = this.#server;
    peer.loading = true;
    outbox.loads.push({
      to: peer.id,
      from: peer.nextIndex,
      bytesMax: options.appendBytesMax,
    });
  }

  /** What the peer needs next is compacted away. A peer that is not there is not worth a stream. */
  #sendSnapshot(peer: Progress): void {
    if (peer.streaming || !peer.recentlyActive || peer.paused) return;
    const { outbox, log, id, term } = this.#server;
    peer.awaitSnapshot(log.compactionIndex);
    peer.streaming = true;
    outbox.snapshots.push(peer.id);
    outbox.messages.push({
      type: "snapshot_request",
      from: id,
      to: peer.id,
      term,
      index: log.compactionIndex,
      indexTerm: log.termAt(log.compactionIndex) ?? 0,
    });
  }
}
