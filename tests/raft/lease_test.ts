import assert from "node:assert/strict";
import { Lease, leaseTicks, owedTicks, promiseMs } from "../../src/raft/lease.ts";
import { Progress } from "../../src/raft/progress.ts";
import { TestCluster } from "./test_cluster.ts";
import { defaultSettings, type TestNode } from "./test_node.ts";

function test(name: string, fn: () => void): void {
  Deno.test({ name, permissions: "none", fn });
}

const peers = (count: number) =>
  Array.from({ length: count }, (_, i) => new Progress(`p${i}`, 1, 1));

test("A lease lasts four fifths of a promise, and a promise a tick less than a follower waits", () => {
  const timing = { electionTicks: 10, tickMs: 50 };
  assert.equal(promiseMs(timing), 450);
  assert.equal(leaseTicks(450, 50), 7);
  assert.equal(leaseTicks(450, 100), 3);
  assert.equal(leaseTicks(0, 50), 0);
  assert.equal(owedTicks(450, 50), 10, "as long as it waits after it has heard from a leader");
  assert.equal(owedTicks(4950, 5), 991);
});

test("Lease ends with the promises that a majority of the voters is left with", () => {
  const lease = new Lease({ leaseTicks: 40, tickMs: 50 });
  const [b, c, d, e] = peers(4);
  assert(b && c && d && e);
  const voters = [b, c, d, e];
  const endsAt = () => {
    let at = 0;
    while (at < 100 && lease.holds(at)) at++;
    return at;
  };
  lease.sent(1, 10);
  lease.promised(b, 1, 450);
  lease.update(voters, true);
  assert(!lease.holds(10), "of five, two are no majority");
  lease.promised(c, 1, 5000);
  lease.update(voters, true);
  assert.equal(endsAt(), 17);
  lease.promised(d, 1, 1000);
  lease.update(voters, true);
  assert.equal(endsAt(), 26, "any three include c or d");
  lease.promised(e, 1, 5000);
  lease.update(voters, true);
  assert.equal(endsAt(), 49, "by its own flags it lasts no longer");
  lease.update(voters, false);
  assert.equal(endsAt(), 26, "a leader that has no vote promises nothing");
  lease.update([], true);
  assert.equal(endsAt(), 100, "no other can take the place of a lone voter");
  lease.update([b, ...peers(1)], false);
  assert(!lease.holds(0), "a voter that was put anew has promised nothing");
});

test("Lease counts from when the round that was answered left, and keeps to what was promised", () => {
  const lease = new Lease({ leaseTicks: 8, tickMs: 50 });
  const [b] = peers(1);
  assert(b);
  const answered = (round: number, promisedMs: number) => {
    lease.promised(b, round, promisedMs);
    return b.promisedUntil;
  };
  assert.equal(answered(1, 450), -Infinity, "no such round was sent");
  lease.sent(1, 10);
  lease.sent(2, 12);
  lease.sent(3, 12);
  lease.sent(4, 14);
  assert.equal(answered(3, 450), 19);
  assert.equal(answered(1, 450), 19, "an answer that comes late");
  assert.equal(answered(4, 100), 19, "a shorter promise does not take the longer one back");
  lease.sent(5, 40);
  assert.equal(answered(4, 450), 19, "it is over long since, and forgotten");
});

/** Ticks until this node votes for another. */
function ticksToVote(node: TestNode): number {
  for (let ticks = 0; ticks < 1000; ticks++) {
    node.raft.step({
      type: "vote_request",
      from: "c",
      to: node.id,
      term: 99,
      preVote: false,
      lastLogIndex: 9,
      lastLogTerm: 9,
      leadershipTransfer: false,
    });
    if (node.raft.status.term === 99) return ticks;
    node.raft.tick();
  }
  throw new Error("It never votes");
}

test("Raft keeps to the promise of an earlier run with other flags, and then to its own", () => {
  const cluster = TestCluster.of(3, { electionTicks: 50, heartbeatTicks: 2, leaseTicks: 40 });
  cluster.elect("a");
  cluster.tick(4);
  const b = cluster.node("b");
  b.settings = { ...b.settings, electionTicks: 10, leaseTicks: 8 };
  cluster.crash("b");
  cluster.restart("b");
  assert.equal(b.disk.hardState.promiseMs, 49);
  b.raft.campaign();
  for (let i = 0; i < 49; i++) {
    b.raft.tick();
    assert.equal(b.raft.status.role, "follower", "its own vote is promised, too");
  }
  cluster.crash("b");
  cluster.restart("b");
  assert.equal(ticksToVote(b), 50, "the time begins anew: the answer may have been its last act");
  cluster.process(b);
  while (b.finishWrite());
  assert.equal(b.disk.hardState.promiseMs, 9);
});

test("Raft sends heartbeats often enough for the server that waits the least", () => {
  const cluster = TestCluster.of(3, { electionTicks: 50, heartbeatTicks: 10, leaseTicks: 40 });
  const b = cluster.node("b");
  b.settings = { ...b.settings, electionTicks: 10, heartbeatTicks: 2, leaseTicks: 8 };
  cluster.crash("b");
  cluster.restart("b");
  const a = cluster.elect("a");
  cluster.tick(200);
  assert.equal(a.raft.status.role, "leader");
  assert.equal(a.raft.status.term, 1, "b never campaigned");
  assert.equal(b.raft.status.leader, "a");
});

test("Raft tells for how long it may answer by its lease: nobody else, nor a leader that may not, does", () => {
  const cluster = TestCluster.of(3);
  const [a, b] = [cluster.node("a"), cluster.node("b")];
  assert.equal(b.raft.leaseTicksLeft, 0);
  b.raft.campaign();
  const settleWithoutEntries = () => {
    for (const node of cluster.nodes.values()) {
      cluster.process(node);
      while (cluster.finishWrite(node));
    }
    for (const message of cluster.messages.splice(0)) {
      if (message.type !== "append_request") cluster.deliver(message);
    }
  };
  for (let turn = 0; turn < 20; turn++) settleWithoutEntries();
  assert.equal(b.raft.status.role, "leader");
  assert.equal(b.raft.leaseTicksLeft, 0, "it does not know yet what is committed");
  cluster.tick(defaultSettings.heartbeatTicks);
  cluster.settle();
  const left = b.raft.leaseTicksLeft;
  assert(left > 0 && left < defaultSettings.electionTicks, `${left}`);
  assert.equal(a.raft.leaseTicksLeft, 0, "a follower has none");
  b.raft.tick();
  assert.equal(b.raft.leaseTicksLeft, left - 1);
  b.raft.transferLeadership("a");
  assert.equal(b.raft.leaseTicksLeft, 0, "another may lead soon");
});
