import assert from "node:assert/strict";
import { InvariantError } from "../../src/base/assert.ts";
import { encodeConfiguration } from "../../src/raft/configuration.ts";
import { CatchUp } from "../../src/raft/progress.ts";
import { type Entry, EntryType, type Message, type Ready } from "../../src/raft/types.ts";
import { Fuzz } from "./fuzz.ts";
import { member, TestCluster } from "./test_cluster.ts";
import { defaultSettings } from "./test_node.ts";

function entry(index: number, term: number): Entry {
  return { index, term, type: EntryType.command, data: new Uint8Array(1), checksum: 0 };
}

function append(
  from: string,
  to: string,
  term: number,
  prev: readonly [number, number],
  entries: readonly Entry[],
  commitIndex = 0,
): Message {
  const [prevLogIndex, prevLogTerm] = prev;
  return {
    type: "append_request",
    from,
    to,
    term,
    prevLogIndex,
    prevLogTerm,
    commitIndex,
    entries,
  };
}

function voteRequest(from: string, to: string, term: number, last: readonly [number, number]) {
  const [lastLogIndex, lastLogTerm] = last;
  const flags = { preVote: false, leadershipTransfer: false };
  return { type: "vote_request", from, to, term, lastLogIndex, lastLogTerm, ...flags } as const;
}

function readyOf(cluster: TestCluster, id: string): Ready {
  const ready = cluster.node(id).raft.ready();
  assert(ready !== undefined, `${id} has nothing to do`);
  return ready;
}

function test(name: string, fn: () => void): void {
  Deno.test({ name, permissions: "none", fn });
}

test("Raft gives one vote a term, also after a restart (3.4, 3.8)", () => {
  const cluster = TestCluster.of(3);
  const b = cluster.node("b");
  b.raft.step(voteRequest("a", "b", 5, [0, 0]));
  b.takeReady();
  assert.deepEqual(cluster.messages, [], "the vote is not on disk");
  b.finishWrite();
  assert.equal(cluster.messages.length, 1);
  cluster.crash("b");
  cluster.restart("b");
  for (let i = 0; i < 10; i++) b.raft.tick();
  cluster.messages = [];
  b.takeReady();
  b.raft.step(voteRequest("c", "b", 5, [9, 4]));
  b.raft.step(voteRequest("a", "b", 5, [0, 0]));
  b.takeReady();
  b.finishWrite();
  const granted = cluster.messages.map((message) =>
    message.type === "vote_response" && [message.to, message.granted]
  );
  assert.deepEqual(granted, [["c", false], ["a", true]]);
});

test("Raft refuses its vote to a log behind its own (3.6.1)", () => {
  const cluster = TestCluster.of(3);
  const { raft } = cluster.node("b");
  raft.step(append("a", "b", 2, [0, 0], [entry(1, 1), entry(2, 2)]));
  for (let i = 0; i < 10; i++) raft.tick();
  raft.ready();
  for (const [term, last, granted] of [[3, [9, 1], false], [4, [1, 2], false], [5, [2, 2], true]]) {
    assert(typeof term === "number" && Array.isArray(last));
    raft.step(voteRequest("c", "b", term, [last[0] ?? 0, last[1] ?? 0]));
    const [answer] = readyOf(cluster, "b").messagesAfterPersist;
    assert(answer?.type === "vote_response");
    assert.equal(answer.granted, granted, `${last}`);
  }
});

test("Raft counts the elections that it stood for and won, and the leaders that came", () => {
  const cluster = TestCluster.of(3);
  const counts = (id: string) => {
    const { begun, won, leaders } = cluster.node(id).raft.elections;
    return [begun, won, leaders];
  };
  cluster.elect("a");
  assert.deepEqual([counts("a"), counts("b")], [[1, 1, 1], [0, 0, 1]]);
  cluster.node("a").raft.transferLeadership("b");
  cluster.settle();
  assert.deepEqual([counts("a"), counts("b"), counts("c")], [[1, 1, 2], [1, 1, 2], [0, 0, 2]]);
});

