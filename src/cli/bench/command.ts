import { messageOf } from "../../base/message_of.ts";
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
import { endingSignals } from "../ending_signals.ts";
import { FlagError } from "../flag_error.ts";
import { print, printError } from "../output.ts";
import { runPlan, tableOf } from "./full_load.ts";
import { burdens, fullSizes } from "./many/burdens.ts";
import { runManyPlan } from "./many/many_plan.ts";
import { manyText } from "./many/many_text.ts";
import { eventNames, parseEvents } from "./rate/events.ts";
import { checkRatePlan, type Rate, runRatePlan } from "./rate/rate_plan.ts";
import { rateSvg } from "./rate/rate_drawing.ts";
import { rateText } from "./rate/rate_text.ts";
import { scenarios } from "./scenarios.ts";
import type { Scenario } from "./scenarios.ts";
import { parseStarted, StartedCluster } from "./started_cluster.ts";
import { parseTarget } from "./target.ts";
import type { Target } from "./target.ts";

const help = `Usage: raftlite bench -target NAME=URL[,URL…] [-target …] [-start …] [flags]

Measures servers that speak this HTTP API, and compares them: each measurement is taken of one
target after the other, and in the next round in the reverse order. Each scenario begins with a
warm-up of every target, which is not counted. Clients spread over the nodes of a target, so that
most of their writes are passed on to the leader. Two tables, raftlite_bench_writes and
raftlite_bench_reads, are made and dropped again.

      -target NAME=URL[,URL…]
                            A system and its nodes, over http or https; the first one given is what
                            ratios are to
      -start NAME=PROGRAM[*N]
                            A system that is started for the benchmark, N nodes (default 3) on this
                            machine: raftlite is this program, a directory has the sources of
                            another, anything else is a program with the same flags, as rqlited
      -clients N[,N…]       Clients at once (default 1,16,64; with -rate 64, requests under way at most)
      -duration DURATION    Length of one measurement, 50ms to 60s, with -rate to 1h (default 2s)
      -warmup DURATION      Length of a warm-up, 0s to 60s (default 1s)
      -rounds N             Measurements of each kind, 1 to 100 (default 2)
      -only NAME[,NAME…]    Only these scenarios
      -leader               All clients at the node that leads when a measurement begins
      -new-connections      A new connection for each request, whose making is part of what is measured
      -json                 Print JSON instead of a table
      -rate N|N%            Send N requests a second, or that share of what the system can answer, and
                            count from when each should have been sent; a request that fails is sent
                            again to the next node. Prints p50 to p99.99 and the longest
      -events NAME[@TIME],…  With -rate: what happens meanwhile, of ${eventNames.join(", ")};
                            evenly spread without times. join, kill (kill -9 of the leader, which
                            comes back after 3 s) and restart (SIGTERM) need -start; count reads the
                            whole of the largest table
      -size SIZE            With -rate and -start: make the databases so large before, as 500MB or 10GB
      -many                 Resident memory, and ordinary requests at a fixed rate (-rate, default 100),
                            beside each of the burdens below
      -draw FILE.svg        With -rate: draw latencies by percentile and over time
${accessHelp}

A user, token, authority and certificate are those of all targets.
${accessVariablesHelp}

Scenarios:
${scenarios.map(({ name, description }) => `  ${name.padEnd(24)}  ${description}`).join("\n")}

Burdens of -many, on the first node:
${burdens.map(({ name, describe }) => `  ${name.padEnd(24)}  ${describe(fullSizes)}`).join("\n")}

Examples:
  raftlite bench -target ours=http://127.0.0.1:4001 -target other=http://127.0.0.1:5001 -only insert
  raftlite bench -start ours=raftlite -start other=/usr/bin/rqlited -rate 50% -duration 5m \\
    -only insert -events snapshot,backup,join,transfer,kill -draw pauses.svg
  raftlite bench -start ours=raftlite*1 -start other=/usr/bin/rqlited*1 -many -duration 20s
`;

