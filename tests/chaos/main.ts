import { commandLine, refuse } from "../../tools/command_line.ts";
import { addTotals, type Counts } from "../proof/totals.ts";
import { type RoundResult, runRound } from "./round.ts";
import { type FaultName, faultNames } from "./schedule.ts";

const usage = `Usage: deno task chaos [--seconds N] [--seed S] [--nodes N] [--round N]
                       [--without FAULT,…] [--upgrade] [--evidence DIR] [--totals FILE] [--quiet]

Runs clusters of real processes through faults that a seed draws, and judges what their clients saw:
in rounds of 60 seconds (--round) with a new cluster each, for 60 seconds in all (--seconds), of 3
nodes (--nodes). What is drawn in a round follows from its seed; what comes of it does not, as
processes are no simulation. When something does not hold, what clients saw and the logs of nodes are
written to a folder (--evidence), and it ends with 1. With --upgrade clusters begin with the release
before this one, go over and back, and do what both know; that needs git. --totals adds what was done to the sums in a
file, as docs/proof.json.

Faults: ${Object.values(faultNames).flat().join(", ")}.`;

const options = {
  seconds: { type: "string", default: "60" },
  seed: { type: "string" },
  nodes: { type: "string", default: "3" },
  round: { type: "string", default: "60" },
  without: { type: "string", default: "" },
  upgrade: { type: "boolean", default: false },
  evidence: { type: "string" },
  totals: { type: "string" },
  quiet: { type: "boolean", default: false },
} as const;

/** Runs rounds; 1 when something does not hold in one of them, 2 for a bad command line. */
async function main(): Promise<number> {
  const { values } = commandLine(usage, { options });
  const drawn = Math.floor(Math.random() * 1_000_000);
  const numbers = [values.seconds, values.nodes, values.round, values.seed ?? drawn].map(Number);
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) {
    refuse(usage, "Seconds, seeds and nodes are whole numbers");
  }
  const [seconds = 0, nodes = 0, roundSeconds = 0, firstSeed = 0] = numbers;
  if (nodes < 1 || roundSeconds < 1) refuse(usage, "There is at least one node, for a second");
  const known: readonly FaultName[] = Object.values(faultNames).flat();
  const names = values.without.split(",").filter((name) => name !== "");
  const without = known.filter((name) => names.includes(name));
  if (without.length < names.length) refuse(usage, `Of these some are no faults: ${names}`);
  const print = values.quiet ? () => {} : (line: string) => console.log(line);
  let rest = seconds;
  for (let seed = firstSeed; rest > 0; seed++) {
    const length = Math.min(roundSeconds, rest);
    rest -= length;
    const startedAt = performance.now();
    const { upgrade } = values;
    const result = await runRound({ seed, seconds: length, nodes, without, upgrade, print });
    const tookSeconds = Math.round((performance.now() - startedAt) / 1000);
    const failed = result.report.violations.length > 0;
    const counts: Counts = {
      ...{ rounds: 1, "rounds failed": failed ? 1 : 0 },
      ...{ "seconds of faults": length, seconds: tookSeconds },
      ...result.report.counts,
    };
    console.log(textOf(counts));
    if (values.totals !== undefined) {
      await addTotals(values.totals, { sums: { chaos: counts }, planted: {} });
    }
    if (!failed) continue;
    const directory = values.evidence ?? await Deno.makeTempDir({ prefix: "raftlite-chaos-" });
    await keep(directory, result);
    console.error(`Seed ${seed} failed:`);
    for (const violation of result.report.violations) console.error(`  ${violation}`);
    console.error(`What was seen is in ${directory}; the same faults again:`);
    const more = values.upgrade ? " --upgrade" : "";
    console.error(`  deno task chaos --seed ${seed} --seconds ${length} --nodes ${nodes}${more}`);
    return 1;
  }
  return 0;
}

function textOf(counts: Counts): string {
  return Object.entries(counts).map(([name, count]) => `${String(count).padStart(10)}  ${name}`)
    .join("\n");
}

async function keep(directory: string, { evidence }: RoundResult): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  for (const [name, text] of evidence) await Deno.writeTextFile(`${directory}/${name}`, text);
}

Deno.exit(await main());