test("Raft gives nobody a vote soon after it heard from a leader, or after a restart (4.2.3)", () => {
  const cluster = TestCluster.of(3);
  cluster.elect("a");
  const b = cluster.node("b");
  const refused = (why: string) => {
    for (let i = 0; i < 9; i++) {
      b.raft.step(voteRequest("c", "b", 7, [9, 4]));
      assert.equal(b.raft.status.term, 1, why);
      b.raft.tick();
    }
  };
  refused("a leads");
  cluster.crash("b");
  cluster.restart("b");
  refused("a may hold a lease that b answered before it stopped");
  b.raft.campaign();
  assert.equal(b.raft.status.role, "follower");
  b.raft.tick();
  b.raft.step(voteRequest("c", "b", 7, [9, 4]));
  assert.equal(b.raft.status.term, 7);
});

test("Raft never campaigns without a configuration, yet votes", () => {
  const cluster = new TestCluster(1n);
  const node = cluster.add("x", { members: [] });
  node.raft.campaign();
  for (let i = 0; i < 100; i++) node.raft.tick();
  assert.equal(node.raft.ready(), undefined);
  node.raft.step(voteRequest("a", "x", 1, [3, 1]));
  const [answer] = readyOf(cluster, "x").messagesAfterPersist;
  assert(answer?.type === "vote_response" && answer.granted);
});

test("Raft passes over a leader that contradicts what is committed (3.6.3)", () => {
  const { raft } = TestCluster.of(3).node("b");
  raft.step(append("a", "b", 1, [0, 0], [entry(1, 1), entry(2, 1), entry(3, 1)], 2));
  raft.ready();
  const snapshot = { type: "snapshot_request", from: "c", to: "b", term: 2 } as const;
  for (
    const message of [
      append("c", "b", 2, [1, 1], [entry(2, 2)]),
      append("c", "b", 2, [2, 2], [entry(3, 2)]),
      { ...snapshot, index: 2, indexTerm: 2 },
    ]
  ) assert.match(raft.step(message) ?? "", /2; .* committed here is of term 1$/);
  assert.equal(raft.ready(), undefined, "it has done nothing");
  assert.equal(raft.status.term, 1);
  assert.throws(() => raft.step(append("a", "b", 1, [3, 1], [entry(5, 1)])), InvariantError);
  assert.equal(raft.step(append("c", "b", 2, [2, 1], [entry(3, 2)])), undefined);
  assert.equal(raft.termAt(3), 2, "what is not committed gives way");
});

test("Raft passes over another server that claims the term that it leads (3.4)", () => {
  const { raft } = TestCluster.of(3).elect("a");
  const envelope = { from: "b", to: "a", term: 1 } as const;
  for (
    const message of [
      append("b", "a", 1, [0, 0], []),
      { ...envelope, type: "heartbeat_request", commitIndex: 1, round: 1 } as const,
      { ...envelope, type: "snapshot_request", index: 1, indexTerm: 1 } as const,
    ]
  ) assert.match(raft.step(message) ?? "", /It leads term 1, which this node leads/);
  assert.equal(raft.status.role, "leader");
});

test("Raft passes over answers to what it has not sent, so that they confirm nothing", () => {
  const cluster = TestCluster.of(3);
  const a = cluster.elect("a");
  const answer = { from: "b", to: "a", term: 1 } as const;
  const hint = { rejectedIndex: 0, hintIndex: 0, hintTerm: 0 } as const;
  const acknowledged = { ...answer, ...hint, type: "append_response", success: true } as const;
  assert.match(a.raft.step({ ...acknowledged, matchIndex: 99 }) ?? "", /the log ends at 1/);
  const heartbeat = { ...answer, type: "heartbeat_response", promiseMs: 9 } as const;
  assert.match(a.raft.step({ ...heartbeat, round: 99 }) ?? "", /the last one was/);
  cluster.messages = [];
  cluster.read(a, 1);
  cluster.process(a);
  assert.deepEqual(cluster.reads, [], "no round is confirmed yet");
});

