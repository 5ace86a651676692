import assert from "node:assert/strict";
import { newestVersion } from "../../src/raft/cluster_version.ts";
import { decodeConfiguration, encodeConfiguration } from "../../src/raft/configuration.ts";
import { Membership } from "../../src/raft/membership.ts";
import { member, TestCluster } from "./test_cluster.ts";

const one = { members: [member("a")] };
const two = { members: [member("a"), member("b")] };
const three = { members: [member("a"), member("b"), member("c", "learner")] };

Deno.test({
  name: "Membership goes by the newest configuration, and back when that is cut off (4.1)",
  permissions: "none",
  fn() {
    const membership = new Membership({ index: 5, term: 1, configuration: one });
    membership.append(8, two);
    membership.append(12, three);
    assert.deepEqual(membership.voters, ["a", "b"]);
    assert.equal(membership.index, 12);
    assert.deepEqual(
      [5, 7, 8, 11, 12, 99].map((index) => membership.at(index)),
      [one, one, two, two, three, three],
    );
    membership.truncate(12);
    assert.equal(membership.current, two);
    membership.truncate(6);
    assert.equal(membership.current, one);
    assert.deepEqual(membership.voters, ["a"]);
  },
});

Deno.test({
  name: "Membership.compact() keeps what is in effect at the compaction point",
  permissions: "none",
  fn() {
    const membership = new Membership({ index: 5, term: 1, configuration: one });
    membership.append(8, two);
    membership.append(12, three);
    membership.compact(10);
    assert.equal(membership.at(10), two);
    membership.truncate(12);
    assert.equal(membership.current, two);
  },
});

Deno.test({
  name: "Membership.changed() refuses what leaves no voter, or more members than can be written",
  permissions: "none",
  fn() {
    const membership = new Membership({ index: 0, term: 0, configuration: one });
    assert.equal(membership.changed({ type: "remove", id: "a" }), undefined);
    assert.equal(membership.changed({ type: "put", member: member("a", "learner") }), undefined);
    assert.deepEqual(membership.changed({ type: "put", member: member("b") }), two);
    const full = { members: Array.from({ length: 255 }, (_, i) => member(`n${1000 + i}`)) };
    membership.append(1, full);
    assert.equal(membership.changed({ type: "put", member: member("x") }), undefined);
    assert.notEqual(membership.changed({ type: "put", member: member("n1000") }), undefined);
    assert.deepEqual(decodeConfiguration(encodeConfiguration(full)), full);
  },
});

Deno.test({
  name: "Membership keeps the cluster's version through changes of members, and never lowers it",
  permissions: "none",
  fn() {
    const membership = new Membership({ index: 0, term: 0, configuration: two });
    const change = (made: Parameters<Membership["changed"]>[0]) => {
      const configuration = membership.changed(made);
      assert(configuration);
      membership.append(membership.index + 1, configuration);
      return configuration;
    };
    assert.deepEqual(change({ type: "version", version: 2 }), { ...two, version: 2 });
    assert.deepEqual(change({ type: "put", member: member("c", "learner") }), {
      ...three,
      version: 2,
    });
    assert.deepEqual(change({ type: "version", version: 1 }), { ...three, version: 2 });
    assert.deepEqual(change({ type: "remove", id: "c" }), { ...two, version: 2 });
    membership.truncate(1);
    assert.deepEqual(membership.current, two);
  },
});

Deno.test({
  name: "A configuration of the first version is written as the first release writes it",
  permissions: "none",
  fn() {
    const bytes = encodeConfiguration({ members: [], version: 1 });
    assert.deepEqual(bytes, Uint8Array.of(1, 0));
    assert.deepEqual(decodeConfiguration(bytes), { members: [] });
  },
});

Deno.test({
  name: "A configuration of a later version names it, and one that is newer is refused with a word",
  permissions: "none",
  fn() {
    const versioned = { ...three, version: newestVersion };
    assert.deepEqual(decodeConfiguration(encodeConfiguration(versioned)), versioned);
    const newer = encodeConfiguration({ ...three, version: newestVersion + 1 });
    assert.throws(() => decodeConfiguration(newer), {
      name: "FormatError",
      message:
        /The cluster has version 3, this raftlite knows versions up to 2 only: start a newer/,
    });
    for (const wrong of [[2, 0, 0, 0], [2, 1, 0, 0], [3, 2, 0, 0]]) {
      assert.throws(() => decodeConfiguration(Uint8Array.from(wrong)), { name: "FormatError" });
    }
  },
});

Deno.test({
  name: "decodeConfiguration() refuses a kind of member that this version does not know",
  permissions: "none",
  fn() {
    const bytes = encodeConfiguration(one);
    const suffrage = 2;
    assert.deepEqual(decodeConfiguration(bytes), one);
    bytes[suffrage] = 9;
    assert.throws(() => decodeConfiguration(bytes), { name: "FormatError", message: /suffrage/ });
  },
});

Deno.test({
  name: "Raft does nothing for a message that is meant for another server at its address",
  permissions: "none",
  fn() {
    const cluster = TestCluster.of(3);
    const { raft } = cluster.elect("a");
    const flags = { preVote: false, leadershipTransfer: true, lastLogIndex: 9, lastLogTerm: 9 };
    const request = { type: "vote_request", from: "b", term: 7, ...flags } as const;
    assert.equal(raft.step({ ...request, to: "a/of-before" }), undefined);
    assert.equal(raft.ready(), undefined);
    assert.deepEqual([raft.status.role, raft.status.term], ["leader", 1]);
    raft.step({ ...request, to: "a" });
    assert.equal(raft.status.term, 7);
  },
});
