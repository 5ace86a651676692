import assert from "node:assert/strict";
import { Cluster } from "../cluster/harness.ts";
import { compare } from "./comparison.ts";
import { exceptions } from "./exceptions.ts";
import { readRecording } from "./recording.ts";

const recording = await readRecording(new URL("rqlite_answers.gz", import.meta.url));

Deno.test("A node answers requests drawn at random as rqlite did when it was recorded", async () => {
  await using cluster = await Cluster.start({ size: 1 });
  const comparison = await compare((await cluster.leader()).url, recording);
  assert.deepEqual(comparison.wrong, []);
  // Series that go apart are cut short, which is not to hide what follows from most of them.
  const recorded = recording.reduce((sum, { steps }) => sum + steps.length, 0);
  assert(comparison.compared > recorded * 0.7, `${comparison.compared} of ${recorded} compared`);
  const unmet = exceptions.map(({ row }) => row).filter((row) => !comparison.exceptions.has(row));
  assert.deepEqual(unmet, [], "No recorded answer shows what these are for");
});

Deno.test("Each exception from rqlite's answers is a row of docs/differences.md", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/differences.md", import.meta.url));
  const rows = new Set(
    page.split("\n").map((line) => /^\| (.*?) +\| /.exec(line)?.[1]?.trim()),
  );
  for (const { row } of exceptions) assert(rows.has(row), `${row} has no row`);
});
