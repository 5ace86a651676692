import { disturbances } from "./plan.ts";
import type { RunResult } from "./simulation.ts";

/** Adds up what runs did, so that one sees that the faults do happen. */
export class Summary {
  readonly #counts = new Map<string, number>();
  readonly #startedAt = performance.now();
  runs = 0;
  failures = 0;

  #count(name: string, value: number): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + value);
  }

  add(result: RunResult): void {
    this.runs++;
    if (result.violation !== undefined) this.failures++;
    const { network, workload } = result;
    this.#count("events", result.events);
    this.#count("virtual seconds", Math.round(result.virtualMs / 1000));
    this.#count("leaders", result.leaders);
    this.#count("entries committed", result.committed);
    this.#count("snapshots installed", result.snapshots);
    this.#count("writes acknowledged", workload.applied);
    this.#count("of them through another node", workload.forwarded);
    this.#count("writes refused", workload.refused);
    this.#count("writes of unknown fate", workload.unknown);
    for (const [level, count] of Object.entries(workload.reads)) {
      this.#count(`reads ${level}`, count);
    }
    this.#count("reads failed", workload.readsFailed);
    for (const [what, count] of Object.entries(network)) this.#count(`messages ${what}`, count);
    for (const disturbance of disturbances) {
      this.#count(disturbance, result.disturbances.get(disturbance) ?? 0);
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
