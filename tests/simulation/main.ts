import { parseArgs } from "node:util";
import { type RunResult, simulate } from "./simulation.ts";
import { Summary } from "./summary.ts";

/** Runs many seeds, or one with its whole trace; exits with 1 at the first that fails. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      seeds: { type: "string", default: "2000" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      verbose: { type: "boolean", default: false },
      "keep-going": { type: "boolean", default: false },
    },
  });
  if (values.seed !== undefined) return await runOne(Number(values.seed), values.verbose);
  const first = Number(values.from);
  const last = first + Number(values.seeds) - 1;
  if (!Number.isSafeInteger(first) || !Number.isSafeInteger(last)) {
    console.error("Usage: simulate [--seeds N] [--from S] [--seed S [--verbose]] [--keep-going]");
    return 2;
  }
  const summary = new Summary();
  for (let seed = first; seed <= last; seed++) {
    const result = await simulate(seed);
    summary.add(result);
    if (result.violation === undefined) continue;
    report(result);
    if (!values["keep-going"]) return 1;
  }
  console.log(summary.text());
  return summary.failures === 0 ? 0 : 1;
}

async function runOne(seed: number, verbose: boolean): Promise<number> {
  const result = await simulate(seed, verbose ? { print: (line) => console.log(line) } : {});
  if (result.violation !== undefined) {
    report(result);
    return 1;
  }
  const summary = new Summary();
  summary.add(result);
  console.log(summary.text());
  return 0;
}

function report({ seed, violation, traceHash, virtualMs }: RunResult): void {
  console.error(`Seed ${seed} failed after ${Math.round(virtualMs)} ms of virtual time:`);
  console.error(`  ${violation?.message}`);
  console.error(`Replay (trace ${traceHash.toString(16)}):`);
  console.error(`  deno task simulate --seed ${seed} --verbose`);
}

// Nothing a node does may be left to fail unseen.
globalThis.addEventListener("unhandledrejection", (event) => {
  console.error("Unhandled rejection:", event.reason);
});

if (import.meta.main) Deno.exit(await main());
