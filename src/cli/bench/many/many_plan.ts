import { messageOf } from "../../../base/message_of.ts";
import { sortedPercentile } from "../measure.ts";
import { sendAtRate } from "../rate/fixed_rate.ts";
import { type Scenario, wholeRequests } from "../scenarios.ts";
import { StartedCluster } from "../started_cluster.ts";
import { type Target, withTables } from "../target.ts";
import type { Burden, Sizes } from "./burdens.ts";

/** How often memory is looked at, in ms. */
const lookEveryMs = 50;

/** How long a burden has to weigh before the ordinary requests begin, in ms. */
const beginMsMax = 10_000;

/** What servers bear beside ordinary requests is measured of each target in turn. */
export interface ManyPlan {
  readonly targets: readonly Target[];
  readonly burdens: readonly Burden[];
  readonly sizes: Sizes;
  /** The ordinary requests: one of each in turn, at this rate. */
  readonly scenarios: readonly Scenario[];
  readonly perSecond: number;
  readonly connections: number;
  readonly durationMs: number;
  /** How long a server has to give memory back before it is looked at again. */
  readonly settleMs: number;
}

export interface ManyRow {
  readonly burden: string;
  readonly target: string;
  /** How often the burden was done. */
  readonly done: number;
  readonly burdenError?: string;
  /** Of ordinary requests beside it, from when each should have been sent. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly errors: number;
  /** Resident memory of the node that bears it, in bytes; undefined where it cannot be seen. */
  readonly bytesBefore?: number;
  readonly bytesMost?: number;
  readonly bytesAfter?: number;
}

/** Takes all measurements, and tells `progress` about each. */
export async function runManyPlan(
  plan: ManyPlan,
  progress: (line: string) => void,
): Promise<ManyRow[]> {
  const rows: ManyRow[] = [];
  await withTables(plan, progress, async () => {
    for (const burden of plan.burdens) {
      for (const target of plan.targets) {
        progress(`${burden.name}, ${target.name}`);
        rows.push(await measureOne(plan, burden, target));
      }
    }
  });
  return rows;
}

/** The first node has the burden, and the ordinary requests, too. */
async function measureOne(plan: ManyPlan, burden: Burden, target: Target): Promise<ManyRow> {
  const [endpoint] = target.endpoints;
  if (endpoint === undefined) throw new Error(`Target ${target.name} has no node`);
  const { sizes, connections, perSecond, durationMs } = plan;
  using memory = new Memory(target);
  const ending = new AbortController();
  const begun = Promise.withResolvers<void>();
  const carried = burden.carry({ endpoint, sizes, begun: begun.resolve, signal: ending.signal })
    .then((done) => ({ done }), (error) => ({ done: 0, burdenError: messageOf(error) }));
  // A server may let some of those wait who are to weigh on it.
  const late = setTimeout(begun.resolve, beginMsMax);
  await Promise.race([begun.promise, carried]);
  clearTimeout(late);
  const requests = plan.scenarios.flatMap((scenario) =>
    wholeRequests(scenario, endpoint).slice(0, 1)
  );
  const outcome = await sendAtRate({
    endpoints: [endpoint],
    requests: [requests],
    connections,
    perSecond,
    durationMs,
  });
  ending.abort();
  const result = await carried;
  memory.look();
  await new Promise((resolve) => setTimeout(resolve, plan.settleMs));
  const sorted = Float64Array.from(outcome.latenciesMs).sort();
  return {
    burden: burden.name,
    target: target.name,
    ...result,
    p50Ms: sortedPercentile(sorted, 0.5),
    p99Ms: sortedPercentile(sorted, 0.99),
    maxMs: sortedPercentile(sorted, 1),
    errors: outcome.errors,
    ...memory.seen(),
  };
}

/** Watches the resident memory of the first node, where it was started here and the system tells. */
class Memory implements Disposable {
  readonly #pid: number | undefined;
  readonly #before: number | undefined;
  #most = 0;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(target: Target) {
    this.#pid = target instanceof StartedCluster ? target.nodes[0]?.child?.pid : undefined;
    this.#before = residentBytes(this.#pid);
    this.#timer = setInterval(() => this.look(), lookEveryMs);
  }

  look(): void {
    this.#most = Math.max(this.#most, residentBytes(this.#pid) ?? 0);
  }

  seen(): Pick<ManyRow, "bytesBefore" | "bytesMost" | "bytesAfter"> {
    const bytesAfter = residentBytes(this.#pid);
    if (this.#before === undefined || bytesAfter === undefined) return {};
    return { bytesBefore: this.#before, bytesMost: this.#most, bytesAfter };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
function residentBytes(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const status = Deno.readTextFileSync(`/proc/${pid}/status`);
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}
