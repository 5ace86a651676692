import { drive, warmUp } from "../full_load.ts";
import { FlagError } from "../../flag_error.ts";
import { inRounds, sortedPercentile } from "../measure.ts";
import { type Scenario, wholeRequests } from "../scenarios.ts";
import { StartedCluster } from "../started_cluster.ts";
import { type Target, withTables } from "../target.ts";
import {
  dropJoined,
  needsStarted,
  type PastEvent,
  type PlannedEvent,
  runEvents,
} from "./events.ts";
import { fill } from "./fill.ts";
import { type RateOutcome, sendAtRate } from "./fixed_rate.ts";

/** How long after an event what was due is looked at for its effect, in ms. */
const effectMs = 1_000;

/** How many requests are to be sent: so many a second, or a share of what the target can answer. */
export type Rate = { readonly perSecond: number } | { readonly share: number };

/** What is measured of targets that get requests at a fixed rate. */
export interface RatePlan {
  readonly targets: readonly Target[];
  readonly scenarios: readonly Scenario[];
  readonly rate: Rate;
  /** Requests under way at most. */
  readonly connections: number;
  readonly durationMs: number;
  readonly warmupMs: number;
  readonly rounds: number;
  readonly events: readonly PlannedEvent[];
  /** How large the databases are made before, in bytes; undefined: as they are. */
  readonly sizeBytes?: number | undefined;
}

/** An event, and what requests took which were under way in it or due within a second after it; 0 for none. */
export interface EventRow {
  readonly name: PastEvent["name"];
  readonly atMs: number;
  readonly lastedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
  readonly error?: string;
}

/** Of all rounds together. */
export interface RateRow {
  readonly scenario: string;
  readonly target: string;
  /** Asked for, a second. */
  readonly perSecond: number;
  readonly answeredPerSecond: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly p9999Ms: number;
  readonly maxMs: number;
  readonly again: number;
  readonly errors: number;
  readonly firstError?: string;
  readonly events: readonly EventRow[];
  /** The longest that a request took which was due near no event. */
  readonly quietMaxMs: number;
}

/** A row and what it was made of. */
export interface RateMeasurement {
  readonly row: RateRow;
  readonly rounds: readonly RateOutcome[];
}

/** Takes all measurements, and tells `progress` about each. */
export async function runRatePlan(
  plan: RatePlan,
  progress: (line: string) => void,
): Promise<RateMeasurement[]> {
  const measurements: RateMeasurement[] = [];
  await withTables(plan, progress, async () => {
    for (const target of plan.targets) await fill(target, plan.sizeBytes ?? 0, progress);
    for (const scenario of plan.scenarios) {
      measurements.push(...await measureAll(plan, scenario, progress));
    }
  });
  return measurements;
}

interface Round {
  readonly outcome: RateOutcome;
  readonly events: readonly PastEvent[];
}

/** One scenario: all rounds of all targets. */
async function measureAll(
  plan: RatePlan,
  scenario: Scenario,
  progress: (line: string) => void,
): Promise<RateMeasurement[]> {
  const { targets, connections, warmupMs } = plan;
  await warmUp({ targets, clients: [connections], warmupMs, newConnections: false }, scenario);
  const rates = new Map<Target, number>();
  for (const target of targets) rates.set(target, await rateOf(plan, scenario, target));
  const rounds = await inRounds(targets, plan.rounds, (target) => {
    const perSecond = rates.get(target) ?? 0;
    progress(`${scenario.name}, ${target.name}, ${perSecond.toFixed(0)} requests a second`);
    return measureOne(plan, scenario, target, perSecond);
  });
  return [...rounds].map(([target, all]) => ({
    row: {
      ...rowOf(all),
      scenario: scenario.name,
      target: target.name,
      perSecond: rates.get(target) ?? 0,
    },
    rounds: all.map(({ outcome }) => outcome),
  }));
}

/** Requests a second that this target is to get: of a share it is first seen what all of it is. */
async function rateOf(plan: RatePlan, scenario: Scenario, target: Target): Promise<number> {
  if ("perSecond" in plan.rate) return plan.rate.perSecond;
  const durationMs = Math.min(plan.durationMs, 5_000);
  const load = { clients: plan.connections, durationMs, newConnections: false };
  const { requestsPerSecond } = await drive(target, scenario, load);
  return Math.max(1, Math.round(requestsPerSecond * plan.rate.share));
}

