import { strict as assert } from "node:assert";
import { Handover } from "../../src/node/handover.ts";
import type { Raft } from "../../src/raft/raft.ts";
import type { PeerProgress } from "../../src/raft/types.ts";

const timing = { tickMs: 50, electionTicks: 10, heartbeatTicks: 2, leaseTicks: 8 };

function peer(id: string, matchIndex: number, recentlyActive = true): PeerProgress {
  return {
    id,
    matchIndex,
    nextIndex: matchIndex + 1,
    state: "replicate",
    recentlyActive,
    ackedRound: 0,
  };
}

/** A leader "a" with voters "b", "c" and "d" and a learner "e"; the test sees whom it asks, and when. */
function subject(peers: readonly PeerProgress[]) {
  const asked: [number, string][] = [];
  const state = { now: 0 };
  const members = ["a", "b", "c", "d", "e"].map((id) => ({
    id,
    address: id,
    httpAddress: id,
    suffrage: id === "e" ? "learner" as const : "voter" as const,
  }));
  const raft: Pick<Raft, "configuration" | "progress" | "transferLeadership"> = {
    configuration: { members },
    progress: () => [...peers],
    transferLeadership: (to) => {
      asked.push([state.now, to]);
      return { ok: true, index: 1, term: 1 };
    },
  };
  const handover = new Handover(raft, timing);
  const urgeUntil = (ms: number) => {
    for (; state.now < ms; state.now += timing.tickMs) handover.urge(state.now);
  };
  return { handover, asked, urgeUntil };
}

Deno.test("Handover.successor() is the voter heard from with the most of the log", () => {
  const peers = [peer("b", 3), peer("c", 9, false), peer("d", 5), peer("e", 9)];
  const { handover } = subject(peers);
  assert.equal(handover.successor(), "d");
  assert.equal(handover.successor(new Set(["d"])), "b");
  assert.equal(handover.successor(new Set(["d", "b"])), undefined);
});

Deno.test("Handover.urge() asks each voter once, one after the other, and then rests for ten seconds", () => {
  const { asked, urgeUntil } = subject([peer("b", 3), peer("c", 4), peer("d", 5), peer("e", 9)]);
  urgeUntil(13_000);
  assert.deepEqual(asked, [
    [0, "d"],
    [550, "c"],
    [1100, "b"],
    [11_650, "d"],
    [12_200, "c"],
    [12_750, "b"],
  ]);
});

Deno.test("Handover.urge() asks at once after a reset, and as soon as a voter is heard from", () => {
  const peers: PeerProgress[] = [];
  const { handover, asked, urgeUntil } = subject(peers);
  urgeUntil(1000);
  peers.push(peer("b", 3));
  urgeUntil(3000);
  handover.reset();
  urgeUntil(3100);
  assert.deepEqual(asked, [[1000, "b"], [3000, "b"]]);
});