/** The flags of raftlite bench, as parseArgs takes them. */
export const benchOptions = {
  target: { type: "string", multiple: true },
  start: { type: "string", multiple: true },
  clients: { type: "string" },
  duration: { type: "string", default: "2s" },
  warmup: { type: "string", default: "1s" },
  rounds: { type: "string", default: "2" },
  only: {
    type: "string",
    default: scenarios.filter(({ onlyIfAsked }) => !onlyIfAsked).map(({ name }) => name).join(","),
  },
  leader: { type: "boolean", default: false },
  "new-connections": { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  rate: { type: "string" },
  events: { type: "string" },
  size: { type: "string" },
  draw: { type: "string" },
  many: { type: "boolean", default: false },
  ...accessOptions,
  help: { type: "boolean", default: false },
} as const;

export const benchLongNames: ReadonlyMap<string, string> = new Map(accessLongNames);

/** How long a server has to give memory back before it is looked at again, in ms. */
const settleMs = 2_000;

type BenchValues = ReturnType<typeof parseOptions<typeof benchOptions>>;

/** The sub-command that measures servers. */
export async function bench(args: readonly string[]): Promise<number> {
  const values = parseOptions(args, benchOptions, benchLongNames);
  if (values.help) {
    print(help);
    return 0;
  }
  if (values.many) return await benchMany(values);
  return values.rate === undefined
    ? await benchFullLoad(values)
    : await benchRate(values, parseRate(values.rate));
}

function progress(line: string): void {
  printError(`${line}\n`);
}

async function benchFullLoad(values: BenchValues): Promise<number> {
  for (const flag of ["events", "draw", "size"] as const) {
    if (values[flag] !== undefined) throw new FlagError(2, `Flag -${flag} needs flag -rate`);
  }
  const plan = {
    scenarios: parseScenarios(values.only),
    clients: (values.clients ?? "1,16,64").split(",").map((text) =>
      parseCount("clients", text, 1024)
    ),
    durationMs: parseBenchDuration("duration", values.duration, [50, 60_000]),
    warmupMs: parseBenchDuration("warmup", values.warmup, [0, 60_000]),
    rounds: parseCount("rounds", values.rounds, 100),
    newConnections: values["new-connections"],
    atLeader: values.leader,
  };
  await using targets = await openTargets(values);
  const rows = await runPlan({ ...plan, targets: targets.all }, progress);
  print(values.json ? `${JSON.stringify(rows, null, 2)}\n` : `${tableOf(rows)}\n`);
  return rows.some(({ requestsPerSecond }) => requestsPerSecond === 0) ? 1 : 0;
}

async function benchRate(values: BenchValues, rate: Rate): Promise<number> {
  if (values.leader) {
    throw new FlagError(
      2,
      "Flag -leader is not for -rate, which goes to another node when one fails",
    );
  }
  if (values["new-connections"]) {
    throw new FlagError(2, "Flag -new-connections is not for -rate, which keeps connections");
  }
  const durationMs = parseBenchDuration("duration", values.duration, [50, 3_600_000]);
  const plan = {
    scenarios: parseScenarios(values.only),
    rate,
    connections: parseCount("clients", values.clients ?? "64", 1024),
    durationMs,
    warmupMs: parseBenchDuration("warmup", values.warmup, [0, 60_000]),
    rounds: parseCount("rounds", values.rounds, 100),
    events: parseEvents(values.events ?? "", durationMs),
    sizeBytes: values.size === undefined ? undefined : parseSize(values.size),
  };
  await using targets = await openTargets(values);
  const whole = { ...plan, targets: targets.all };
  checkRatePlan(whole);
  const measurements = await runRatePlan(whole, progress);
  const rows = measurements.map(({ row }) => row);
  print(values.json ? `${JSON.stringify(rows, null, 2)}\n` : `${rateText(measurements)}\n`);
  if (values.draw !== undefined) await draw(values.draw, rateSvg(measurements));
  return rows.some(({ answeredPerSecond }) => answeredPerSecond === 0) ? 1 : 0;
}

async function benchMany(values: BenchValues): Promise<number> {
  if (values.leader) {
    throw new FlagError(2, "Flag -leader is not for -many, which asks the first node");
  }
  for (const flag of ["events", "draw", "size"] as const) {
    if (values[flag] !== undefined) throw new FlagError(2, `Flag -${flag} is not for -many`);
  }
  const rate = parseRate(values.rate ?? "100");
  if (!("perSecond" in rate)) throw new FlagError(2, "Flag -many takes no share as -rate");
  const plan = {
    burdens,
    sizes: fullSizes,
    scenarios: scenarios.filter(({ name }) => name === "insert" || name === "read-weak"),
    perSecond: rate.perSecond,
    connections: parseCount("clients", values.clients ?? "16", 1024),
    durationMs: parseBenchDuration("duration", values.duration, [50, 3_600_000]),
    settleMs,
  };
  await using targets = await openTargets(values);
  const rows = await runManyPlan({ ...plan, targets: targets.all }, progress);
  print(values.json ? `${JSON.stringify(rows, null, 2)}\n` : `${manyText(rows)}\n`);
  return rows.some(({ burdenError }) => burdenError !== undefined) ? 1 : 0;
}

async function draw(path: string, svg: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, svg);
  } catch (error) {
    throw new FlagError(1, `Flag -draw: ${path} cannot be written: ${messageOf(error)}`);
  }
}

