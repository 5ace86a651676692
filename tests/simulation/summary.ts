import { disturbances } from "./plan.ts";
import type { RunResult } from "./simulation.ts";

/** Adds up what runs did, so that one sees that the faults do happen. */
export class Summary {
  readonly #counts = new Map<string, number>();
  readonly #startedAt = performance.now();
  runs = 0;
  failures = 0;

  /** All of it by name, for sums over many runs. */
  get counts(): Readonly<Record<string, number>> {
    const seconds = Math.round((performance.now() - this.#startedAt) / 1000);
    return {
      seeds: this.runs,
      failed: this.failures,
      seconds,
      ...Object.fromEntries(this.#counts),
    };
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  #add(name: string, value: number): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + value);
  }

  add(result: RunResult): void {
    this.runs++;
    if (result.violation !== undefined) this.failures++;
    const { network, workload } = result;
    this.#add("events", result.events);
    this.#add("virtual seconds", Math.round(result.virtualMs / 1000));
    this.#add("leaders", result.leaders);
    this.#add("entries committed", result.committed);
    this.#add("snapshots installed", result.snapshots);
    this.#add("writes acknowledged", workload.applied);
    this.#add("of them through another node", workload.forwarded);
    this.#add("writes refused", workload.refused);
    this.#add("writes of unknown fate", workload.unknown);
    for (const [level, count] of Object.entries(workload.reads)) {
      this.#add(`reads ${level}`, count);
    }
    this.#add("reads failed", workload.readsFailed);
    this.#add("entries whose changes were compared", result.changes.compared);
    this.#add("changes of rows replayed", result.changes.replayed);
    this.#add("reads by permit", workload.permittedReads);
    for (const [what, count] of Object.entries(network)) this.#add(`messages ${what}`, count);
    for (const disturbance of disturbances) {
      this.#add(disturbance, result.disturbances.get(disturbance) ?? 0);
    }
  }

  text(): string {
    const elapsedMs = performance.now() - this.#startedAt;
    const lines = [...this.#counts].map(([name, count]) =>
      `${String(count).padStart(10)}  ${name.replaceAll("_", " ")}`
    );
    return [
      ...lines,
      `${this.runs} seeds, ${this.failures} failed, ${(elapsedMs / 1000).toFixed(1)} s, ${
        (elapsedMs / this.runs).toFixed(1)
      } ms a seed`,
    ].join("\n");
  }
}
