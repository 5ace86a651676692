import { commandLine, refuse } from "../../tools/command_line.ts";
import { addTotals } from "../proof/totals.ts";
import type { Assignment } from "./seed_worker.ts";
import { type RunResult, simulate } from "./simulation.ts";
import { optionsFor, type StoreName, storeNames } from "./store_options.ts";
import { Summary } from "./summary.ts";

const usage =
  `Usage: deno task simulate [--seeds N] [--from S] [--jobs N] [--keep-going] [--store toy|sqlite]
                          [--totals FILE]
       deno task simulate --seed S [--verbose] [--store toy|sqlite]

--totals adds what was done to the sums in a file, as docs/proof.json.`;

const options = {
  seeds: { type: "string", default: "2000" },
  from: { type: "string", default: "1" },
  jobs: { type: "string", default: String(navigator.hardwareConcurrency) },
  store: { type: "string", default: "toy" },
  "keep-going": { type: "boolean", default: false },
  seed: { type: "string" },
  totals: { type: "string" },
  verbose: { type: "boolean", default: false },
} as const;

/** Runs many seeds, or one with its whole trace; 1 when one of them fails, 2 for a bad command line. */
async function main(): Promise<number> {
  const { values } = commandLine(usage, { options });
  const [seeds, from, jobs, seed] = [values.seeds, values.from, values.jobs, values.seed ?? "0"]
    .map(Number);
  if (![seeds, from, jobs, seed].every(Number.isSafeInteger)) {
    refuse(usage, "Seeds and numbers are whole numbers");
  }
  const store = storeNames.find((name) => name === values.store);
  if (store === undefined) refuse(usage, `There is no store ${values.store}`);
  if (values.seed !== undefined) return await runOne(Number(seed), store, values.verbose);
  const [first, count, workers] = [Number(from), Number(seeds), Number(jobs)];
  const summary = await runMany(
    { first, seeds: count, jobs: workers, store },
    values["keep-going"],
  );
  console.log(summary.text());
  if (values.totals !== undefined) {
    const sums = { [`simulate ${store}`]: summary.counts };
    await addTotals(values.totals, { sums, planted: {} });
  }
  return summary.failures === 0 ? 0 : 1;
}

async function runOne(seed: number, store: StoreName, verbose: boolean): Promise<number> {
  const summary = new Summary();
  const print = verbose ? { print: (line: string) => console.log(line) } : {};
  const result = await simulate(seed, { ...await optionsFor(store), ...print });
  summary.add(result);
  if (result.violation === undefined) console.log(summary.text());
  else report(result, store);
  return summary.failures;
}

/** Spreads the seeds over Workers; stops at the first failure unless told to keep going. */
async function runMany(
  { first, seeds, jobs, store }: {
    readonly first: number;
    readonly seeds: number;
    readonly jobs: number;
    readonly store: StoreName;
  },
  keepGoing: boolean,
): Promise<Summary> {
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
        if (data.violation !== undefined) report(data, store);
        if (summary.runs === seeds || (data.violation !== undefined && !keepGoing)) resolve();
      };
      worker.postMessage(
        { first: first + job, step, end: first + seeds, store } satisfies Assignment,
      );
    }
  });
  for (const worker of workers) worker.terminate();
  return summary;
}

function report({ seed, violation, traceHash, virtualMs }: RunResult, store: StoreName): void {
  const which = store === "toy" ? "" : ` --store ${store}`;
  console.error(`Seed ${seed} failed after ${Math.round(virtualMs)} ms of virtual time:`);
  console.error(`  ${violation?.message}`);
  console.error(`Replay (trace ${traceHash.toString(16)}):`);
  console.error(`  deno task simulate --seed ${seed}${which} --verbose`);
}

Deno.exit(await main());
