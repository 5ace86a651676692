import { dirname, join } from "node:path";
import { commandLine, refuse } from "../../tools/command_line.ts";
import { addTotals, type PlantedTotal } from "../proof/totals.ts";
import { type Fault, faults } from "./faults.ts";
import { plant } from "./plant.ts";

const usage = `Usage: deno task planted [--only NAME[,NAME…]] [--seeds N] [--jobs N] [--totals FILE]

Makes the program wrong in one place after the other, in a copy of the tree, and says after how many
seeds it is found, and by what: faults of the core by its own fuzz (tests/raft/fuzz.ts), those of
the log by its crashes (tests/raft_log/crash_test.ts) or, as all others, by the simulator. 1 when a
fault is not found. --totals keeps it in a file, as docs/proof.json.`;

const options = {
  only: { type: "string", default: "" },
  seeds: { type: "string", default: "2000" },
  jobs: { type: "string", default: String(navigator.hardwareConcurrency) },
  totals: { type: "string" },
} as const;

/** What became of a fault: the seed that found it, from 1 on, and what was wrong there. */
interface Found {
  readonly fault: Fault;
  readonly seed: number | undefined;
  readonly by: string;
}

const root = new URL("../../", import.meta.url).pathname;

async function main(): Promise<number> {
  const { values } = commandLine(usage, { options });
  const seeds = Number(values.seeds);
  const jobs = Number(values.jobs);
  if (!(seeds >= 1) || !(jobs >= 1)) refuse(usage, "There is at least one seed, and one job");
  const names = values.only === "" ? faults.map(({ name }) => name) : values.only.split(",");
  const waiting = names.map((name) => {
    const fault = faults.find((each) => each.name === name);
    if (fault === undefined) refuse(usage, `There is no fault ${name}`);
    return fault;
  });
  const results: Found[] = [];
  const work = async () => {
    for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
      const found = await look(fault, seeds);
      results.push(found);
      console.log(lineOf(found));
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  if (values.totals !== undefined) {
    const planted = Object.fromEntries(
      results.map(({ fault, seed, by }): [string, PlantedTotal] => [
        fault.name,
        seed === undefined ? { by } : { seed, by },
      ]),
    );
    await addTotals(values.totals, { sums: {}, planted });
  }
  const missed = results.filter(({ seed }) => seed === undefined);
  console.log(`${results.length - missed.length} of ${results.length} planted faults were found`);
  return missed.length === 0 ? 0 : 1;
}

/** Runs seeds, one after the other, over a copy of the tree with the fault in it. */
async function look(fault: Fault, seeds: number): Promise<Found> {
  await using copy = await plantedTree(fault);
  if (fault.file.startsWith("src/raft/")) {
    const found = await lookInTheCore(fault, seeds, copy.directory);
    if (found !== undefined) return found;
  }
  if (fault.file.startsWith("src/raft_log/")) {
    const found = await lookInTheLog(fault, seeds, copy.directory);
    if (found !== undefined) return found;
  }
  const { store = "toy" } = fault;
  const args = ["--jobs", "1", "--seeds", String(seeds), "--store", store];
  const { out, error } = await run(copy.directory, [
    ...["run", "-A", "--no-check", "tests/simulation/main.ts"],
    ...args,
  ]);
  const [, seed, by] = /^Seed (\d+) failed after .*\n {2}(.*)$/m.exec(error) ?? [];
  if (seed !== undefined) return { fault, seed: Number(seed), by: by ?? "" };
  const isWhole = out.trim() !== "";
  // What ends the simulator itself was found too, but nobody knows where.
  return { fault, seed: isWhole ? undefined : 0, by: isWhole ? "" : error.trim().slice(0, 200) };
}

/** The core alone, without its driver, log and store: many more seeds in the same time. */
async function lookInTheCore(
  fault: Fault,
  seeds: number,
  directory: string,
): Promise<Found | undefined> {
  const { out, error } = await run(directory, [
    ...["test", "--no-check", "tests/raft/fuzz_test.ts", "--"],
    `--runs=${seeds}`,
  ]);
  const [, seed] = /Seed (\d+), \d+ steps/.exec(out + error) ?? [];
  if (seed === undefined) return undefined;
  const [, by = ""] = /Caused by: (?:AssertionError: )?(.*)/.exec(out + error) ?? [];
  return { fault, seed: Number(seed), by: `core: ${by}` };
}

/** The log alone, through crashes of which each leaves another part of what was not synced. */
async function lookInTheLog(
  fault: Fault,
  seeds: number,
  directory: string,
): Promise<Found | undefined> {
  const { out, error } = await run(
    directory,
    ["test", "-A", "--no-check", "tests/raft_log/crash_test.ts"],
    { RAFT_LOG_SEEDS: String(seeds) },
  );
  const [, seed] = /RAFT_LOG_SEED=(\d+)/.exec(out + error) ?? [];
  if (seed === undefined) return undefined;
  const [, by = ""] = /Caused by: (?:AssertionError: )?(.*)/.exec(out + error) ?? [];
  // Its first seed is 0.
  return { fault, seed: Number(seed) + 1, by: `log: ${by}` };
}

async function run(
  cwd: string,
  args: string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ out: string; error: string }> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { out: decoder.decode(stdout), error: decoder.decode(stderr) };
}

async function plantedTree(fault: Fault) {
  const directory = await Deno.makeTempDir({ prefix: "raftlite-planted-" });
  for (const name of ["src", "tests", "tools", "deno.json", "deno.lock", "main.ts"]) {
    await copy(join(root, name), join(directory, name));
  }
  const path = join(directory, fault.file);
  await Deno.writeTextFile(path, plant(await Deno.readTextFile(path), fault));
  return {
    directory,
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

async function copy(from: string, to: string): Promise<void> {
  const { isDirectory } = await Deno.stat(from);
  if (!isDirectory) {
    await Deno.mkdir(dirname(to), { recursive: true });
    await Deno.copyFile(from, to);
    return;
  }
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) await copy(join(from, name), join(to, name));
}

function lineOf({ fault, seed, by }: Found): string {
  const when = seed === undefined ? "NOT FOUND" : `seed ${seed}`;
  return `${fault.name.padEnd(36)} ${when.padEnd(10)} ${by}`;
}

Deno.exit(await main());
