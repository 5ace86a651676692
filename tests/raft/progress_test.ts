import assert from "node:assert/strict";
import { InflightWindow, Progress } from "../../src/raft/progress.ts";

function replicating(matchIndex: number): Progress {
  const peer = new Progress("b", matchIndex + 1, 3);
  peer.acknowledged(matchIndex, 0);
  return peer;
}

Deno.test({
  name: "InflightWindow is full at its size and frees what an acknowledgement covers",
  permissions: "none",
  fn() {
    const window = new InflightWindow(3);
    for (let round = 0; round < 5; round++) {
      for (const index of [10, 20, 30]) {
        assert(!window.full);
        window.add(round * 100 + index);
      }
      assert(window.full);
      window.release(round * 100 + 9);
      assert(window.full);
      window.release(round * 100 + 25);
      assert(!window.full);
      window.add(round * 100 + 40);
      window.add(round * 100 + 50);
      assert(window.full);
      window.release(round * 100 + 50);
    }
  },
});

Deno.test({
  name: "Progress probes with one request at a time, from the same place",
  permissions: "none",
  fn() {
    const peer = new Progress("b", 10, 3);
    peer.sent(4, 2);
    assert(peer.paused);
    assert.equal(peer.nextIndex, 10);
    peer.rejected(9, 6);
    assert(!peer.paused);
    assert.equal(peer.nextIndex, 7);
    peer.rejected(9, 3);
    assert.equal(peer.nextIndex, 7, "an answer to a request given up meanwhile");
    peer.rejected(6, 6);
    assert.equal(peer.nextIndex, 6, "at least one step back");
  },
});

Deno.test({
  name: "Progress runs ahead once its log has met the leader's, and never behind what is known",
  permissions: "none",
  fn() {
    const peer = replicating(9);
    assert.equal(peer.state, "replicate");
    peer.sent(5, 9);
    peer.sent(5, 9);
    assert.equal(peer.nextIndex, 20);
    assert(peer.acknowledged(14, 0));
    assert(!peer.acknowledged(14, 0), "twice the same is no news");
    assert(!peer.acknowledged(12, 0), "an old one that came late");
    assert.equal(peer.matchIndex, 14);
    assert.equal(peer.nextIndex, 20);
    peer.rejected(14, 0);
    assert.equal(peer.state, "replicate", "what was acknowledged is not taken back");
    peer.rejected(19, 16);
    assert.equal(peer.state, "probe");
    assert.equal(peer.nextIndex, 17);
  },
});

Deno.test({
  name: "Progress waits for the snapshot, and then until the peer is heard from",
  permissions: "none",
  fn() {
    const peer = replicating(9);
    peer.streaming = true;
    peer.awaitSnapshot(50);
    peer.acknowledged(20, 50);
    assert.equal(peer.state, "snapshot", "20 is no place to go on from: 50 is compacted");
    peer.snapshotFinished(true);
    assert.deepEqual([peer.state, peer.nextIndex, peer.paused], ["probe", 51, true]);
    const answer = { type: "heartbeat_response", from: "b", to: "a", term: 1 } as const;
    peer.heartbeatAnswered({ ...answer, round: 1, promiseMs: 9 }, 60);
    assert(!peer.paused);
    peer.awaitSnapshot(50);
    peer.acknowledged(55, 50);
    assert.deepEqual([peer.state, peer.nextIndex], ["replicate", 56]);
    peer.awaitSnapshot(70);
    peer.snapshotFinished(false);
    assert.deepEqual([peer.state, peer.nextIndex, peer.paused], ["probe", 56, true]);
  },
});
