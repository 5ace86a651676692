import { messageOf } from "../../base/message_of.ts";
import type { Logger } from "../../io/types.ts";
import type { Service } from "../../cluster/types.ts";
import { clusterReport } from "./cluster_report.ts";
import { CommitHistory } from "./commit_history.ts";
import { type FigureRecorder, figuresEveryMs } from "./figure_recorder.ts";

/** How often the nodes are asked while somebody looks, in ms: once for all who do. */
const nodesEveryMs = 1_000;
export const readersMax = 20;
/** After so long a reader is to ask again, in ms. */
const followedMsMax = 300_000;

interface FeedParts {
  readonly service: Service;
  readonly recorder: FigureRecorder;
  readonly logger: Logger;
}

/**
 * What a node and its cluster do, as events for those who look: the rows of figures as they are
 * made, and the nodes every second. Asks nobody anything while nobody looks. A reader that is slow
 * gets all rows later and only the newest report of the nodes, so that nothing waits for it here.
 */
export class LiveFeed {
  readonly #parts: FeedParts;
  readonly #history = new CommitHistory();
  #readers = 0;
  #report = "";
  #reports = 0;
  #changed = Promise.withResolvers<void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  get isFull(): boolean {
    return this.#readers >= readersMax;
  }

  /**
   * The events from now on, as text/event-stream has them, with the rows later than a time first.
   * @param mayGoOn False once the reader may have lost the right to them: it is to ask again.
   */
  async *follow(afterMs: number, mayGoOn: () => boolean): AsyncGenerator<string> {
    this.#readers++;
    const endsAt = performance.now() + followedMsMax;
    try {
      this.#look();
      const { ring } = this.#parts.recorder;
      yield event("start", { every_ms: figuresEveryMs, names: ["at", ...ring.names] });
      let reports = 0;
      while (!this.#closed && performance.now() < endsAt && mayGoOn()) {
        const changed = this.#changed.promise;
        const rows = ring.after(afterMs);
        if (rows.length > 0) {
          afterMs = rows.at(-1)?.[0] ?? afterMs;
          yield event("figures", { rows });
        }
        if (reports !== this.#reports) {
          reports = this.#reports;
          yield this.#report;
        }
        await changed;
      }
      yield event("end", {});
    } finally {
      this.#readers--;
    }
  }

  /** Ends all that follow. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#changed.resolve();
  }

  #look(): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = setTimeout(() => this.#lookNow(), this.#reports === 0 ? 0 : nodesEveryMs);
  }

  async #lookNow(): Promise<void> {
    const { service, logger } = this.#parts;
    try {
      this.#report = event("nodes", await clusterReport(service, this.#history));
      this.#reports++;
    } catch (error) {
      logger.log("WARN", "http", `The nodes cannot be shown: ${messageOf(error)}`);
    }
    this.#timer = undefined;
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
    if (this.#readers > 0) this.#look();
  }
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