test("Raft passes over numbers that no cluster reaches, and configurations that are none", () => {
  const { raft } = TestCluster.of(3).node("b");
  const far = 2 ** 50;
  const configuration = (data: Uint8Array): Entry => ({
    ...entry(1, 1),
    type: EntryType.configuration,
    data,
  });
  const learner = { ...member("x"), suffrage: "learner" } as const;
  for (
    const [message, why] of [
      [append("a", "b", far, [0, 0], []), /Term \d+ is out of range/],
      [voteRequest("a", "b", far, [0, 0]), /Term \d+ is out of range/],
      [append("a", "b", 1, [far, 1], []), /Index \d+ is out of range/],
      [append("a", "b", 1, [0, 0], [configuration(new Uint8Array(3))]), /Entry 1 is no config/],
      [
        append("a", "b", 1, [0, 0], [configuration(encodeConfiguration({ members: [learner] }))]),
        /has no voter/,
      ],
      [
        append("a", "b", 1, [0, 0], [
          configuration(encodeConfiguration({ members: [member("x"), member("x")] })),
        ]),
        /names a member twice/,
      ],
    ] as const
  ) assert.match(raft.step(message) ?? "", why);
  assert.equal(raft.ready(), undefined, "it has done nothing");
});

test("Raft acknowledges nothing of an old term's leader once it has entered a new one", () => {
  const cluster = TestCluster.of(3);
  const { raft } = cluster.node("b");
  raft.step(append("a", "b", 1, [0, 0], [entry(1, 1), entry(2, 1)]));
  raft.step(append("c", "b", 2, [0, 0], [entry(1, 2)]));
  const ready = readyOf(cluster, "b");
  assert.deepEqual(ready.entries.map(({ index, term }) => [index, term]), [[1, 2]]);
  const acknowledged = ready.messagesAfterPersist.map((message) =>
    message.type === "append_response" && [message.to, message.term, message.matchIndex]
  );
  assert.deepEqual(acknowledged, [["c", 2, 1]]);
});

test("Raft lets nothing be applied that is committed but not durable here", () => {
  const cluster = TestCluster.of(3);
  const { raft } = cluster.node("b");
  raft.step(append("a", "b", 1, [0, 0], [entry(1, 1), entry(2, 1)], 2));
  assert.equal(raft.commitIndex, 2);
  assert.equal(readyOf(cluster, "b").applyThrough, 0);
  raft.persisted(1, 1);
  assert.equal(raft.ready(), undefined, "no write ended there");
  raft.persisted(2, 1);
  assert.equal(readyOf(cluster, "b").applyThrough, 2);
});

test("Raft answers appends that come twice, late, or partly known, and keeps what follows", () => {
  const cluster = TestCluster.of(3);
  const { raft } = cluster.node("b");
  const entries = [entry(1, 1), entry(2, 1), entry(3, 1)];
  raft.step(append("a", "b", 1, [0, 0], entries, 1));
  raft.step(append("a", "b", 1, [0, 0], entries.slice(0, 1), 1));
  raft.step(append("a", "b", 1, [1, 1], entries.slice(1, 2), 1));
  assert.equal(raft.lastIndex, 3);
  const answers = readyOf(cluster, "b").messagesAfterPersist;
  assert.equal(answers.length, 1);
  assert(answers[0]?.type === "append_response" && answers[0].matchIndex === 3);
});

test("Raft commits no entry of its own behind those that the leader sent (3.5)", () => {
  const { raft } = TestCluster.of(3).node("b");
  raft.step(append("a", "b", 1, [0, 0], [entry(1, 1), entry(2, 1), entry(3, 1)]));
  raft.step(append("c", "b", 2, [1, 1], [], 3));
  assert.equal(raft.commitIndex, 1);
});

test("Raft takes a commit index from a heartbeat only as far as its log goes", () => {
  const { raft } = TestCluster.of(3).node("b");
  const heartbeat = { type: "heartbeat_request", from: "a", to: "b", term: 1 } as const;
  raft.step(append("a", "b", 1, [0, 0], [entry(1, 1)]));
  raft.step({ ...heartbeat, commitIndex: 5, round: 1 });
  assert.equal(raft.commitIndex, 0);
  raft.step({ ...heartbeat, commitIndex: 1, round: 2 });
  assert.equal(raft.commitIndex, 1);
});

