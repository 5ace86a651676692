import { formatGoBytes } from "../base/go_bytes.ts";
import { messageOf } from "../base/message_of.ts";
import type { WriteAnswer } from "../cluster/types.ts";
import { repeat } from "../io/repeat.ts";
import type { Clock, Logger, Timer } from "../io/types.ts";
import type { Store, StoreStatus, UpkeepStep, UpkeepWork } from "../store/types.ts";
import { dueAt, entriesOf, lookEveryMs, type UpkeepEntry, type VacuumMode } from "./upkeep_plan.ts";

/** How often upkeep is done; 0 for never. */
export interface UpkeepTimes {
  readonly vacuumMs: number;
  readonly optimizeMs: number;
  readonly vacuumMode: VacuumMode;
}

/** What upkeep needs to know of its node. */
export interface UpkeepNode {
  readonly leads: boolean;
  /** All nodes know the entries that upkeep makes. */
  readonly maySubmit: boolean;
  /** Whether a command may have changed what is in the database behind that index of the log. */
  changedSince(index: number): Promise<boolean>;
  /** Resolves once the entry is applied; rejects when it is not, or nobody knows. */
  submit(entry: UpkeepEntry): Promise<Pick<WriteAnswer, "results">>;
}

export interface UpkeepParts {
  readonly times: UpkeepTimes;
  readonly node: UpkeepNode;
  readonly store: Pick<Store, "status">;
  /** On the disk of the data directory; undefined where nobody can tell. */
  readonly freeBytes?: (() => Promise<number | undefined>) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Before what failed is tried again, in ms; doubled with each failure, up to its interval. */
const firstRetryMs = 60_000;

/** Steps that write all of the database anew. */
const rebuilds: readonly UpkeepStep[] = ["vacuum", "vacuum_to_incremental"];

interface Attempts {
  /** Nothing is tried before that, by the clock. */
  notBefore: number;
  failures: number;
}

/**
 * Has the database rebuilt, and the planner's statistics renewed, at intervals of their own, however
 * quiet it is: on the node that leads, through the log, so that all nodes do the same. When that was
 * last done is noted in the database by the entry itself, and holds for whoever leads next. A
 * database in which nothing has changed since is left alone.
 */
export class Upkeep {
  readonly #parts: UpkeepParts;
  readonly #intervals: ReadonlyMap<UpkeepWork, number>;
  readonly #attempts = new Map<UpkeepWork, Attempts>();
  #timer: Timer | undefined;
  #stopped = false;
  #waitsForVersion = false;

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    const { vacuumMs, optimizeMs } = parts.times;
    const all: [UpkeepWork, number][] = [["vacuum", vacuumMs], ["optimize", optimizeMs]];
    this.#intervals = new Map(all.filter(([, intervalMs]) => intervalMs > 0));
  }

  start(): void {
    if (this.#intervals.size === 0) return;
    const delayMs = lookEveryMs(Math.min(...this.#intervals.values()));
    this.#timer = repeat(this.#parts.clock, delayMs, () => this.#look());
  }

  /** What is in the log already is not waited for. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { node } = this.#parts;
    if (!node.leads) return this.#attempts.clear();
    if (!node.maySubmit) return this.#noteOldVersion();
    for (const [task, intervalMs] of this.#intervals) {
      if (this.#stopped || !node.leads) return;
      await this.#try(task, intervalMs);
    }
  }

  async #try(task: UpkeepWork, intervalMs: number): Promise<void> {
    const { clock, logger } = this.#parts;
    const before = this.#attempts.get(task);
    if (before !== undefined && clock.now() < before.notBefore) return;
    let failures = 0;
    try {
      if (!await this.#doIfDue(task, intervalMs)) return;
    } catch (error) {
      if (this.#stopped) return;
      failures = (before?.failures ?? 0) + 1;
      const line = `${titles[task]} failed (${failures} in a row): ${messageOf(error)}`;
      logger.log("WARN", "jobs", line);
    }
    const retryMs = failures === 0 ? intervalMs : firstRetryMs * 2 ** Math.min(failures - 1, 20);
    const notBefore = clock.now() + Math.min(intervalMs, retryMs);
    this.#attempts.set(task, { notBefore, failures });
  }

  /** Whether the task was due; what is due and would be in vain is left for the next time. */
  async #doIfDue(task: UpkeepWork, intervalMs: number): Promise<boolean> {
    const { node, store, clock, times } = this.#parts;
    const status = await store.status();
    const record = status.upkeep[task];
    if (record === undefined) {
      await this.#begin(task);
      return false;
    }
    const now = clock.wallTime();
    const due = dueAt(record, intervalMs, now);
    if (due === undefined || now < due) return false;
    if (!await node.changedSince(record.last === undefined ? 0 : record.index)) return true;
    const entries = entriesOf(task, record, times.vacuumMode, status);
    if (entries.some(({ step }) => rebuilds.includes(step))) await this.#checkRoom(status);
    for (const entry of entries) {
      if (this.#stopped || !node.leads) return true;
      await this.#submit(entry);
    }
    return true;
  }

  /**
   * A node without room for a VACUUM applies nothing until it has some: so it is not begun where
   * this one has none. What it rebuilds is once in a temporary file and once in the WAL.
   */
  async #checkRoom({ pages, freePages, pageBytes }: StoreStatus): Promise<void> {
    const needed = 2 * (pages - freePages) * pageBytes;
    const free = await this.#parts.freeBytes?.();
    if (free === undefined || free >= needed) return;
    throw new Error(
      `it needs ${formatGoBytes(needed)} on the disk of the data directory, ${
        formatGoBytes(free)
      } are free`,
    );
  }

  /** Has the time count from now on, once there is something in the database. */
  async #begin(task: UpkeepWork): Promise<void> {
    if (!await this.#parts.node.changedSince(0)) return;
    await this.#submit({ task, step: "begin", pages: 0, last: false, after: 0 });
  }

  async #submit(entry: UpkeepEntry): Promise<void> {
    const { results } = await this.#parts.node.submit(entry);
    if (results.length === 0) return;
    const text = typeof results === "string" ? results : new TextDecoder().decode(results);
    const { error } = JSON.parse(text) as { readonly error?: unknown };
    if (error !== undefined) throw new Error(String(error));
  }

  #noteOldVersion(): void {
    if (this.#waitsForVersion) return;
    this.#waitsForVersion = true;
    const line = "VACUUM and PRAGMA optimize at intervals wait until the cluster's version is " +
      "raised by POST /upgrade: nodes of the release before do not know them";
    this.#parts.logger.log("WARN", "jobs", line);
  }
}

const titles: Readonly<Record<UpkeepWork, string>> = {
  vacuum: "The VACUUM of -auto-vacuum-int",
  optimize: "The PRAGMA optimize of -auto-optimize-int",
};
