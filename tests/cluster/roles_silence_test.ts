import { strict as assert } from "node:assert";
import { Roles } from "../../src/cluster/roles.ts";
import type { Clock } from "../../src/io/types.ts";
import type { Member, MembershipChange } from "../../src/raft/types.ts";

/** One whose timer calls when told to, after however long. */
class SleepyClock implements Clock {
  #now = 1_000;
  #due: (() => void) | undefined;

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return 0;
  }

  after(_delayMs: number, callback: () => void) {
    this.#due = callback;
    return { cancel: () => void (this.#due = undefined) };
  }

  /** The timer calls after so many ms; resolves when what it called has come to an end. */
  async wakeIn(ms: number): Promise<void> {
    this.#now += ms;
    const due = this.#due;
    this.#due = undefined;
    due?.();
    while (this.#due === undefined) await Promise.resolve();
  }
}

function member(id: string, suffrage: Member["suffrage"]): Member {
  return { id, address: `${id}:1`, httpAddress: "", suffrage };
}

Deno.test("Roles takes nobody out for the time in which their leader's machine slept", async () => {
  const clock = new SleepyClock();
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
  roles.changed();
  await clock.wakeIn(1_000);
  await clock.wakeIn(3_600_000);
  assert.deepEqual(changes, [], "It could not hear anybody");
  replica.ackedRound++;
  for (let i = 0; i < 10; i++) await clock.wakeIn(1_000);
  assert.deepEqual(changes, [], "It was heard from nine seconds ago");
  for (let i = 0; i < 5; i++) await clock.wakeIn(1_000);
  assert.notEqual(changes.length, 0, "It is gone");
  roles.stop();
});