test("Raft starts with what is applied committed, and with its latest configuration", () => {
  const cluster = TestCluster.of(1);
  const a = cluster.elect("a");
  cluster.propose(a, 10);
  cluster.settle();
  assert(a.raft.proposeMembership({ type: "put", member: member("d", "learner") }).ok);
  cluster.settle();
  a.compact(5);
  cluster.crash("a");
  cluster.restart("a", 2);
  assert.equal(a.raft.commitIndex, 12);
  assert.equal(a.raft.lastIndex, 12);
  assert.deepEqual(a.raft.configuration.members.map(({ id }) => id), ["a", "d"]);
  assert.deepEqual(a.raft.configurationAt(11).members.map(({ id }) => id), ["a"]);
  assert.deepEqual([4, 5, 12, 13].map((index) => a.raft.termAt(index)), [
    undefined,
    1,
    1,
    undefined,
  ]);
  assert.deepEqual(a.raft.cached(10, 12, Infinity), []);
  assert.deepEqual(a.raft.cached(11, 12, Infinity), [], "applied, and nobody follows");
});

test("Raft keeps entries in memory for a follower until it is out of reach", () => {
  const cluster = new TestCluster(1n);
  const configuration = { members: [member("a"), member("l", "learner")] };
  const a = cluster.add("a", configuration);
  cluster.add("l", configuration);
  a.raft.campaign();
  cluster.settle();
  assert.deepEqual(a.raft.cached(1, 1, Infinity), [], "the learner has it");
  cluster.isolate("l");
  cluster.propose(a, 3);
  cluster.settle();
  assert.equal(a.raft.commitIndex, 4);
  assert.equal(a.raft.cached(2, 4, Infinity).length, 3);
  a.raft.unreachable("l");
  cluster.settle();
  assert.deepEqual(a.raft.cached(4, 4, Infinity), []);
});

test("Raft keeps the entries of a lone voter's term to itself until the term is on disk", () => {
  const cluster = new TestCluster(1n);
  const configuration = { members: [member("a"), member("l", "learner")] };
  const a = cluster.add("a", configuration);
  cluster.add("l", configuration);
  a.raft.campaign();
  const ready = readyOf(cluster, "a");
  assert.equal(ready.hardState?.term, 1);
  assert.deepEqual(ready.messages.filter(({ type }) => type === "append_request"), []);
  assert.equal(ready.messagesAfterPersist[0]?.type, "append_request");
});

test("Raft asks for one load a peer at a time, and waits after one that gave nothing", () => {
  const cluster = TestCluster.of(2, { cacheBytesMax: 0, appendBytesMax: 50 });
  const a = cluster.elect("a");
  cluster.isolate("b");
  cluster.propose(a, 20, 10);
  cluster.settle();
  a.raft.unreachable("b");
  cluster.heal();
  // One voter of two commits nothing: the entries stay in memory until b has them.
  cluster.tick(2);
  assert.equal(a.raft.commitIndex, 21);
  cluster.crash("b");
  cluster.node("b").disk.entries.length = 1;
  cluster.node("b").disk.applied = 0;
  cluster.restart("b");
  cluster.messages = [];
  const response = { type: "heartbeat_response", from: "b", to: "a", term: 1 } as const;
  assert(a.raft.proposeMembership({ type: "put", member: member("b") }).ok);
  const hint = { success: false, matchIndex: 0, hintIndex: 1, hintTerm: 1 } as const;
  a.takeReady();
  const rejected = a.raft.progress()[0]?.nextIndex;
  assert(rejected !== undefined);
  a.raft.step({ ...response, type: "append_response", ...hint, rejectedIndex: rejected - 1 });
  assert.deepEqual(readyOf(cluster, "a").loads, [{ to: "b", from: 2, bytesMax: 50 }]);
  a.raft.step({ ...response, round: 1, promiseMs: 9 });
  assert.equal(a.raft.ready(), undefined, "a load is under way");
  a.raft.loaded("b", []);
  assert.equal(a.raft.ready(), undefined, "it gave nothing");
  a.raft.step({ ...response, round: 1, promiseMs: 9 });
  assert.equal(readyOf(cluster, "a").loads.length, 1);
  a.raft.loaded("b", [entry(2, 9)]);
  assert.equal(readyOf(cluster, "a").loads.length, 1, "what is not of this log is not sent");
});

