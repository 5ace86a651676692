import Table from "cli-table3";
import { leaderOf } from "./leader.ts";
import { inRounds, measure, median, percentile } from "./measure.ts";
import type { Load, Outcome } from "./measure.ts";
import type { Scenario } from "./scenarios.ts";
import { type Target, withTables } from "./target.ts";

/** What is measured of targets that get as many requests as they answer. */
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
  /** Whether all clients are at the node that leads; else they spread over the nodes. */
  readonly atLeader?: boolean;
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

/** Takes all measurements, and tells `progress` about each. */
export async function runPlan(plan: Plan, progress: (line: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  await withTables(plan, progress, async () => {
    for (const scenario of plan.scenarios) {
      await warmUp(plan, scenario);
      for (const clients of plan.clients) {
        progress(`${scenario.name}, ${clients} ${clients === 1 ? "client" : "clients"}`);
        const { durationMs, newConnections, atLeader } = plan;
        const load = { clients, durationMs, newConnections, atLeader };
        const outcomes = await inRounds(
          plan.targets,
          plan.rounds,
          (target) => drive(target, scenario, load),
        );
        rows.push(...rowsOf(scenario.name, clients, outcomes));
      }
    }
  });
  return rows;
}

/** Drives every target for a while before a scenario is measured. */
export async function warmUp(
  plan: Pick<Plan, "targets" | "clients" | "warmupMs" | "newConnections" | "atLeader">,
  scenario: Scenario,
): Promise<void> {
  if (plan.warmupMs === 0) return;
  const clients = Math.max(...plan.clients);
  const { warmupMs: durationMs, newConnections, atLeader } = plan;
  const load = { clients, durationMs, newConnections, atLeader };
  for (const target of plan.targets) await drive(target, scenario, load);
}

type TargetLoad =
  & Pick<Load, "clients" | "durationMs" | "newConnections">
  & { readonly atLeader?: boolean | undefined };

/** Puts the load of a scenario on a target. */
export async function drive(
  target: Target,
  scenario: Scenario,
  { atLeader, ...load }: TargetLoad,
): Promise<Outcome> {
  const endpoints = atLeader ? [await leaderOf(target)] : target.endpoints;
  const requests = endpoints.map((endpoint) => scenario.requests(endpoint));
  return await measure({ endpoints, requests, ...load });
}

function rowsOf(
  scenario: string,
  clients: number,
  outcomes: ReadonlyMap<Target, readonly Outcome[]>,
): Row[] {
  let baseline: number | undefined;
  return [...outcomes].map(([{ name: target }, rounds]) => {
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