async function measureOne(
  plan: RatePlan,
  scenario: Scenario,
  target: Target,
  perSecond: number,
): Promise<Round> {
  const { connections, durationMs } = plan;
  const { endpoints } = target;
  const requests = endpoints.map((endpoint) => wholeRequests(scenario, endpoint));
  let events: Promise<PastEvent[]> = Promise.resolve([]);
  const outcome = await sendAtRate(
    { endpoints, requests, connections, perSecond, durationMs },
    (start) => events = runEvents(target, plan.events, start),
  );
  const past = await events;
  if (target instanceof StartedCluster) await dropJoined(target, endpoints.length);
  return { outcome, events: past };
}

/** Throws a FlagError when there is something in the plan that cannot be done. */
export function checkRatePlan(
  { targets, scenarios, events, sizeBytes }: Pick<
    RatePlan,
    "targets" | "scenarios" | "events" | "sizeBytes"
  >,
): void {
  const several = scenarios.find(({ name }) => name.startsWith("tx-"));
  if (several !== undefined) {
    throw new FlagError(
      2,
      `Scenario ${several.name} takes several requests: flag -rate sends single ones`,
    );
  }
  const event = events.find(({ name }) => needsStarted(name));
  const given = targets.find((target) => !(target instanceof StartedCluster));
  if (event !== undefined && given !== undefined) {
    throw new FlagError(
      2,
      `Event ${event.name} needs nodes that -start has started, unlike ${given.name}`,
    );
  }
  if (sizeBytes !== undefined && given !== undefined) {
    throw new FlagError(
      2,
      `Flag -size needs nodes that -start has started, unlike ${given.name}`,
    );
  }
}

function rowOf(rounds: readonly Round[]): Omit<RateRow, "scenario" | "target" | "perSecond"> {
  const outcomes = rounds.map(({ outcome }) => outcome);
  const latenciesMs = Float64Array.from(outcomes.flatMap((outcome) => outcome.latenciesMs)).sort();
  const at = (fraction: number) => sortedPercentile(latenciesMs, fraction);
  const elapsedMs = outcomes.reduce((sum, outcome) => sum + outcome.elapsedMs, 0);
  const firstError = outcomes.find((outcome) => outcome.firstError !== undefined)?.firstError;
  return {
    answeredPerSecond: latenciesMs.length / elapsedMs * 1000,
    p50Ms: at(0.5),
    p90Ms: at(0.9),
    p99Ms: at(0.99),
    p999Ms: at(0.999),
    p9999Ms: at(0.9999),
    maxMs: at(1),
    again: outcomes.reduce((sum, { again }) => sum + again, 0),
    errors: outcomes.reduce((sum, { errors }) => sum + errors, 0),
    ...(firstError === undefined ? {} : { firstError }),
    events: rounds.flatMap(({ outcome, events }) =>
      events.map((event) => eventRow(event, outcome))
    ),
    quietMaxMs: Math.max(0, ...rounds.map(quietMax)),
  };
}

function eventRow(event: PastEvent, outcome: RateOutcome): EventRow {
  const { name, atMs, endMs, error } = event;
  const near = latenciesOf(outcome, (due, latency) => isNear(event, due, latency));
  const at = (fraction: number) => near.length === 0 ? 0 : sortedPercentile(near, fraction);
  return {
    name,
    atMs,
    lastedMs: endMs - atMs,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    longestMs: at(1),
    ...(error === undefined ? {} : { error }),
  };
}

function quietMax({ outcome, events }: Round): number {
  const isQuiet = (due: number, latency: number) =>
    !events.some((event) => isNear(event, due, latency));
  return latenciesOf(outcome, isQuiet).at(-1) ?? 0;
}

/** Whether a request was under way in an event, or due soon after it. */
function isNear({ atMs, endMs }: PastEvent, due: number, latency: number): boolean {
  return due + latency >= atMs && due <= endMs + effectMs;
}

/** What those requests took, in ms, ascending. */
function latenciesOf(
  { dueMs, latenciesMs }: RateOutcome,
  isMeant: (due: number, latency: number) => boolean,
): Float64Array {
  const meant = latenciesMs.filter((latency, i) => isMeant(dueMs[i] ?? 0, latency));
  return Float64Array.from(meant).sort();
}
