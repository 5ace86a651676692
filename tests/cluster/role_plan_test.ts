import { strict as assert } from "node:assert";
import { Prng } from "../../src/base/prng.ts";
import {
  nextRole,
  type RoleStep,
  type RoleTimes,
  type Standing,
  type Wish,
} from "../../src/cluster/role_plan.ts";
import type { Suffrage } from "../../src/raft/types.ts";
import { anySeed } from "../store/seeds.ts";

const times: RoleTimes = { standbyMs: 30_000, reapMs: 0, reapReadOnlyMs: 0 };

/** `name suffrage wish silentSeconds`, the first of which leads. */
function standings(...lines: string[]): Standing[] {
  return lines.map((line, i) => {
    const [id = "", suffrage, wish, seconds = "0"] = line.split(" ");
    return {
      member: { id, address: `${id}:4002`, httpAddress: "", suffrage: suffrage as Suffrage },
      isSelf: i === 0,
      wish: wish === "?" ? undefined : wish as Wish,
      silentMs: Number(seconds) * 1000,
    };
  });
}

function stepOf(lines: readonly string[], limits = times): string {
  const step = nextRole(standings(...lines), limits);
  if (step === undefined) return "nothing";
  return step.type === "hand_over" ? step.type : `${step.type} ${step.member.id}`;
}

const three = ["a voter voter", "b voter voter", "c voter voter"];

Deno.test("nextRole does nothing while all are there, and nothing without a standby", () => {
  assert.equal(stepOf([...three, "s learner standby", "r learner replica"]), "nothing");
  assert.equal(
    stepOf(["a voter voter", "b voter voter", "c voter ? 99", "r learner replica"]),
    "nothing",
  );
  const gone = ["a voter voter", "b voter voter", "c voter voter 29", "s learner standby"];
  assert.equal(stepOf(gone), "nothing");
});

Deno.test("nextRole gives a standby the place of a voter that is gone, and back", () => {
  const two = ["a voter voter", "b voter voter"];
  assert.equal(stepOf([...two, "c voter voter 30", "s learner standby"]), "promote s");
  assert.equal(stepOf([...two, "c voter ? 30", "s learner standby"]), "promote s");
  assert.equal(stepOf([...two, "c voter voter 31", "s staging standby"]), "nothing");
  assert.equal(stepOf([...two, "c voter voter 32", "s voter standby"]), "demote c");
  assert.equal(stepOf([...two, "c learner voter 33", "s voter standby"]), "nothing");
  assert.equal(stepOf([...two, "c learner voter 0", "s voter standby"]), "promote c");
  assert.equal(stepOf([...two, "c staging voter 0", "s voter standby"]), "nothing");
  assert.equal(stepOf([...two, "c voter voter 0", "s voter standby"]), "demote s");
  assert.equal(stepOf(["s voter standby", ...two, "c voter voter 0"]), "hand_over");
});

Deno.test("nextRole takes nothing away for what a new leader does not know yet", () => {
  const acting = ["a voter voter", "b voter voter", "s voter standby"];
  assert.equal(stepOf([...acting, "c learner ?"]), "nothing");
  assert.equal(stepOf([...acting, "c learner ? 99"]), "nothing");
  assert.equal(stepOf(["a voter voter", "b voter ?", "s voter ?", "c learner ?"]), "nothing");
  // A replica that nobody has heard of is no reason for one more voter.
  assert.equal(stepOf([...three, "r learner ? 99", "s learner standby"]), "nothing");
});

Deno.test("nextRole has a standby that dies while it gets its vote give way to another", () => {
  const lines = ["a voter voter", "b voter voter", "c voter voter 60"];
  assert.equal(stepOf([...lines, "s staging standby 31", "t learner standby"]), "demote s");
  assert.equal(stepOf([...lines, "s learner standby 32", "t learner standby"]), "promote t");
  assert.equal(stepOf([...lines, "s learner standby 32"]), "nothing");
});

