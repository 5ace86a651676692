import { parseArgs } from "node:util";
import type { Assignment } from "./seed_worker.ts";
import { type RunResult, simulate } from "./simulation.ts";
import { Summary } from "./summary.ts";

const usage = `Usage: deno task simulate [--seeds N] [--from S] [--jobs N] [--keep-going]
       deno task simulate --seed S [--verbose]`;

const options = {
  seeds: { type: "string", default: "2000" },
  from: { type: "string", default: "1" },
  jobs: { type: "string", default: String(navigator.hardwareConcurrency) },
  "keep-going": { type: "boolean", default: false },
  seed: { type: "string" },
  verbose: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** Runs many seeds, or one with its whole trace; 1 when one of them fails, 2 for a bad command line. */
async function main(): Promise<number> {
  let values;
  try {
    ({ values } = parseArgs({ args: Deno.args, options }));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse(error.message);
  }
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const [seeds, from, jobs, seed] = [values.seeds, values.from, values.jobs, values.seed ?? "0"]
    .map(Number);
  if (![seeds, from, jobs, seed].every(Number.isSafeInteger)) {
    return refuse("Seeds and numbers are whole numbers");
  }
  if (values.seed !== undefined) return await runOne(Number(seed), values.verbose);
  return await runMany(Number(from), Number(seeds), Number(jobs), values["keep-going"]);
}

function refuse(reason: string): number {
  console.error(`fatal: ${reason}\n${usage}`);
  return 2;
}

async function runOne(seed: number, verbose: boolean): Promise<number> {
  const summary = new Summary();
  const result = await simulate(seed, verbose ? { print: (line) => console.log(line) } : {});
  summary.add(result);
  if (result.violation === undefined) console.log(summary.text());
  else report(result);
  return summary.failures;
}

/** Spreads the seeds over Workers; stops at the first failure unless told to keep going. */
async function runMany(
  from: number,
  seeds: number,
  jobs: number,
  keepGoing: boolean,
): Promise<number> {
  const summary = new Summary();
  const step = Math.max(1, Math.min(jobs, seeds));
  const workers: Worker[] = [];
  await new Promise<void>((resolve, reject) => {
    for (let job = 0; job < step; job++) {
      const worker = new Worker(new URL("./seed_worker.ts", import.meta.url), { type: "module" });
      workers.push(worker);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data }: MessageEvent<RunResult>) => {
        summary.add(data);
        if (data.violation !== undefined) report(data);
        if (summary.runs === seeds || (data.violation !== undefined && !keepGoing)) resolve();
      };
      worker.postMessage({ first: from + job, step, end: from + seeds } satisfies Assignment);
    }
  });
  for (const worker of workers) worker.terminate();
  console.log(summary.text());
  return summary.failures === 0 ? 0 : 1;
}

function report({ seed, violation, traceHash, virtualMs }: RunResult): void {
  console.error(`Seed ${seed} failed after ${Math.round(virtualMs)} ms of virtual time:`);
  console.error(`  ${violation?.message}`);
  console.error(`Replay (trace ${traceHash.toString(16)}):`);
  console.error(`  deno task simulate --seed ${seed} --verbose`);
}

Deno.exit(await main());