test("Raft keeps acknowledged entries behind an installed snapshot (figure 5.3)", () => {
  const start = () => {
    const { raft } = TestCluster.of(3).node("b");
    raft.step(append("a", "b", 1, [0, 0], [1, 2, 3, 4].map((index) => entry(index, 1)), 1));
    raft.ready();
    raft.persisted(4, 1);
    return raft;
  };
  const configuration = { members: [member("a"), member("b")] };
  const held = start();
  held.snapshotInstalled({ index: 3, term: 1, configuration });
  assert.deepEqual([held.lastIndex, held.commitIndex], [4, 3]);
  const [answer] = held.ready()?.messagesAfterPersist ?? [];
  assert(answer?.type === "append_response" && answer.matchIndex === 3 && answer.to === "a");

  const other = start();
  other.snapshotInstalled({ index: 3, term: 2, configuration });
  assert.deepEqual([other.lastIndex, other.commitIndex, other.termAt(3)], [3, 3, 2]);
  assert.deepEqual(other.configuration, configuration);
  assert.throws(
    () => other.snapshotInstalled({ index: 3, term: 1, configuration }),
    InvariantError,
  );
});

test("Raft writes no entry that an installed snapshot covers, and takes none of them for missing", () => {
  const { raft } = TestCluster.of(3).node("b");
  raft.step(append("a", "b", 1, [0, 0], [1, 2, 3, 4].map((index) => entry(index, 1)), 1));
  const configuration = { members: [member("a"), member("b")] };
  raft.snapshotInstalled({ index: 3, term: 1, configuration });
  const ready = raft.ready();
  assert.deepEqual(ready?.entries.map(({ index }) => index), [4]);
  assert.equal(ready.applyThrough, 3);
  raft.persisted(4, 1);
  raft.step(append("a", "b", 1, [4, 1], [], 4));
  assert.equal(raft.ready()?.applyThrough, 4);
});

test("Raft answers a snapshot request at once when its log holds what the snapshot covers", () => {
  const cluster = TestCluster.of(3);
  const { raft } = cluster.node("b");
  raft.step(append("a", "b", 1, [0, 0], [entry(1, 1), entry(2, 1)]));
  raft.ready();
  const request = { type: "snapshot_request", from: "a", to: "b", term: 1 } as const;
  raft.step({ ...request, index: 9, indexTerm: 1 });
  assert.equal(raft.ready(), undefined);
  raft.step({ ...request, index: 2, indexTerm: 1 });
  const [answer] = readyOf(cluster, "b").messagesAfterPersist;
  assert(answer?.type === "append_response" && answer.matchIndex === 2);
});

test("Raft asks again for a read whose question was lost, however rare heartbeats are", () => {
  const cluster = TestCluster.of(3, { ...defaultSettings, electionTicks: 20, heartbeatTicks: 4 });
  cluster.elect("a");
  const b = cluster.node("b");
  const questions = () =>
    cluster.messages.filter(({ type, from }) => type === "read_index_request" && from === "b");
  cluster.read(b, 7);
  cluster.process(b);
  assert.equal(questions().length, 1);
  cluster.messages = [];
  for (let i = 0; i < 3; i++) b.raft.tick();
  cluster.process(b);
  assert.equal(questions().length, 0, "too early");
  b.raft.tick();
  cluster.process(b);
  const [again, ...more] = questions();
  assert(again !== undefined && more.length === 0);
  cluster.deliver({ ...again });
  cluster.settle();
  assert.deepEqual(cluster.reads.map(({ node, context }) => [node, context]), [["b", 7]]);
});

