import assert from "node:assert/strict";
import { Fuzz } from "./fuzz.ts";

/** `deno test tests/raft/fuzz_test.ts -- --seed=17 --runs=1 --steps=3000` replays one run. */
function argument(name: string, otherwise: number): number {
  const prefix = `--${name}=`;
  const given = Deno.args.find((arg) => arg.startsWith(prefix));
  return given === undefined ? otherwise : Number(given.slice(prefix.length));
}

Deno.test({
  name: "Raft keeps the properties of figure 3.2 through loss, reordering, crashes and changes",
  permissions: "none",
  fn() {
    const first = argument("seed", 1);
    const runs = argument("runs", 150);
    const steps = argument("steps", 3000);
    const total = { committed: 0, elections: 0, readsAnswered: 0, snapshots: 0 };
    for (let seed = first; seed < first + runs; seed++) {
      try {
        const result = new Fuzz(BigInt(seed)).run(steps);
        total.committed += result.committed;
        total.elections += result.elections;
        total.readsAnswered += result.readsAnswered;
        total.snapshots += result.snapshots;
      } catch (error) {
        throw new Error(`Seed ${seed}, ${steps} steps`, { cause: error });
      }
    }
    if (runs < 100) return;
    assert(total.committed > 10 * runs, `Too little committed: ${total.committed}`);
    assert(total.elections > runs, `Too few elections: ${total.elections}`);
    assert(total.readsAnswered > 10 * runs, `Too few reads: ${total.readsAnswered}`);
    assert(total.snapshots > runs / 2, `Too few snapshots: ${total.snapshots}`);
  },
});
