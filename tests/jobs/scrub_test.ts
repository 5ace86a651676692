import { strict as assert } from "node:assert";
import { Scrub } from "../../src/jobs/scrub.ts";
import type { ComparedMember } from "../../src/cluster/types.ts";
import type { CopyDigest, Store, StoreStatus } from "../../src/store/types.ts";
import { SimulatedClock } from "../simulation/clock.ts";

/** A cluster of five of which the first leads; `sums` are of its table's rows on each node. */
function subject(sums: readonly string[], answers: (id: string) => Promise<void>) {
  const clock = new SimulatedClock();
  const replaced: string[] = [];
  let armed = "";
  const members = sums.map((sum, i): ComparedMember => {
    const digest: CopyDigest = {
      index: 3,
      tables: [{ name: "t", rows: 1, sum }],
      unread: [],
      damage: [],
      checked: true,
      complete: true,
    };
    const id = `n${i}`;
    return {
      id,
      isSelf: i === 0,
      arm: (comparison) => Promise.resolve(void (armed = comparison)),
      digest: async () => {
        await answers(id);
        return { state: "done", digest };
      },
      chunks: () => Promise.resolve([]),
      rows: () => Promise.resolve([]),
      end: () => Promise.resolve(),
      replace: (comparison) => {
        assert.equal(comparison, armed);
        replaced.push(id);
        return Promise.resolve();
      },
      tell: () => Promise.resolve(),
    };
  });
  const store: Pick<Store, "status"> = {
    status: () => Promise.resolve({ upkeep: {} } as Partial<StoreStatus> as StoreStatus),
  };
  const scrub = new Scrub({
    intervalMs: 0,
    node: {
      leads: true,
      maySubmit: true,
      sameSqlite: true,
      changedSince: () => Promise.resolve(true),
      submit: () => Promise.resolve({ results: "" }),
      members: () => members,
    },
    store,
    clock,
    logger: { log: () => {} },
  });
  return { scrub, clock, replaced };
}

Deno.test("a leader whose own copy differs is the first to know: it sends it to none of the others", async () => {
  const { scrub, clock, replaced } = subject(["x", "a", "y", "a", "a"], () => Promise.resolve());
  scrub.start();
  await clock.advance(100);
  assert.equal(scrub.report?.state, "done", scrub.report?.message);
  assert.deepEqual(replaced, ["n0", "n2"]);
  await scrub.stop();
});

Deno.test("the end of a node waits for no other node that is asked for its copy", async () => {
  const { scrub, clock, replaced } = subject(
    ["a", "a", "b", "a", "a"],
    (id) => id === "n4" ? new Promise(() => {}) : Promise.resolve(),
  );
  scrub.start();
  await clock.advance(100);
  assert.equal(scrub.report?.state, "running");
  await scrub.stop();
  assert.deepEqual(replaced, []);
});
