import { strict as assert } from "node:assert";
import { Roles } from "../../src/cluster/roles.ts";
import type { Member, MembershipChange } from "../../src/raft/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

function member(id: string, suffrage: Member["suffrage"]): Member {
  return { id, address: `${id}:1`, httpAddress: "", suffrage };
}

Deno.test("Roles takes nobody out for the time in which their leader's machine slept", async () => {
  const clock = new SimulatedClock();
  const changes: MembershipChange[] = [];
  const replica = { id: "r/0", ackedRound: 1 };
  const members = [member("l/0", "voter"), member("r/0", "learner")];
  const none = () => {
    throw new Error("Not asked for here");
  };
  const roles = new Roles({
    node: {
      id: "l/0",
      isLeader: true,
      configuration: { members },
      get peerProgress() {
        return [replica];
      },
      changeMembership: (change: MembershipChange) => {
        changes.push(change);
        return Promise.resolve();
      },
      transferLeadership: none,
      successor: none,
      // What a node has beside that, Roles does not look at.
    } as unknown as ConstructorParameters<typeof Roles>[0]["node"],
    clock,
    logger: { log: () => {} },
    counts: { reaped: 0, reapsFailed: 0 } as ConstructorParameters<typeof Roles>[0]["counts"],
    times: { standbyMs: 0, reapMs: 0, reapReadOnlyMs: 10_000 },
    wish: "voter",
  });
  const wakesIn = async (ms: number) => {
    clock.jump(ms);
    await clock.settle();
  };
  roles.changed();
  await wakesIn(1_000);
  await wakesIn(3_600_000);
  assert.deepEqual(changes, [], "It could not hear anybody");
  replica.ackedRound++;
  for (let i = 0; i < 10; i++) await wakesIn(1_000);
  assert.deepEqual(changes, [], "It was heard from nine seconds ago");
  for (let i = 0; i < 5; i++) await wakesIn(1_000);
  assert.notEqual(changes.length, 0, "It is gone");
  roles.stop();
});
