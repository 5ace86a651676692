import Table from "cli-table3";
import { DurationError, parseDuration } from "../../base/duration.ts";
import {
  accessHelp,
  accessLongNames,
  accessOf,
  accessOptions,
  accessVariablesHelp,
  type ClientAccess,
  givenSecrets,
} from "../client_access.ts";
import { parseOptions } from "../command_options.ts";
import { FlagError } from "../flag_error.ts";
import { print, printError } from "../output.ts";
import { measure, median, percentile } from "./measure.ts";
import type { Load, Outcome } from "./measure.ts";
import { scenarios } from "./scenarios.ts";
import type { Scenario } from "./scenarios.ts";
import { cleanUp, parseTarget, prepare } from "./target.ts";
import type { Target } from "./target.ts";

const help = `Usage: raftlite bench -target NAME=URL[,URL…] [-target …] [flags]

Measures servers that speak this HTTP API, and compares them: each measurement is taken of one
target after the other, and in the next round in the reverse order. Each scenario begins with a
warm-up of every target, which is not counted. Clients spread over the URLs of a target. Two tables,
raftlite_bench_writes and raftlite_bench_reads, are made and dropped again.

      -target NAME=URL[,URL…]
                            A system and its nodes, over http or https; the first one given is what
                            ratios are to
      -clients N[,N…]       Clients at once (default 1,16,64)
      -duration DURATION    Length of one measurement, 50ms to 60s (default 2s)
      -warmup DURATION      Length of a warm-up, 0s to 60s (default 1s)
      -rounds N             Measurements of each kind, 1 to 100 (default 2)
      -only NAME[,NAME…]    Only these scenarios
      -new-connections      A new connection for each request, whose making is part of what is measured
      -json                 Print JSON instead of a table
${accessHelp}

A user, token, authority and certificate are those of all targets.
${accessVariablesHelp}

Scenarios:
${scenarios.map(({ name, description }) => `  ${name.padEnd(24)}  ${description}`).join("\n")}

Example:
  raftlite bench -target ours=http://127.0.0.1:4001 -target other=http://127.0.0.1:5001 -only insert
`;

