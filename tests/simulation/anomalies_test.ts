import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { seeds } from "../store/seeds.ts";
import { anomaliesIn, type MicroOperation, type SeenTransaction } from "./anomalies.ts";

const keys = "xyzw";

/** "ax1" appends 1 to x, "rx1,2" has seen 1 and 2 in it, "rx" nothing. */
function operations(text: string): MicroOperation[] {
  return text.split(" ").map((word) => {
    const key = keys.indexOf(word[1] ?? "");
    const values = word.slice(2).split(",").filter((value) => value !== "").map(Number);
    return word[0] === "a"
      ? { kind: "append", key, value: values[0] ?? 0 }
      : { kind: "read", key, seen: values };
  });
}

interface Told {
  readonly does: string;
  readonly outcome?: SeenTransaction["outcome"];
}

/** All at once, unless `serially`; the names of what is wrong, with what the lists end as. */
function anomalies(told: readonly (Told | string)[], final: string, serially = false): string[] {
  const transactions = told.map((one, at): SeenTransaction => {
    const { does, outcome = "committed" } = typeof one === "string" ? { does: one } : one;
    const [invokedAt, returnedAt] = serially ? [2 * at, 2 * at + 1] : [at, 1000 + at];
    return { name: `T${at + 1}`, operations: operations(does), outcome, invokedAt, returnedAt };
  });
  const lists = new Map(
    operations(final).map((one) => [one.key, one.kind === "read" ? one.seen : []]),
  );
  return anomaliesIn(transactions, lists).map(({ name }) => name).sort();
}

const aborted = (does: string): Told => ({ does, outcome: "aborted" });
const unknown = (does: string): Told => ({ does, outcome: "unknown" });

Deno.test("anomaliesIn() finds nothing where transactions ran one after the other", () => {
  assert.deepEqual(anomalies(["ax1 ay2", "rx1 ry2 ax3", "rx1,3 ry2"], "rx1,3 ry2", true), []);
  assert.deepEqual(anomalies([aborted("rx ax1 rx1"), "rx ax2 rx2"], "rx2", true), []);
  assert.deepEqual(anomalies([unknown("ax1"), "rx", unknown("ax2"), "rx1"], "rx1", true), []);
  assert.deepEqual(anomalies(["rx1", "ax1"], "rx1"), [], "which had begun before");
});

const cases: Record<string, [(Told | string)[], string, string[]]> = {
  "G0: writes in two orders": [["ax1 ay2", "ax3 ay4"], "rx1,3 ry4,2", ["G0"]],
  "G1a: what was aborted is read": [[aborted("ax1"), "rx1"], "rx", ["G1a"]],
  "G1a: what was aborted is there": [[aborted("ax1"), "ax2"], "rx1,2", ["G1a"]],
  "G1b: what was not finished is read": [["ax1 ax2", "rx1"], "rx1,2", ["G1b"]],
  "G1c: two read each other": [["ax1 ry2", "ay2 rx1"], "rx1 ry2", ["G1c"]],
  "G-single: a half is read": [["ax1 ay2", "rx1 ry"], "rx1 ry2", ["G-single"]],
  "lost update": [["rx ax1", "rx ax2"], "rx1,2", ["G-single", "lost update"]],
  "G2: write skew": [["rx ry ax1", "rx ry ay2"], "rx1 ry2", ["G2", "write skew"]],
  "G2: long fork": [["ax1", "ay2", "rx1 ry", "rx ry2"], "rx1 ry2", ["G2", "long fork"]],
  "G2 of three": [["rx ay1", "ry az2", "rz ax3"], "rx3 ry1 rz2", ["G2"]],
  "internal: its own is not read": [["ax1 rx"], "rx1", ["internal"]],
  "internal: another thing is read again": [["ax1", "rx rx1"], "rx1", ["internal"]],
  "lost append": [["ax1", "ax2"], "rx2", ["lost append"]],
  "lost append: one that is half there": [[unknown("ax1 ay2")], "rx1 ry", ["lost append"]],
  "duplicate append": [["ax1"], "rx1,1", ["duplicate append"]],
  "phantom append": [["ax1"], "rx1,7", ["phantom append"]],
  "incompatible order": [["ax1", "ax2", "rx2,1"], "rx1,2", ["incompatible order"]],
  "what one saw that was aborted": [["ax1 ay2", aborted("rx1 ry az3")], "rx1 ry2", ["G-single"]],
};

for (const [name, [told, final, expected]] of Object.entries(cases)) {
  Deno.test(`anomaliesIn() finds ${name}`, () =>
    assert.deepEqual(anomalies(told, final), expected));
}

Deno.test("anomaliesIn() finds what is out of time", () => {
  assert.deepEqual(anomalies(["ax1", "rx"], "rx1", true), ["G-single-realtime"], "a stale read");
  assert.deepEqual(anomalies(["ax1", "ax2"], "rx2,1", true), ["G0-realtime"]);
  assert.deepEqual(anomalies(["rx1", "ax1"], "rx1", true), ["G1c-realtime"], "read too early");
  assert.deepEqual(anomalies(["ax1", "rx"], "rx1"), [], "at once it is none");
});

/** A history that one after the other gives, though all seem to run for a while at once. */
function serialHistory(random: Prng): { seen: SeenTransaction[]; lists: Map<number, number[]> } {
  const lists = new Map<number, number[]>();
  const seen: SeenTransaction[] = [];
  let value = 0;
  for (let at = 0; at < 60; at++) {
    const mine = new Map([...lists].map(([key, list]) => [key, [...list]]));
    const operations = Array.from({ length: 1 + random.below(4) }, (): MicroOperation => {
      const key = random.below(3);
      const list = mine.get(key) ?? [];
      mine.set(key, list);
      if (random.chance(0.5)) return { kind: "read", key, seen: [...list] };
      list.push(++value);
      return { kind: "append", key, value };
    });
    const outcome = random.chance(0.2) ? "aborted" : random.chance(0.2) ? "unknown" : "committed";
    if (outcome === "committed" || (outcome === "unknown" && random.chance(0.5))) {
      for (const [key, list] of mine) lists.set(key, list);
    }
    const [invokedAt, returnedAt] = [100 * at - random.below(300), 100 * at + random.below(300)];
    seen.push({ name: `T${at}`, operations, outcome, invokedAt, returnedAt });
  }
  return { seen, lists };
}

Deno.test("anomaliesIn() finds nothing in any serial history, and one read that is made stale", () => {
  for (const seed of seeds(30)) {
    const random = new Prng(seed);
    const { seen, lists } = serialHistory(random);
    assert.deepEqual(anomaliesIn(seen, lists), [], `seed ${seed}`);
    // One that read what another has written, and now has not, though it wrote behind that.
    const at = seen.findIndex(({ operations: [first], outcome }, at) =>
      at > 30 && outcome === "committed" && first?.kind === "read" && first.seen.length > 2
    );
    const [first, ...rest] = seen[at]?.operations ?? [];
    if (first?.kind !== "read") continue;
    const stale: MicroOperation = { ...first, seen: first.seen.slice(0, 1) };
    const others = rest.filter((one) => one.key !== first.key);
    const changed = seen.with(at, {
      ...seen[at] as SeenTransaction,
      operations: [stale, ...others],
    });
    const kept = new Set(
      changed.flatMap(({ operations }) =>
        operations.flatMap((one) => one.kind === "append" ? [one.value] : [])
      ),
    );
    if (!rest.every((one) => one.kind === "read" || kept.has(one.value))) continue;
    assert.notDeepEqual(anomaliesIn(changed, lists), [], `seed ${seed}: ${at}`);
  }
});