/** What is measured; what was started for it ends with it. */
interface OpenTargets extends AsyncDisposable {
  readonly all: readonly Target[];
}

async function openTargets(values: BenchValues): Promise<OpenTargets> {
  const started = (values.start ?? []).map(parseStarted);
  const given = parseTargets(values, started.map(({ name }) => name));
  const clusters: StartedCluster[] = [];
  const end = async () => {
    await Promise.all(clusters.map((cluster) => cluster[Symbol.asyncDispose]()));
  };
  // Nodes that nobody needs any more would go on, and their data lie about.
  const interrupted = () => void end().finally(() => Deno.exit(130));
  if (started.length > 0) {
    for (const signal of endingSignals) Deno.addSignalListener(signal, interrupted);
  }
  try {
    for (const target of started) {
      progress(`${target.name} is started`);
      await StartedCluster.start(target, given.access, (cluster) => clusters.push(cluster));
    }
  } catch (error) {
    await end();
    throw error;
  }
  return { all: [...given.targets, ...clusters], [Symbol.asyncDispose]: end };
}

/** The targets that are there, of which `others` are not to have the names. */
function parseTargets(
  values: BenchValues,
  others: readonly string[],
): { readonly targets: Target[]; readonly access: ClientAccess } {
  const texts = values.target ?? [];
  if (texts.length + others.length === 0) {
    throw new FlagError(2, "Nothing to measure: give -target name=http://host:port");
  }
  if (texts.length + others.length > 16) throw new FlagError(2, "Too many targets: at most 16");
  // Last, as it may ask a person for a password.
  const access = accessOf(values, givenSecrets);
  const targets = texts.map((text) => parseTarget(text, access));
  const names = [...targets.map(({ name }) => name), ...others];
  if (new Set(names).size < names.length) throw new FlagError(2, "Two targets have the same name");
  return { targets, access };
}

/** Reads requests a second, or a share of what is possible; throws a FlagError. */
function parseRate(text: string): Rate {
  const [, digits = "", percent] = /^(\d{1,7}(?:\.\d{1,3})?)(%?)$/.exec(text.trim()) ?? [];
  const number = Number(digits);
  if (percent === "%" && number > 0 && number <= 100) return { share: number / 100 };
  if (percent === "" && number > 0 && number <= 1_000_000) return { perSecond: number };
  throw new FlagError(2, `Invalid value ${text} for flag -rate: 1 to 1000000, or 1% to 100%`);
}

const sizeUnits: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9 };

/** Reads the bytes of a database; throws a FlagError. */
function parseSize(text: string): number {
  const [, number = "", unit = ""] = /^(\d{1,6})(MB|GB)$/i.exec(text.trim()) ?? [];
  const bytes = Number(number) * (sizeUnits[unit.toUpperCase()] ?? 0);
  if (bytes > 0) return bytes;
  throw new FlagError(2, `Invalid value ${text} for flag -size: write it as 500MB or 10GB`);
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

function parseBenchDuration(
  flag: string,
  text: string,
  [leastMs, mostMs]: readonly [number, number],
): number {
  try {
    const durationMs = parseDuration(text);
    if (durationMs >= leastMs && durationMs <= mostMs) return durationMs;
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new FlagError(2, `Invalid value for flag -${flag}: ${error.message}`);
  }
  throw new FlagError(
    2,
    `Invalid value ${text} for flag -${flag}: ${leastMs}ms to ${mostMs / 1000}s`,
  );
}
