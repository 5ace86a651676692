import assert from "node:assert/strict";
import { Prng } from "../../src/base/prng.ts";
import { TermStarts } from "../../src/raft/term_starts.ts";

Deno.test({
  name: "TermStarts agrees with a list of terms through appends, cuts and compaction",
  permissions: "none",
  fn() {
    for (let seed = 1n; seed <= 200n; seed++) {
      const prng = new Prng(seed);
      const starts = new TermStarts();
      /** The term of each index; the entries before `first` are compacted. */
      const terms = [0];
      let first = 1;
      for (let step = 0; step < 60; step++) {
        const last = terms.length - 1;
        const draw = prng.below(10);
        if (draw < 7) {
          const term = Math.max(1, (terms[last] ?? 0) + (prng.chance(0.3) ? prng.below(4) : 0));
          starts.append(last + 1, term);
          terms.push(term);
        } else if (draw < 9) {
          const from = first + prng.below(last - first + 2);
          if (from === 0 || from > last) continue;
          starts.truncate(from);
          terms.length = from;
        } else {
          const through = first - 1 + prng.below(last - first + 2);
          starts.dropThrough(through);
          first = through + 1;
        }
        for (let index = first; index < terms.length; index++) {
          assert.equal(starts.termAt(index), terms[index], `seed ${seed}: term at ${index}`);
          const term = prng.below(12);
          let expected = index;
          while (expected >= first && (terms[expected] ?? 0) > term) expected--;
          const found = starts.lastIndexWithTermAtMost(index, term);
          assert.equal(Math.max(found, first - 1), expected, `seed ${seed}: ${index} at ${term}`);
        }
      }
    }
  },
});
