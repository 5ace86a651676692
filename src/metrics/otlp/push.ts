import type { Resource } from "@opentelemetry/resources";
import type { PushMetricExporter } from "@opentelemetry/sdk-metrics";
import { messageOf } from "../../base/message_of.ts";
import { repeat } from "../../io/repeat.ts";
import type { Clock, Logger, Timer } from "../../io/types.ts";
import { within } from "../../io/within.ts";
import type { Family } from "../families.ts";
import { metricExporter } from "./exporter.ts";
import { metricData } from "./metric_data.ts";
import { resourceOf } from "./resource.ts";
import type { OtlpFigures, OtlpOptions, OtlpSource } from "./types.ts";

/** How long the last push may hold up a node that stops, in ms: its collector may be gone. */
const lastPushMs = 2_000;
/** A failure that goes on is logged again after so long, in ms. */
const logAgainMs = 600_000;

export interface OtlpPushParts extends OtlpSource {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly families: () => Promise<readonly Family[]>;
}

/**
 * Pushes a node's metrics to a collector, at an interval and once at the end. What cannot be
 * delivered is not kept: counters only go up, and the next push tells all that this one would have.
 */
export class OtlpPush {
  readonly #parts: OtlpPushParts;
  readonly #options: OtlpOptions;
  readonly #exporter: PushMetricExporter;
  readonly #resource: Resource;
  #timer: Timer | undefined;
  #failure: string | undefined;
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(options: OtlpOptions, parts: OtlpPushParts) {
    this.#options = options;
    this.#parts = parts;
    this.#exporter = metricExporter(options);
    this.#resource = resourceOf(parts);
  }

  get figures(): OtlpFigures {
    const { endpoint, protocol, insecure, intervalMs, noVerify } = this.#options;
    return { endpoint, protocol, insecure, intervalMs, noVerify, failure: this.#failure };
  }

  start(): void {
    const { clock } = this.#parts;
    this.#timer = repeat(clock, this.#options.intervalMs, () => this.#push());
  }

  /** Pushes once more, and gives that a moment. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await within(this.#parts.clock, lastPushMs, this.#push());
    void this.#exporter.shutdown().catch(() => {});
  }

  /** Never rejects. */
  async #push(): Promise<void> {
    try {
      await this.#export(await this.#parts.families());
      if (this.#failure !== undefined) this.#log("INFO", "Metrics reach their collector again");
      this.#failure = undefined;
    } catch (error) {
      this.#failed(messageOf(error));
    }
  }

  #export(families: readonly Family[]): Promise<void> {
    const { clock, startedAtMs, version } = this.#parts;
    const metrics = metricData(families, startedAtMs, clock.wallTime());
    const scopeMetrics = [{ scope: { name: "raftlite", version }, metrics }];
    return new Promise((resolve, reject) => {
      this.#exporter.export({ resource: this.#resource, scopeMetrics }, ({ code, error }) => {
        if (code === 0) resolve();
        else reject(error ?? new Error("The collector did not take them"));
      });
    });
  }

  #failed(failure: string): void {
    const isNew = this.#failure === undefined;
    this.#failure = failure;
    const now = this.#parts.clock.now();
    if (!isNew && now - this.#loggedAt < logAgainMs) return;
    this.#loggedAt = now;
    this.#log("WARN", `Metrics do not reach ${this.#options.endpoint}: ${failure}`);
  }

  #log(level: "INFO" | "WARN", message: string): void {
    this.#parts.logger.log(level, "metrics", message);
  }
}
