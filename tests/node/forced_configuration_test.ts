import { strict as assert } from "node:assert";
import { checksum } from "../../src/base/checksum.ts";
import { forceConfiguration } from "../../src/node/forced_configuration.ts";
import { encodeConfiguration } from "../../src/raft/configuration.ts";
import { type Entry, EntryType } from "../../src/raft/types.ts";
import { makeEntries, makePoint, openLog, readImage } from "../raft_log/fixtures.ts";
import { SimulatedDisk } from "../simulation/disk.ts";

const hardState = { term: 7, votedFor: "b", promiseMs: 450 };
const gone = { id: "b", address: "b:1", httpAddress: "b:2", suffrage: "voter" } as const;

Deno.test("forceConfiguration() keeps every entry that is not applied at its place, but for what speaks of members that are gone", async () => {
  const { configuration } = makePoint(0, 0);
  const data = encodeConfiguration({ members: [...configuration.members, gone] });
  const change: Entry = {
    ...{ term: 3, index: 8, type: EntryType.configuration, data },
    checksum: checksum(data),
  };
  const entries = [
    ...makeEntries(2, 1, 5),
    ...makeEntries(3, 6, 2),
    change,
    ...makeEntries(3, 9, 2),
  ];
  const [from, to] = [new SimulatedDisk({ seed: 1n }), new SimulatedDisk({ seed: 2n })];
  const before = await openLog(from);
  await before.log.append({ hardState, entries });
  await before.log.close();
  const source = await openLog(from);
  const target = await openLog(to);
  await forceConfiguration({
    from: source,
    to: target.log,
    applied: { index: 4, term: 2 },
    configuration,
  });
  await source.log.close();
  await target.log.close();
  const image = await readImage(to);
  // Those who are gone may have had terms of which nobody here heard.
  assert.deepEqual(image.hardState, { term: 1_000_007, votedFor: "", promiseMs: 450 });
  assert.deepEqual(image.compaction, { index: 4, term: 2, configuration });
  const nothing = new Uint8Array();
  const empty = { ...change, type: EntryType.noop, data: nothing, checksum: checksum(nothing) };
  assert.deepEqual(image.entries, entries.slice(4).map((each) => each === change ? empty : each));
});