/** The flags of raftlite bench, as parseArgs takes them. */
export const benchOptions = {
  target: { type: "string", multiple: true },
  clients: { type: "string", default: "1,16,64" },
  duration: { type: "string", default: "2s" },
  warmup: { type: "string", default: "1s" },
  rounds: { type: "string", default: "2" },
  only: {
    type: "string",
    default: scenarios.filter(({ onlyIfAsked }) => !onlyIfAsked).map(({ name }) => name).join(","),
  },
  "new-connections": { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  ...accessOptions,
  help: { type: "boolean", default: false },
} as const;

export const benchLongNames: ReadonlyMap<string, string> = new Map(accessLongNames);

/** What a benchmark is to measure. */
export interface Plan {
  readonly targets: readonly Target[];
  readonly scenarios: readonly Scenario[];
  readonly clients: readonly number[];
  readonly durationMs: number;
  /** How long every target is driven before a scenario is measured: until then code is compiled and caches fill. */
  readonly warmupMs: number;
  readonly rounds: number;
  /** Whether each request has a connection of its own. */
  readonly newConnections: boolean;
  /** How long a target may take to get ready; 30 s by default. */
  readonly readyTimeoutMs?: number;
}

/** What was measured of one target in one scenario with so many clients. */
export interface Row {
  readonly scenario: string;
  readonly clients: number;
  readonly target: string;
  /** The median of all rounds. */
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
  readonly firstError?: string;
  /** Requests a second as a multiple of the first target's. */
  readonly ratio: number;
}

/** The sub-command that measures servers. */
export async function bench(args: readonly string[]): Promise<number> {
  const values = parseOptions(args, benchOptions, benchLongNames);
  if (values.help) {
    print(help);
    return 0;
  }
  const rows = await runPlan({
    scenarios: parseScenarios(values.only),
    clients: values.clients.split(",").map((text) => parseCount("clients", text, 1024)),
    durationMs: parseBenchDuration("duration", values.duration, 50),
    warmupMs: parseBenchDuration("warmup", values.warmup, 0),
    rounds: parseCount("rounds", values.rounds, 100),
    newConnections: values["new-connections"],
    // Last, as it may ask a person for a password.
    targets: parseTargets(values.target ?? [], () => accessOf(values, givenSecrets)),
  }, (line) => printError(`${line}\n`));
  print(values.json ? `${JSON.stringify(rows, null, 2)}\n` : `${tableOf(rows)}\n`);
  return rows.some(({ requestsPerSecond }) => requestsPerSecond === 0) ? 1 : 0;
}

/** Takes all measurements, and tells `progress` about each. */
export async function runPlan(plan: Plan, progress: (line: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  try {
    for (const target of plan.targets) await prepare(target, plan.readyTimeoutMs ?? 30_000);
    for (const scenario of plan.scenarios) {
      await warmUp(plan, scenario);
      for (const clients of plan.clients) {
        progress(`${scenario.name}, ${clients} ${clients === 1 ? "client" : "clients"}`);
        const outcomes = await measureTargets(plan, scenario, clients);
        rows.push(...rowsOf(scenario.name, clients, outcomes));
      }
    }
  } finally {
    for (const target of plan.targets) {
      await cleanUp(target).catch((error) =>
        progress(`${target.name}: tables not dropped: ${error}`)
      );
    }
  }
  return rows;
}

async function warmUp(plan: Plan, scenario: Scenario): Promise<void> {
  if (plan.warmupMs === 0) return;
  const clients = Math.max(...plan.clients);
  const load = { clients, durationMs: plan.warmupMs, newConnections: plan.newConnections };
  for (const target of plan.targets) await drive(target, scenario, load);
}

/** Puts the load of a scenario on a target. */
function drive(
  { endpoints }: Target,
  scenario: Scenario,
  load: Pick<Load, "clients" | "durationMs" | "newConnections">,
): Promise<Outcome> {
  const requests = endpoints.map((endpoint) => scenario.requests(endpoint));
  return measure({ endpoints, requests, ...load });
}

/** One scenario with so many clients: all rounds of all targets, the order reversed in every other round. */
async function measureTargets(
  plan: Plan,
  scenario: Scenario,
  clients: number,
): Promise<Map<string, Outcome[]>> {
  const outcomes = new Map(plan.targets.map(({ name }): [string, Outcome[]] => [name, []]));
  const { durationMs, newConnections } = plan;
  const load = { clients, durationMs, newConnections };
  for (let round = 0; round < plan.rounds; round++) {
    for (const target of round % 2 === 0 ? plan.targets : plan.targets.toReversed()) {
      outcomes.get(target.name)?.push(await drive(target, scenario, load));
    }
  }
  return outcomes;
}

function rowsOf(
  scenario: string,
  clients: number,
  outcomes: ReadonlyMap<string, readonly Outcome[]>,
): Row[] {
  let baseline: number | undefined;
  return [...outcomes].map(([target, rounds]) => {
    const requestsPerSecond = median(rounds.map((round) => round.requestsPerSecond));
    const latenciesMs = rounds.flatMap((round) => round.latenciesMs);
    const firstError = rounds.find((round) => round.firstError !== undefined)?.firstError;
    baseline ??= requestsPerSecond;
    return {
      scenario,
      clients,
      target,
      requestsPerSecond,
      p50Ms: percentile(latenciesMs, 0.5),
      p99Ms: percentile(latenciesMs, 0.99),
      errors: rounds.reduce((sum, round) => sum + round.errors, 0),
      ...(firstError === undefined ? {} : { firstError }),
      ratio: requestsPerSecond / baseline,
    };
  });
}

/** The measurements as a table for people. */
export function tableOf(rows: readonly Row[]): string {
  const table = new Table({
    head: ["Scenario", "Clients", "Target", "Requests/s", "p50 ms", "p99 ms", "Errors", "Ratio"],
    colAligns: ["left", "right", "left", "right", "right", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) {
    table.push([
      row.scenario,
      row.clients,
      row.target,
      row.requestsPerSecond.toFixed(0),
      row.p50Ms.toFixed(2),
      row.p99Ms.toFixed(2),
      row.errors,
      row.ratio.toFixed(2),
    ]);
  }
  const errors = rows.filter((row) => row.firstError !== undefined).map((row) =>
    `${row.scenario}, ${row.clients} clients, ${row.target}: ${row.firstError}`
  );
  return [table.toString(), ...errors].join("\n");
}

function parseTargets(texts: readonly string[], readAccess: () => ClientAccess): Target[] {
  if (texts.length === 0) {
    throw new FlagError(2, "Nothing to measure: give -target name=http://host:port");
  }
  if (texts.length > 16) throw new FlagError(2, "Too many targets: at most 16");
  const access = readAccess();
  const targets = texts.map((text) => parseTarget(text, access));
  const names = new Set(targets.map(({ name }) => name));
  if (names.size < targets.length) throw new FlagError(2, "Two targets have the same name");
  return targets;
}

function parseScenarios(text: string): Scenario[] {
  const wanted = text.split(",").map((name) => name.trim());
  const unknown = wanted.find((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown !== undefined) {
    const known = scenarios.map(({ name }) => name).join(", ");
    throw new FlagError(2, `Unknown scenario ${unknown}: there are ${known}`);
  }
  return scenarios.filter(({ name }) => wanted.includes(name));
}

function parseCount(flag: string, text: string, max: number): number {
  const count = /^\d{1,9}$/.test(text.trim()) ? Number(text) : NaN;
  if (!(count >= 1 && count <= max)) {
    throw new FlagError(2, `Invalid value ${text} for flag -${flag}: 1 to ${max}`);
  }
  return count;
}

function parseBenchDuration(flag: string, text: string, leastMs: number): number {
  try {
    const durationMs = parseDuration(text);
    if (durationMs >= leastMs && durationMs <= 60_000) return durationMs;
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new FlagError(2, `Invalid value for flag -${flag}: ${error.message}`);
  }
  throw new FlagError(2, `Invalid value ${text} for flag -${flag}: ${leastMs}ms to 60s`);
}
