import { strict as assert } from "node:assert";
import { checksum } from "../../src/base/checksum.ts";
import { encodeConfiguration } from "../../src/raft/configuration.ts";
import { type Entry, EntryType } from "../../src/raft/types.ts";
import { changedSince } from "../../src/node/changed_since.ts";
import { makeEntries, makeEntry, makePoint, openLog } from "../raft_log/fixtures.ts";
import { SimulatedDisk } from "../simulation/disk.ts";

const decoder = new TextDecoder();
/** Takes commands of the text "upkeep" for ones that show nowhere. */
const codec = { isUnseen: (data: Uint8Array) => decoder.decode(data) === "upkeep" };
const unseen = (index: number) => makeEntry(1, index, "upkeep");

async function withLog(
  entries: readonly Entry[],
  test: (log: Awaited<ReturnType<typeof openLog>>["log"]) => Promise<void>,
): Promise<void> {
  const { log } = await openLog(new SimulatedDisk({ seed: 1n }));
  try {
    await log.append({ hardState: undefined, entries });
    await test(log);
  } finally {
    await log.close();
  }
}

Deno.test("changedSince() looks for commands behind one index, up to another", async () => {
  await withLog([unseen(1), makeEntry(1, 2), unseen(3), unseen(4)], async (log) => {
    assert.equal(await changedSince({ log, codec }, 0, 4), true);
    assert.equal(await changedSince({ log, codec }, 1, 2), true);
    assert.equal(await changedSince({ log, codec }, 0, 1), false);
    assert.equal(await changedSince({ log, codec }, 2, 4), false);
    assert.equal(await changedSince({ log, codec }, 4, 4), false);
  });
});

Deno.test("changedSince() takes what Raft writes for itself for no change", async () => {
  const configuration = encodeConfiguration(makePoint(0, 0).configuration);
  const own: Entry[] = [
    { ...makeEntry(1, 1, ""), type: EntryType.noop },
    {
      ...makeEntry(1, 2),
      type: EntryType.configuration,
      data: configuration,
      checksum: checksum(configuration),
    },
  ];
  await withLog(own, async (log) => {
    assert.equal(await changedSince({ log, codec }, 0, 2), false);
  });
});

Deno.test("changedSince() takes entries that the log has no more for changes", async () => {
  await withLog(makeEntries(1, 1, 200).map(({ index }) => unseen(index)), async (log) => {
    assert.equal(await changedSince({ log, codec }, 0, 200), false);
    await log.compact(makePoint(150, 1));
    assert(log.firstIndex > 1);
    assert.equal(await changedSince({ log, codec }, 0, 200), true);
    assert.equal(await changedSince({ log, codec }, log.firstIndex - 2, 200), true);
    assert.equal(await changedSince({ log, codec }, log.firstIndex - 1, 200), false);
  });
});
