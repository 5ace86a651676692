import assert from "node:assert/strict";
import { simulate } from "./simulation.ts";
import { optionsFor } from "./store_options.ts";
import { Summary } from "./summary.ts";

// The program's own store, its commands and real SQLite, under three simulated machines or more.
// Simulated are its clock, what its threads say to each other and when, its own calls of files, and
// the death of programs at any moment between two events.
//
// Not simulated:
// - the disk of SQLite's files where its writes cannot be seen (tests/power): elsewhere than on Linux,
//   or without a C compiler. Else the power goes at any write or sync of a thread's work, writes find
//   no room there and syncs fail; what the main thread writes at once meets no such thing;
// - the death of a program alone within a transaction or between two of one entry;
// - the time that a statement takes, which is none: nothing is interrupted, or taken back as late;
// - answers so long that a reader waits for its client, which blocks its thread;
// - names of temporary files, drawn at random: they change nothing.

const options = await optionsFor("sqlite");

const seedsEach = 24;
const given = Deno.env.get("RAFTLITE_SEED");
const rounds = Number(Deno.env.get("RAFTLITE_ROUNDS") ?? 1);

/** The first ones, or the one that RAFTLITE_SEED names, with its trace. */
const seeds = given !== undefined
  ? [Number(given)]
  : Array.from({ length: seedsEach * rounds }, (_, i) => i + 1);

Deno.test("simulate() finds nothing wrong with the program's own store", async () => {
  const summary = new Summary();
  const print = given === undefined ? {} : { print: (line: string) => console.log(line) };
  for (const seed of seeds) {
    const { violation, ...result } = await simulate(seed, { ...options, ...print });
    assert.equal(
      violation,
      undefined,
      `RAFTLITE_SEED=${seed} deno task test tests/simulation/real_store_test.ts: ${violation?.stack}`,
    );
    summary.add({ ...result, violation });
  }
  if (given !== undefined) return;
  for (
    const count of [
      "snapshots installed",
      "writes acknowledged",
      "of them through another node",
      "writes of unknown fate",
      "reads none",
      "reads weak",
      "reads linearizable",
      "reads strong",
      "crash",
    ]
  ) assert.ok(summary.count(count) > 0, `No ${count}`);
});

Deno.test("simulate() runs a seed with the program's own store again exactly as before", async () => {
  // In the last one a disk without room ends a program, which says where its files are.
  for (const seed of [4, 9, 6008]) {
    const lines: string[][] = [[], []];
    const printTo = (to: string[] | undefined) => (line: string) =>
      to?.push(line.replaceAll(ownDirectory, "/"));
    const first = await simulate(seed, { ...options, print: printTo(lines[0]) });
    const second = await simulate(seed, { ...options, print: printTo(lines[1]) });
    assert.equal(first.traceHash, second.traceHash);
    assert.deepEqual(lines[0], lines[1]);
  }
});

/** Drawn anew for each node of each run. */
const ownDirectory = /\/\S*\/raftlite-simulation-[0-9a-f]+\//g;
