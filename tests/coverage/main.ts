import { commandLine } from "../../tools/command_line.ts";
import {
  branchesOf,
  type FileCoverage,
  linesOf,
  missedBranches,
  missedLines,
  readLcov,
  type Share,
} from "./lcov.ts";

const rooms = ["raft", "raft_log", "store", "node"];

const usage = `Usage: deno task coverage [--missed] [--profiles DIRECTORY] [FILE|FOLDER…]

Says how many lines and branches of src/${rooms.join(", src/")} the tests of these rooms
and the simulator's run between them, or those tests that are given; --missed also which lines they
do not, and on which lines branches are that they do not take. RAFTLITE_ROUNDS has more seeds run.
--profiles keeps what was measured there, and adds to what an earlier run has left: so one room can
be run after the other.`;

const all = [...rooms, "simulation"].map((room) => `tests/${room}`);

const options = {
  missed: { type: "boolean", default: false },
  profiles: { type: "string" },
} as const;

const root = new URL("../../", import.meta.url).pathname;

async function main(): Promise<number> {
  const { values, positionals } = commandLine(usage, { options, allowPositionals: true });
  const kept = values.profiles;
  const profiles = kept ?? await Deno.makeTempDir({ prefix: "raftlite-coverage-" });
  try {
    await Deno.mkdir(profiles, { recursive: true });
    // Deno 2.9 empties the directory that it is to write to.
    const own = await Deno.makeTempDir({ dir: profiles, prefix: "run-" });
    const passed = await runTests(positionals.length === 0 ? all : positionals, own);
    report(readLcov(await lcovOf(profiles)), values.missed);
    return passed ? 0 : 1;
  } finally {
    if (kept === undefined) await Deno.remove(profiles, { recursive: true });
  }
}

async function runTests(tests: readonly string[], profiles: string): Promise<boolean> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--no-check", "--parallel", `--coverage=${profiles}`, ...tests],
    cwd: root,
    // Programs that tests start are to be measured, too.
    env: { DENO_COVERAGE_DIR: profiles },
    // Its own report is of whatever was loaded.
    stdout: "null",
  }).output();
  return success;
}

async function lcovOf(profiles: string): Promise<string> {
  const include = `--include=/src/(?:${rooms.join("|")})/`;
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: ["coverage", "--lcov", include, "--exclude=/tests/", profiles],
    cwd: root,
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`deno coverage failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

function report(files: readonly FileCoverage[], withMissed: boolean): void {
  for (const room of rooms) {
    const its = files.filter(({ path }) => path.includes(`/src/${room}/`));
    console.log(its.length === 0 ? `src/${room}: no test loaded it` : lineOf(`src/${room}`, its));
    if (!withMissed) continue;
    for (const file of its) {
      const missed = [
        ["lines", missedLines(file)],
        ["branches of", missedBranches(file)],
      ].flatMap(([what, lines]) => lines === "" ? [] : [`${what} ${lines}`]);
      if (missed.length === 0) continue;
      const name = file.path.slice(file.path.indexOf("/src/") + 1);
      console.log(`  ${lineOf(name, [file])}: ${missed.join("; ")}`);
    }
  }
  console.log(lineOf("together", files));
}

function lineOf(name: string, files: readonly FileCoverage[]): string {
  return `${name}: ${textOf(linesOf(files))} of lines, ${textOf(branchesOf(files))} of branches`;
}

function textOf({ all, run }: Share): string {
  const percent = all === 0 ? 100 : run / all * 100;
  return `${percent.toFixed(1)} % (${run} of ${all})`;
}

Deno.exit(await main());