test("Raft tells reads that wait at a leader that is no longer one to ask anew", () => {
  const cluster = TestCluster.of(3);
  const a = cluster.elect("a");
  cluster.read(cluster.node("b"), 7);
  cluster.process(cluster.node("b"));
  for (const message of cluster.messages.splice(0)) cluster.deliver(message);
  cluster.read(a, 8);
  cluster.process(a);
  cluster.messages = [];
  a.raft.step(append("c", "a", 9, [0, 0], []));
  const ready = readyOf(cluster, "a");
  assert.deepEqual(ready.readsDropped.map((context) => a.readAnswered(context)), [8]);
  const answers = ready.messages.filter(({ type }) => type === "read_index_response");
  assert(answers[0]?.type === "read_index_response" && answers[0].index === 0);
  assert.equal(answers[0].to, "b");
});

test("Raft asks for a read index again, and gives up after two election timeouts", () => {
  const cluster = TestCluster.of(3);
  cluster.elect("a");
  const b = cluster.node("b");
  cluster.read(b, 7);
  let asked = 0;
  for (let i = 0; i < 20; i++) {
    cluster.process(b);
    asked += cluster.messages.splice(0).filter(({ type }) => type === "read_index_request").length;
    b.raft.step({
      type: "heartbeat_request",
      from: "a",
      to: "b",
      term: 1,
      commitIndex: 0,
      round: i,
    });
    b.raft.tick();
  }
  cluster.process(b);
  assert.equal(asked, 5);
  assert.deepEqual(cluster.reads, [{ node: "b", context: 7, index: 0 }]);
});

test("Raft takes no answer for a read that was meant for its run before a crash", () => {
  const cluster = TestCluster.of(3);
  cluster.elect("a");
  const b = cluster.node("b");
  cluster.read(b, 1);
  cluster.process(b);
  const [request] = cluster.messages.splice(0);
  assert(request?.type === "read_index_request");
  cluster.crash("b");
  cluster.restart("b");
  b.raft.step({ type: "heartbeat_request", from: "a", to: "b", term: 1, commitIndex: 0, round: 1 });
  cluster.read(b, 1);
  const { context } = request;
  b.raft.step({ type: "read_index_response", from: "a", to: "b", term: 1, context, index: 1 });
  cluster.process(b);
  assert.deepEqual(cluster.reads, []);
});

test("Raft drops reads beyond the bound instead of holding them all", () => {
  const cluster = TestCluster.of(3);
  const a = cluster.elect("a");
  for (let context = 1; context <= 4100; context++) cluster.read(a, context);
  cluster.process(a);
  assert.equal(cluster.reads.length, 4);
  cluster.settle();
  assert.equal(cluster.reads.length, 4100);
});

test("Raft trusts no lease while leadership is handed over, nor after a successor was asked", () => {
  const cluster = TestCluster.of(3);
  const a = cluster.elect("a");
  cluster.tick(4);
  const answeredAtOnce = (context: number) => {
    cluster.read(a, context, "lease");
    cluster.process(a);
    return cluster.reads.some((read) => read.context === context);
  };
  assert(answeredAtOnce(1));
  cluster.isolate("b");
  cluster.propose(a);
  cluster.settle();
  assert(a.raft.transferLeadership("b").ok);
  assert(!answeredAtOnce(2));
  cluster.tick(12);
  assert(answeredAtOnce(3), "b was never asked");
  cluster.heal();
  cluster.tick(2);
  assert(a.raft.transferLeadership("b").ok);
  cluster.process(a);
  cluster.messages = [];
  cluster.cut.add("a>b");
  cluster.tick(12);
  assert(!answeredAtOnce(4), "b was asked, and may still campaign");
});

