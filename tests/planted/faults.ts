/** A small change of one file that makes the program wrong. */
export interface Fault {
  readonly name: string;
  /** What is broken by it, by the thesis's section where it has one. */
  readonly breaks: string;
  readonly file: string;
  /** Stands in the file once. */
  readonly from: string;
  readonly to: string;
  /** Whether it shows with the program's own store only. */
  readonly store?: "sqlite";
}

const elections = "src/raft/elections.ts";
const leader = "src/raft/leader.ts";
const leaderReads = "src/raft/leader_reads.ts";
const lease = "src/raft/lease.ts";
const follower = "src/raft/follower.ts";
const membership = "src/raft/membership.ts";
const writeConnection = "src/store/apply/write_connection.ts";
const statementRunner = "src/store/apply/statement_runner.ts";
const nodeParts = "src/node/node_parts.ts";
const receiver = "src/node/snapshot_receiver.ts";

// Four changes stand in no list, because they make nothing wrong. A follower that acknowledges, or
// commits by, its whole log and not what the request covers: a leader's first request that is taken
// begins where the logs part (the hint of a refusal is exact), so nothing of another history is left
// behind it. The two bounds of the thesis (3.5) stay: they cost nothing, and do not rest on the hint.
// And a database that a power cut has left further than its change log, and that does not go back
// (store/align_changes.ts): the change log is begun anew behind it and says so (ChangeFile.goOn), so
// that what was lost is missed by who asks for it, and is not passed over. And a snapshot that its
// receiver does not sync (store/copy/snapshot_copies.ts): SQLite has synced the whole file before, when
// it left WAL mode (2,000 seeds found nothing). The sync stays, as that is SQLite's own business.
export const faults: readonly Fault[] = [
  {
    name: "vote-before-sync",
    breaks: "a vote is given before it is on disk (3.8)",
    file: elections,
    from: "const queue = preVote ? server.outbox.messages : server.outbox.messagesAfterPersist;",
    to: "const queue = server.outbox.messages;",
  },
  {
    name: "candidate-before-sync",
    breaks: "votes are asked for before the own one is on disk (3.8)",
    file: elections,
    from: "const queue = election.preVote ? outbox.messages : outbox.messagesAfterPersist;",
    to: "const queue = outbox.messages;",
  },
  {
    name: "vote-for-a-short-log",
    breaks: "a log that lacks entries gets a vote (3.6.1)",
    file: elections,
    from: "const granted = free && server.log.isUpToDate(lastLogIndex, lastLogTerm);",
    to: "const granted = free || server.log.isUpToDate(lastLogIndex, lastLogTerm) && free;",
  },
  {
    name: "two-votes-in-a-term",
    breaks: "a server votes for whoever asks (3.4)",
    file: elections,
    from: 'server.votedFor === from || (server.votedFor === "" && server.leader === "");',
    to: "true;",
  },
  {
    name: "no-stickiness",
    breaks: "votes are given while a leader may hold its lease (4.2.3, 6.4.1)",
    file: elections,
    from: `    if (request.leadershipTransfer || again) return false;
    return this.#owesLease;`,
    to: `    if (request.leadershipTransfer || again) return false;
    return false;`,
  },
  {
    name: "promise-forgotten-at-restart",
    breaks: "a server that starts again does not keep to what it promised a leader (6.4.1)",
    file: elections,
    from: "this.#owesUntil = hardState.term > 0 ? owedTicks(hardState.promiseMs, tickMs) : 0;",
    to:
      "this.#owesUntil = 0 * owedTicks(hardState.promiseMs, tickMs);\n    this.#ticksSinceLeader = Infinity;",
  },
  {
    name: "promise-cut-short-by-other-flags",
    breaks: "a server that starts with shorter times forgets its longer promise (6.4.1)",
    file: "src/node/recovery.ts",
    from: "if (contents.hardState.promiseMs >= own) return contents;",
    to: "",
  },
  {
    name: "commit-of-an-old-term",
    breaks: "entries of earlier terms are committed by counting (3.6.2)",
    file: leader,
    from: "if (index > this.#server.commitIndex && log.termAt(index) === term) {",
    to: "if (index > this.#server.commitIndex && term > 0) {",
  },
  {
    name: "leader-counts-what-is-not-synced",
    breaks: "the leader counts its own copy before it is on disk (10.2.1)",
    file: leader,
    from: "if (isVoter) matches.push(log.durableIndex);",
    to: "if (isVoter) matches.push(log.lastIndex);",
  },
  {
    name: "majority-of-one-less",
    breaks: "half of the voters count as a majority",
    file: "src/raft/configuration.ts",
    from: "return values[values.length >> 1] ?? 0;",
    to: "return values[Math.max(0, (values.length >> 1) - 1)] ?? 0;",
  },
  {
    name: "acknowledged-before-sync",
    breaks: "a follower acknowledges entries before they are on disk (3.8)",
    file: follower,
    from: "server.outbox.messagesAfterPersist.push({",
    to: "server.outbox.messages.push({",
  },
  {
    name: "acknowledges-an-older-term",
    breaks: "an acknowledgement of an earlier term's entries is given to the next leader",
    file: follower,
    from: "  termChanged(): void {\n    this.#acknowledgement = undefined;",
    to: "  termChanged(): void {",
  },
  {
    name: "heartbeat-commits-too-much",
    breaks: "a heartbeat tells of commits beyond what the follower is known to have (3.5)",
    file: leaderReads,
    from: "commitIndex: Math.min(peer.matchIndex, commitIndex),",
    to: "commitIndex,",
  },
  {
    name: "keeps-contradicting-entries",
    breaks: "entries that contradict the leader's stay (3.5)",
    file: follower,
    from: "if (term !== undefined) server.truncate(index);",
    to: "if (term !== undefined) continue;",
  },
  {
    name: "cuts-what-agrees",
    breaks: "a late request cuts off entries that were acknowledged since (3.5)",
    file: follower,
    from: "if (term === entry.term) continue;",
    to: "if (term === entry.term && i < 0) continue;",
  },
  {
    name: "read-before-the-no-op",
    breaks: "a new leader answers reads before it knows what is committed (6.4, step 1)",
    file: leaderReads,
    from: "this.#rounds.begin(established ? commitIndex : undefined);",
    to: "this.#rounds.begin(established ? commitIndex : commitIndex);",
  },
  {
    name: "read-without-a-round",
    breaks: "a leader answers reads without asking whether it still leads (6.4, step 3)",
    file: leaderReads,
    from: "this.#rounds.confirm(majorityValue(rounds))",
    to: "this.#rounds.confirm(Math.max(majorityValue(rounds), this.#rounds.latest))",
  },
  {
    name: "read-joins-a-round-under-way",
    breaks: "a read is answered by a round that began before it (6.4)",
    file: leaderReads,
    from: "    this.#waiting.push(read);\n    this.#unanswered++;",
    to:
      "    ((this.#rounds.at(-1)?.reads ?? this.#waiting) as WaitingRead[]).push(read);\n    this.#unanswered++;",
  },
  {
    name: "read-before-it-is-applied",
    breaks: "a confirmed read does not wait until its index is applied (6.4, step 4)",
    file: "src/node/driver.ts",
    from: "reads.confirmed(ready.readStates, applier.applied);",
    to: "reads.confirmed(ready.readStates, Math.max(applier.applied, Number.MAX_SAFE_INTEGER));",
  },
  {
    name: "permit-of-what-is-not-applied",
    breaks: "other threads answer reads from a copy that lacks what is committed",
    file: nodeParts,
    from: "if (index === undefined || index > applier.applied)",
    to: "if (index === undefined)",
  },
  {
    name: "permit-taken-back-too-late",
    breaks: "other threads answer reads by the lease while messages tell of what they do not see",
    file: nodeParts,
    from: "leaving: permitReads,",
    to: "leaving: () => {},",
  },
  {
    name: "lease-not-renewed",
    breaks: "a lease holds for ever (6.4.1)",
    file: lease,
    from: "return now < this.#endsAt;",
    to: "return this.#endsAt > 0 || now < this.#endsAt;",
  },
  {
    name: "lease-too-long",
    breaks: "a lease lasts longer than the promises that it rests on (6.4.1)",
    file: lease,
    from: "const ticks = Math.min(most - 1, leaseTicks(promisedMs, tickMs));",
    to: "const ticks = 3 * Math.min(most - 1, leaseTicks(promisedMs, tickMs));",
  },
  {
    name: "lease-by-anybody",
    breaks: "one voter's promise makes a lease (6.4.1)",
    file: lease,
    from: "this.#endsAt = majorityValue(promises);",
    to: "this.#endsAt = Math.max(...promises.filter(Number.isFinite), majorityValue([]));",
  },
  {
    name: "lease-kept-in-a-transfer",
    breaks: "the lease outlives the handing over of the lead (6.4.1)",
    file: leader,
    from:
      "this.#transfer = { to, startedAt: now, asked: false };\n      this.#reads.leaseAllowed = false;",
    to: "this.#transfer = { to, startedAt: now, asked: false };",
  },
  {
    name: "two-membership-changes",
    breaks: "a membership change begins before the one before it is committed (4.1)",
    file: leader,
    from: "if (!this.#established || membership.index > commitIndex) {",
    to: "if (!this.#established || membership.index > commitIndex + 1e9) {",
  },
  {
    name: "membership-before-the-no-op",
    breaks:
      "a new leader changes the membership before an entry of its term is committed (4.1, corrected)",
    file: leader,
    from: "if (!this.#established || membership.index > commitIndex) {",
    to: "if (membership.index > commitIndex) {",
  },
  {
    name: "lost-truncation-of-a-configuration",
    breaks: "a configuration stays in effect whose entry was cut off (4.1)",
    file: membership,
    from: "while (this.#versions.length > 1 && this.#latest.index >= index) this.#versions.pop();",
    to: "if (index < 0) this.#versions.pop();",
  },
  {
    name: "old-configuration-with-a-snapshot",
    breaks: "a compaction point has the configuration before the one in effect there (4.1, 5.1)",
    file: membership,
    from: "for (const version of this.#versions) if (version.index <= index) result = version;",
    to: "for (const version of this.#versions) if (version.index < index - 40) result = version;",
  },
  {
    name: "snapshot-keeps-another-log",
    breaks: "entries of another history stay behind an installed snapshot (5.1)",
    file: receiver,
    from:
      "const held = this.#raft.termAt(point.index) === point.term &&\n        this.#log.lastIndex >= point.index;",
    to: "const held = this.#log.lastIndex >= point.index;",
  },
  {
    name: "snapshot-without-a-marker",
    breaks: "a crash between the swap of the state and the log's new beginning is not noted",
    file: receiver,
    from: "      await this.#marker.write(point);",
    to: "      await Promise.resolve(point);",
  },
  {
    name: "snapshot-drops-what-follows",
    breaks:
      "an installed snapshot drops entries behind it that were acknowledged (figure 5.3, step 7)",
    file: receiver,
    from:
      "const held = this.#raft.termAt(point.index) === point.term &&\n        this.#log.lastIndex >= point.index;",
    to:
      "const held = this.#raft.termAt(point.index) === point.term &&\n        this.#log.lastIndex < point.index;",
  },
  {
    name: "applied-before-sync",
    breaks: "a node applies entries that its own disk may lose",
    file: "src/raft/ready_report.ts",
    from: "Math.min(server.commitIndex, server.log.durableIndex);",
    to: "Math.max(server.commitIndex, Math.min(server.commitIndex, server.log.durableIndex));",
  },
  {
    name: "answer-passes-a-sync",
    breaks: "an acknowledgement with nothing to write passes the write under way before it",
    file: "src/node/driver.ts",
    from: "if (nothing && !log.busy) this.#persisted(ready);",
    to: "if (nothing || log.busy && nothing) this.#persisted(ready);",
  },
  {
    name: "log-without-sync",
    breaks: "a batch of the log is not synced",
    file: "src/raft_log/segment.ts",
    from: "    await certain(segment.path, this.#file.sync());",
    to: "    await certain(segment.path, Promise.resolve());",
  },
  {
    name: "batch-checksum-ignored",
    breaks: "a torn batch is taken for a whole one",
    file: "src/raft_log/batch.ts",
    from: "return checksum(bytes.subarray(offset + 8, end)) === stored ? end : undefined;",
    to:
      "return checksum(bytes.subarray(offset + 8, end)) === stored || end > offset ? end : undefined;",
  },
  {
    name: "dropped-dedupe",
    breaks: "a request that was sent again is applied twice (6.3)",
    file: "src/store/apply/sessions.ts",
    from: 'if (sequence < from || known?.applied.has(sequence)) return "duplicate";',
    to: 'if (sequence < from && known?.applied.has(sequence)) return "duplicate";',
    store: "sqlite",
  },
  {
    name: "dedupe-forgotten-at-restart",
    breaks: "which requests were applied is not stored with their rows (6.3)",
    file: writeConnection,
    from: "if (this.sessions.changed) this.#stateWriter.writeSessions(this.sessions);",
    to: "",
    store: "sqlite",
  },
  {
    name: "apply-twice-after-a-crash",
    breaks: "the applied index lags behind the rows, so that entries are applied again",
    file: writeConnection,
    from: "this.#stateWriter.write(state);",
    to: "this.#stateWriter.write(index % 7 === 0 ? this.committed : state);",
    store: "sqlite",
  },
  {
    name: "random-not-from-the-stamp",
    breaks: "random() differs from node to node",
    file: statementRunner,
    from: "connection.determinism.set(run.clock, run.seed, run.counter++);",
    to:
      "connection.determinism.set(run.clock, run.seed + BigInt(Deno.pid), run.counter++ + Math.floor(Math.random() * 9));",
    store: "sqlite",
  },
  {
    name: "clock-not-from-the-stamp",
    breaks: "'now' differs from node to node",
    file: statementRunner,
    from: "connection.determinism.set(run.clock, run.seed, run.counter++);",
    to:
      "connection.determinism.set(run.clock + Math.floor(Math.random() * 1e6), run.seed, run.counter++);",
    store: "sqlite",
  },
  {
    name: "checkpoint-of-a-wal-that-is-not-synced",
    breaks: "pages go into the database's file out of a WAL that is not on disk",
    file: writeConnection,
    from: 'database.exec("PRAGMA synchronous = NORMAL");',
    to: 'database.exec("PRAGMA synchronous = OFF");',
    store: "sqlite",
  },
  {
    name: "changes-not-durable-before-the-rows",
    breaks: "the database's file has rows for good whose changes are not on disk",
    file: "src/changes/durable_changes.ts",
    from: 'database.checkpoint("passive");\n  }',
    to: '}\n  if (path !== "") return;',
    store: "sqlite",
  },
  {
    name: "checkpoint-of-rows-behind-the-changes",
    breaks: "a checkpoint takes rows along that came while their changes were being synced",
    file: "src/store/copy/copy_thread.ts",
    from: "using _pin = changesPath === undefined ? undefined : this.#openForReading(path);",
    to: "",
    store: "sqlite",
  },
  {
    name: "sums-of-any-wal",
    breaks: "sums of pages are believed beside a WAL that is not the one they were written with",
    file: "src/sqlite/page_sums_source.ts",
    from:
      "if (sums_wal(s) != (head.sealed_at >= 0 ? SUMS_NO_WAL : SUMS_OWN_WAL)) return SUMS_UNKNOWN;",
    to: "",
    store: "sqlite",
  },
  {
    name: "pages-before-their-sums",
    breaks: "the database's file is synced, and the sums of its pages are not",
    file: "src/sqlite/page_sums_layer_source.ts",
    from: "if (rc == SQLITE_OK && written) rc = side->pMethods->xSync(side, flags);",
    to: "",
    store: "sqlite",
  },
];
