import { messageOf } from "../../base/message_of.ts";
import { formatDuration } from "../../base/duration.ts";
import { formatGoBytes } from "../../base/go_bytes.ts";
import type { Transfers } from "../../io/transfers.ts";
import type { Clock, Logger, Timer } from "../../io/types.ts";
import type { Store } from "../../store/types.ts";
import { ArchiveTail } from "./archive_tail.ts";
import { makeBase } from "./base_copy.ts";
import { type ArchivePlace, headKey, type HeadRecord, readRecord } from "./layout.ts";
import type { Trimmer } from "./trimmer.ts";
import type { ArchivedNode, ArchiveFigures } from "./types.ts";

export interface ArchiverParts {
  readonly place: ArchivePlace;
  /** How far the archive may be behind, in ms. */
  readonly lagMs: number;
  /** Between two base copies, in ms. */
  readonly baseIntervalMs: number;
  readonly node: ArchivedNode;
  readonly store: Pick<Store, "pack" | "distrusted">;
  /** Shows long transfers; undefined: nobody looks. */
  readonly transfers?: Transfers | undefined;
  /** Removes what is old; undefined where nothing is. */
  readonly trimmer?: Trimmer | undefined;
  /** Of SQLite, for the records. */
  readonly sqliteVersion: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Before the first try after a failure, in ms; doubled with each. */
const firstRetryMs = 500;
/** How often a node that does not lead asks up to where the log is archived, in ms. */
const followMs = 10_000;

type OwnFigures = Omit<ArchiveFigures, "trim">;
type Counts = { -readonly [Name in keyof OwnFigures]: OwnFigures[Name] };

/**
 * Ships the committed log to an archive, piece by piece, from whichever node leads; and now and then
 * a copy of the database, from which a restore begins. Two who take themselves for leaders do no
 * harm: what is committed is the same for both, and of two pieces that begin with one entry the
 * store takes one, which the other then goes on from. Every node keeps its log until it is archived,
 * within a bound, so that a new leader finds what the old one did not ship.
 */
export class Archiver {
  readonly #parts: ArchiverParts;
  readonly #counts: Counts;
  readonly #ending = new AbortController();
  /** While this node leads. */
  #tail: ArchiveTail | undefined;
  #followAt = -Infinity;
  #timer: Timer | undefined;
  #run: Promise<void> | undefined;

  constructor(parts: ArchiverParts) {
    this.#parts = parts;
    this.#counts = {
      target: parts.place.name,
      index: 0,
      entriesBehind: 0,
      piecesShipped: 0,
      bytesShipped: 0,
      basesMade: 0,
      gaps: 0,
      lastShippedTime: undefined,
      lastBaseIndex: 0,
      lastBaseTime: undefined,
      failing: undefined,
    };
  }

  get figures(): ArchiveFigures {
    const entriesBehind = Math.max(0, this.#parts.node.appliedIndex - this.#counts.index);
    return { ...this.#counts, entriesBehind, trim: this.#parts.trimmer?.figures };
  }

  start(): void {
    const { place, lagMs, node } = this.#parts;
    this.#log("INFO", `archiving to ${place.name}, ${formatDuration(lagMs)} behind at most`);
    node.keepLogBehind(0);
    this.#parts.trimmer?.start();
    this.#wait();
  }

  /** Gives up what is under way. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#ending.abort(new Error("The node is stopping"));
    await Promise.all([this.#run, this.#parts.trimmer?.stop()]);
    this.#parts.place.store.close();
  }

  #wait(): void {
    if (this.#ending.signal.aborted) return;
    const { clock, lagMs } = this.#parts;
    const failures = this.#counts.failing?.times ?? 0;
    const retryMs = firstRetryMs * 2 ** Math.min(failures, 20);
    const delayMs = failures === 0 ? lagMs / 2 : Math.min(lagMs, retryMs);
    this.#timer = clock.after(delayMs, () => {
      this.#run = this.#tick().then(() => this.#wait());
    });
  }

  async #tick(): Promise<void> {
    try {
      if (this.#parts.node.leads) await this.#lead();
      else await this.#follow();
      if (this.#counts.failing !== undefined) this.#log("INFO", "the archive goes well again");
      this.#counts.failing = undefined;
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      const message = messageOf(error);
      this.#tail = undefined;
      const times = (this.#counts.failing?.times ?? 0) + 1;
      this.#counts.failing = { times, message };
      this.#log("ERROR", `could not be archived (${times} in a row): ${message}`);
    }
  }

  /** What another node ships need not be kept here. */
  async #follow(): Promise<void> {
    this.#tail = undefined;
    const { clock, place, node } = this.#parts;
    if (clock.now() - this.#followAt < followMs) return;
    this.#followAt = clock.now();
    const head = await readRecord<HeadRecord>(place, headKey(place), this.#ending.signal);
    if (head?.cluster === node.clusterId) this.#reached(head.index);
  }

  async #lead(): Promise<void> {
    const { node, lagMs, clock } = this.#parts;
    const tail = this.#tail ??= await ArchiveTail.find({
      ...this.#parts,
      signal: this.#ending.signal,
      isBegun: this.#counts.index > 0,
    });
    this.#counts.lastBaseTime = tail.lastBase?.time;
    if (tail.index < node.appliedIndex || this.#baseIsDue(tail)) await tail.checkPlace();
    if (!tail.reaches(node.firstLogIndex)) {
      if (tail.index > 0) this.#noteGap(tail.index, node.firstLogIndex);
      await this.#makeBase(tail);
    }
    const deadline = clock.now() + lagMs;
    const to = node.appliedIndex;
    while (tail.index < to && node.leads && clock.now() < deadline) {
      const sizeBytes = await tail.ship(to);
      this.#counts.piecesShipped++;
      this.#counts.bytesShipped += sizeBytes;
      this.#counts.lastShippedTime = clock.wallTime();
      this.#reached(tail.index);
    }
    this.#reached(tail.index);
    if (node.leads && this.#baseIsDue(tail)) await this.#makeBase(tail);
  }

  #reached(index: number): void {
    this.#counts.index = index;
    this.#parts.node.keepLogBehind(index);
  }

  #noteGap(from: number, to: number): void {
    this.#counts.gaps++;
    this.#log(
      "WARN",
      `entries ${from + 1} to ${
        to - 1
      } are gone from the log: the archive begins anew with a base copy`,
    );
  }

  #baseIsDue({ lastBase }: ArchiveTail): boolean {
    const { clock, baseIntervalMs, node } = this.#parts;
    if (lastBase === undefined) return true;
    const sinceMs = clock.wallTime() - lastBase.time;
    // A clock that was set back does not put the next one off.
    return (sinceMs < 0 || sinceMs >= baseIntervalMs) && node.appliedIndex > lastBase.index;
  }

  async #makeBase(tail: ArchiveTail): Promise<void> {
    const { place, node } = this.#parts;
    await node.confirm();
    const base = await makeBase({ ...this.#parts, signal: this.#ending.signal });
    await tail.based(base);
    this.#counts.basesMade++;
    this.#counts.lastBaseIndex = base.index;
    this.#counts.lastBaseTime = base.time;
    const size = formatGoBytes(base.sizeBytes);
    this.#log("INFO", `base copy of ${size} at index ${base.index} is in ${place.name}`);
  }

  #log(level: "INFO" | "WARN" | "ERROR", message: string): void {
    this.#parts.logger.log(level, "archive", message);
  }
}