test("Raft changes no membership before an entry of its own term is committed (Ongaro, 2015)", () => {
  const cluster = TestCluster.of(3);
  cluster.elect("a");
  cluster.tick(2);
  cluster.crash("a");
  for (const id of ["b", "c"]) for (let i = 0; i < 10; i++) cluster.node(id).raft.tick();
  const b = cluster.node("b");
  cluster.messages = [];
  b.takeReady();
  b.raft.campaign();
  while (b.raft.status.role !== "leader") {
    for (const id of ["b", "c"]) {
      cluster.node(id).takeReady();
      while (cluster.node(id).finishWrite());
    }
    for (const message of cluster.messages.splice(0)) cluster.deliver(message);
  }
  const change = { type: "put", member: member("d", "learner") } as const;
  assert.deepEqual(b.raft.proposeMembership(change), { ok: false, reason: "membership_busy" });
  cluster.settle();
  assert(b.raft.proposeMembership(change).ok);
  assert.deepEqual(b.raft.proposeMembership(change), { ok: false, reason: "membership_busy" });
});

test("Raft starts anew with a member that is put again: its disk may be another one", () => {
  const cluster = TestCluster.of(3);
  const a = cluster.elect("a");
  cluster.propose(a, 10);
  cluster.settle();
  cluster.isolate("c");
  cluster.nodes.delete("c");
  cluster.checker.restarted(cluster.add("c", { members: [] }));
  cluster.heal();
  assert(a.raft.proposeMembership({ type: "put", member: member("c", "staging") }).ok);
  cluster.tick(4);
  assert.equal(cluster.node("c").applied, a.applied);
  assert.equal(a.raft.configuration.members[2]?.suffrage, "voter");
});

test("CatchUp takes a member for caught up after a round shorter than an election timeout", () => {
  const catchUp = new CatchUp(100, 0);
  assert(!catchUp.advanced(99, { lastIndex: 150, now: 5, electionTicks: 10 }));
  assert(
    !catchUp.advanced(100, { lastIndex: 200, now: 10, electionTicks: 10 }),
    "the round took too long",
  );
  assert(!catchUp.advanced(199, { lastIndex: 300, now: 15, electionTicks: 10 }));
  assert(catchUp.advanced(200, { lastIndex: 300, now: 19, electionTicks: 10 }));
});

test("Raft does the same again when its seed is the same", () => {
  assert.deepEqual(new Fuzz(42n).run(2000), new Fuzz(42n).run(2000));
});

test("Raft tells by itself what is committed only once a tick", () => {
  const cluster = TestCluster.of(3);
  const a = cluster.elect("a");
  cluster.settle();
  const { raft } = a;
  raft.propose(EntryType.command, new Uint8Array(1));
  a.takeReady();
  a.finishWrite();
  const { lastIndex, status: { term } } = raft;
  cluster.messages = [];
  raft.step({
    type: "append_response",
    from: "b",
    to: "a",
    term,
    success: true,
    matchIndex: lastIndex,
    rejectedIndex: 0,
    hintIndex: 0,
    hintTerm: 0,
  });
  assert.equal(raft.commitIndex, lastIndex);
  assert.deepEqual(raft.ready()?.messages, [], "the next entries will carry it");
  raft.tick();
  const news = raft.ready()?.messages ?? [];
  const told = news.map((m) => m.type === "append_request" && [m.to, m.commitIndex]);
  assert.deepEqual(told, [["b", lastIndex], ["c", lastIndex]]);
});

test("Raft tells a follower what is committed at once when a read of it waits", () => {
  const cluster = TestCluster.of(3);
  const a = cluster.elect("a");
  cluster.propose(a);
  cluster.settle();
  const b = cluster.node("b");
  assert.equal(b.raft.commitIndex, a.raft.commitIndex - 1);
  cluster.read(b, 1, "lease");
  cluster.settle();
  assert.equal(b.raft.commitIndex, a.raft.commitIndex);
});

test("A leader at rest knows at every moment which voters are there to take over from it (3.10)", () => {
  const cluster = TestCluster.of(3);
  const leader = cluster.elect("a");
  cluster.tick(40);
  for (let tick = 0; tick < 100; tick++) {
    cluster.tick();
    const active = leader.raft.progress().filter(({ recentlyActive }) => recentlyActive);
    assert.equal(active.length, 2, `tick ${tick}`);
  }
  cluster.crash("b");
  cluster.tick(2 * 10 + 5);
  const left = leader.raft.progress().filter(({ recentlyActive }) => recentlyActive);
  assert.deepEqual(left.map(({ id }) => id), ["c"]);
});