Deno.test("nextRole reaps who is gone for long, by kind, and only where the others can elect", () => {
  const limits = { standbyMs: 0, reapMs: 60_000, reapReadOnlyMs: 10_000 };
  assert.equal(stepOf(["a voter ?", "b voter ?", "c voter ? 60"], limits), "reap c");
  assert.equal(stepOf(["a voter ?", "b voter ?", "c voter ? 59"], limits), "nothing");
  assert.equal(stepOf(["a voter ?", "b voter ?", "r learner replica 10"], limits), "reap r");
  assert.equal(stepOf(["a voter ?", "b voter ?", "c learner voter 11"], limits), "nothing");
  assert.equal(stepOf(["a voter ?", "b voter ?", "c learner voter 60"], limits), "reap c");
  // Of four one is silent for a moment only, but two are no majority of four.
  assert.equal(
    stepOf(["a voter ?", "b voter ?", "c voter ? 9", "d voter ? 60"], limits),
    "nothing",
  );
  assert.equal(stepOf(["a voter ?", "b voter ?", "c voter ?", "d voter ? 60"], limits), "reap d");
  assert.equal(stepOf(["a voter ?", "b voter ? 60"], limits), "nothing");
  assert.equal(stepOf(["a voter ? 99"], limits), "nothing");
  const off = { standbyMs: 0, reapMs: 0, reapReadOnlyMs: 0 };
  assert.equal(stepOf(["a voter ?", "b voter ?", "c voter ? 9999"], off), "nothing");
});

Deno.test("nextRole comes to rest with every voter in its place, whatever came before", () => {
  const seed = anySeed();
  const random = new Prng(seed);
  for (let round = 0; round < 300; round++) {
    const voters = 1 + random.below(5);
    const wishes: Wish[] = [
      ...Array.from({ length: voters }, () => "voter" as const),
      ...Array.from({ length: random.below(3) }, () => "standby" as const),
      ...Array.from({ length: random.below(2) }, () => "replica" as const),
    ];
    const suffrages = wishes.map((wish): Suffrage => wish === "voter" ? "voter" : "learner");
    const silent = wishes.map(() => 0);
    const known = wishes.map(() => true);
    let leader = 0;
    const look = (): Standing[] =>
      wishes.map((wish, i) => ({
        member: { id: `${i}`, address: "", httpAddress: "", suffrage: suffrages[i] ?? "learner" },
        isSelf: i === leader,
        wish: known[i] ? wish : undefined,
        silentMs: silent[i] ?? 0,
      }));
    const votersOf = () => suffrages.flatMap((suffrage, i) => suffrage === "voter" ? [i] : []);
    const apply = (step: RoleStep) => {
      if (step.type === "hand_over") {
        leader = votersOf().find((i) => i !== leader && silent[i] === 0) ?? leader;
      } else if (step.type !== "reap") {
        suffrages[Number(step.member.id)] = step.type === "promote" ? "staging" : "learner";
      }
    };
    const settle = () => {
      for (let steps = 0;; steps++) {
        assert.ok(steps < 50, `Seed ${seed}: no end to the changes`);
        const step = nextRole(look(), times);
        if (step !== undefined) apply(step);
        const there = suffrages.map((suffrage, i) => suffrage === "staging" && silent[i] === 0);
        for (const [i, ready] of there.entries()) if (ready) suffrages[i] = "voter";
        const present = votersOf().filter((i) => i === leader || silent[i] === 0).length;
        assert.ok(present > votersOf().length / 2, `Seed ${seed}: no majority is left`);
        if (step === undefined && !there.includes(true)) return;
      }
    };
    for (let change = 0; change < 12; change++) {
      const i = random.below(wishes.length);
      const present = votersOf().filter((voter) => silent[voter] === 0 && voter !== i).length;
      if (
        silent[i] === 0 && i !== leader &&
        (suffrages[i] !== "voter" || present > votersOf().length / 2)
      ) {
        silent[i] = 100_000;
      } else silent[i] = 0;
      if (random.chance(0.2)) {
        // Another leader, which knows only of those that are there.
        leader = votersOf().find((voter) => voter !== leader && silent[voter] === 0) ?? leader;
        for (const j of known.keys()) known[j] = silent[j] === 0;
      }
      for (const j of known.keys()) if (silent[j] === 0) known[j] = true;
      settle();
    }
    silent.fill(0);
    known.fill(true);
    settle();
    for (const [i, wish] of wishes.entries()) {
      assert.equal(suffrages[i], wish === "voter" ? "voter" : "learner", `Seed ${seed}: ${i}`);
    }
  }
});
