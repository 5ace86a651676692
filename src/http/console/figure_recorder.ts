import process from "node:process";
import { untilFull } from "../../base/full_period.ts";
import { Histogram } from "../../base/histogram.ts";
import type { WriteQueue } from "../../cluster/write_queue.ts";
import type { Service } from "../../cluster/types.ts";
import type { StoreStatus } from "../../store/types.ts";
import { FigureRing } from "../../metrics/figure_ring.ts";
import type { RequestFigures } from "../../metrics/request_figures.ts";
import type { TurnFigures } from "../types.ts";

/** How often a row is made, in ms, and for how long it is kept. */
export const figuresEveryMs = 5_000;
const keptMs = 3_600_000;
/** A store that applies nothing is asked for so many rows more: a checkpoint may come behind the last entry. */
const restlessRows = 12;

/** What a row has; names are stable, as people plot them. */
const names = [
  "entries_per_second",
  "writes_per_second",
  "reads_per_second",
  "failures_per_second",
  "write_p50_ms",
  "write_p99_ms",
  "read_p50_ms",
  "read_p99_ms",
  "sync_p99_ms",
  "commit_p99_ms",
  "apply_lag_entries",
  "leader_contact_ms",
  "pending_writes",
  "queued_writes",
  "cpu_percent",
  "longest_turn_ms",
  "resident_bytes",
  "database_bytes",
  "wal_bytes",
  "log_bytes",
  "free_bytes",
] as const;

type Row = Record<typeof names[number], number | undefined>;

const writeRoutes = ["/db/execute", "/db/request", "/db/commit", "/db/load"];
const readRoutes = ["/db/query"];

export interface RecorderParts {
  readonly service: Service;
  readonly queue: WriteQueue;
  readonly requests: RequestFigures;
  readonly turns: TurnFigures;
}

/** What only counts up, as it was when the last row was made. */
interface Totals {
  readonly atMs: number;
  readonly applied: number;
  readonly writes: Histogram;
  readonly reads: Histogram;
  readonly failures: number;
  readonly sync: Histogram;
  readonly replicate: Histogram;
  readonly cpuSeconds: number;
}

/** Makes a row of a node's figures every few seconds, and keeps those of the last hour. */
export class FigureRecorder {
  readonly ring = new FigureRing(names, keptMs / figuresEveryMs);
  readonly #parts: RecorderParts;
  #last: Totals | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #recording = false;
  #store: Pick<StoreStatus, "databaseBytes" | "walBytes"> | undefined;
  #restingRows = 0;

  constructor(parts: RecorderParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#last = this.#totals();
    this.#recordLater();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #recordLater(): void {
    this.#timer = setTimeout(() => {
      this.#recordLater();
      void this.record();
    }, untilFull(figuresEveryMs, performance.now()));
  }

  /** Makes a row now; nothing while one is being made. Never rejects. */
  async record(): Promise<void> {
    if (this.#recording) return;
    this.#recording = true;
    try {
      const row = await this.#row();
      if (row !== undefined) this.ring.push(Date.now(), row);
    } catch {
      // A node whose store cannot be asked has no figures for a while; its log says why.
    } finally {
      this.#recording = false;
    }
  }

  async #row(): Promise<Row | undefined> {
    const { service, queue, turns } = this.#parts;
    const last = this.#last;
    const totals = this.#last = this.#totals();
    if (last === undefined) return undefined;
    const seconds = Math.max(0.001, (totals.atMs - last.atMs) / 1000);
    const rate = (now: number, before: number) => rounded(Math.max(0, now - before) / seconds);
    const writes = difference(totals.writes, last.writes);
    const reads = difference(totals.reads, last.reads);
    const node = service.status();
    const store = await this.#sizes(totals.applied !== last.applied);
    return {
      entries_per_second: rate(totals.applied, last.applied),
      writes_per_second: rate(writes.count, 0),
      reads_per_second: rate(reads.count, 0),
      failures_per_second: rate(totals.failures, last.failures),
      write_p50_ms: quantileMs(writes, 0.5),
      write_p99_ms: quantileMs(writes, 0.99),
      read_p50_ms: quantileMs(reads, 0.5),
      read_p99_ms: quantileMs(reads, 0.99),
      sync_p99_ms: quantileMs(difference(totals.sync, last.sync), 0.99),
      commit_p99_ms: quantileMs(difference(totals.replicate, last.replicate), 0.99),
      apply_lag_entries: node.commitIndex - node.appliedIndex,
      leader_contact_ms: node.raft.role === "leader" ? 0 : rounded(node.lastContactMs),
      pending_writes: node.pendingWrites,
      queued_writes: queue.figures.waitingRequests,
      cpu_percent: rounded(100 * (totals.cpuSeconds - last.cpuSeconds) / seconds),
      longest_turn_ms: rounded(turns.longestLatelyMs),
      resident_bytes: Deno.memoryUsage().rss,
      database_bytes: store.databaseBytes,
      wal_bytes: store.walBytes,
      log_bytes: node.logSizeBytes,
      free_bytes: await service.freeBytes(),
    };
  }

  /** What the store last said, where it is at rest: to ask it wakes its thread up. */
  async #sizes(hasApplied: boolean): Promise<Pick<StoreStatus, "databaseBytes" | "walBytes">> {
    this.#restingRows = hasApplied ? 0 : this.#restingRows + 1;
    if (this.#store !== undefined && this.#restingRows > restlessRows) return this.#store;
    return this.#store = await this.#parts.service.storeStatus();
  }

  #totals(): Totals {
    const { service, requests } = this.#parts;
    const { appliedIndex, stages } = service.status();
    const { user, system } = process.cpuUsage();
    let failures = 0;
    for (const { durations } of requests.all) {
      for (const { labels, value } of durations) {
        if (labels?.outcome === "failed") failures += value.count;
      }
    }
    return {
      atMs: performance.now(),
      applied: appliedIndex,
      writes: sumOf(requests, writeRoutes),
      reads: sumOf(requests, readRoutes),
      failures,
      sync: copyOf(stages.sync),
      replicate: copyOf(stages.replicate),
      cpuSeconds: (user + system) / 1e6,
    };
  }
}

function sumOf(requests: RequestFigures, routes: readonly string[]): Histogram {
  const sum = new Histogram();
  for (const { route, durations } of requests.all) {
    if (!routes.includes(route)) continue;
    for (const { value } of durations) add(sum, value, 1);
  }
  return sum;
}

function copyOf(histogram: Histogram): Histogram {
  const copy = new Histogram(histogram.bounds);
  add(copy, histogram, 1);
  return copy;
}

/** What came between two readings of one histogram. */
function difference(now: Histogram, before: Histogram): Histogram {
  const result = copyOf(now);
  add(result, before, -1);
  return result;
}

function add(to: Histogram, histogram: Histogram, times: number): void {
  for (const [at, count] of histogram.counts.entries()) {
    to.counts[at] = Math.max(0, (to.counts[at] ?? 0) + times * count);
  }
}

function quantileMs(histogram: Histogram, part: number): number | undefined {
  return histogram.count === 0 ? undefined : rounded(histogram.quantile(part) * 1000);
}

/** To a hundredth. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
