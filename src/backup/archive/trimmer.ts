import { messageOf } from "../../base/message_of.ts";
import { repeat } from "../../io/repeat.ts";
import type { Clock, Logger, Timer } from "../../io/types.ts";
import { failedAs } from "../../object_store/types.ts";
import {
  ArchiveError,
  type ArchivePlace,
  basePrefix,
  indexIn,
  listBases,
  listPieces,
  ownerKey,
  pieceKey,
  readBeginning,
  readRecord,
  recordBytes,
  trimKey,
  trimPrefix,
  type TrimRecord,
} from "./layout.ts";
import { beginningFor, type Retention } from "./retention.ts";
import type { ArchivedNode, TrimFigures } from "./types.ts";

export interface TrimmerParts {
  readonly place: ArchivePlace;
  readonly retention: Retention;
  readonly node: Pick<ArchivedNode, "leads" | "clusterId" | "term" | "confirm">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between two looks, in ms. */
  readonly periodMs?: number;
  /**
   * How long something must have been without use before it is said so, and then again before it is
   * removed: a clock that is wrong may be put right, and a restore that has begun may end. In ms.
   */
  readonly graceMs?: number;
}

const defaultPeriodMs = 600_000;
const defaultGraceMs = 3_600_000;
/** Objects removed between two questions whether this node still leads. */
const batch = 100;

type Counts = { -readonly [Name in keyof TrimFigures]: TrimFigures[Name] };

/**
 * Removes what a retention needs no longer from an archive, while this node leads. First a record
 * says where the archive begins now; a restore begins no earlier from then on. What lies before is
 * removed later, by whoever leads then, until nothing is left: a crash in between leaves what the next
 * look removes. Records are only added, and the furthest counts, so that an old leader that wakes can
 * say nothing that takes a newer one's word back; and what it removes is what some leader's word let go.
 */
export class Trimmer {
  readonly #parts: TrimmerParts;
  readonly #graceMs: number;
  readonly #ending = new AbortController();
  readonly #counts: Counts = { firstIndex: 0, objectsRemoved: 0, failing: undefined };
  /** Where the archive could begin, and since when, by the monotonic clock. */
  #planned: { readonly index: number; readonly since: number } | undefined;
  /** Where it is said to begin, and since when this node knows. */
  #said: { readonly index: number; readonly since: number } | undefined;
  #timer: Timer | undefined;
  #run = Promise.resolve();

  constructor(parts: TrimmerParts) {
    this.#parts = parts;
    this.#graceMs = parts.graceMs ?? defaultGraceMs;
  }

  get figures(): TrimFigures {
    return this.#counts;
  }

  start(): void {
    const { clock, periodMs = defaultPeriodMs } = this.#parts;
    this.#timer = repeat(clock, periodMs, () => this.#run = this.#look());
  }

  /** Gives up what is under way. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#ending.abort(new Error("The node is stopping"));
    await this.#run;
  }

  async #look(): Promise<void> {
    if (!this.#parts.node.leads) {
      this.#planned = this.#said = undefined;
      return;
    }
    try {
      await this.#trim();
      this.#counts.failing = undefined;
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      const message = messageOf(error);
      const times = (this.#counts.failing?.times ?? 0) + 1;
      this.#counts.failing = { times, message };
      this.#log("ERROR", `what is old could not be removed (${times} in a row): ${message}`);
    }
  }

  async #trim(): Promise<void> {
    const { place, node, clock } = this.#parts;
    const { signal } = this.#ending;
    await node.confirm();
    const owner = await readRecord(place, ownerKey(place), signal);
    if (owner?.cluster !== node.clusterId) {
      throw new ArchiveError(`${place.name} is not the archive of this cluster`);
    }
    const begins = await readBeginning(place, node.clusterId, signal);
    this.#counts.firstIndex = begins;
    if (begins !== this.#said?.index) this.#said = { index: begins, since: clock.now() };
    if (begins > 0 && clock.now() - this.#said.since >= this.#graceMs) {
      await this.#removeBefore(begins);
    }
    await this.#plan(begins);
  }

  /** Says where the archive begins, once nothing has spoken against it for long enough. */
  async #plan(begins: number): Promise<void> {
    const { place, retention, node, clock } = this.#parts;
    const { signal } = this.#ending;
    const bases = (await listBases(place, signal))
      .filter(({ cluster, index }) => cluster === node.clusterId && index >= begins);
    const index = beginningFor(bases, retention, clock.wallTime())?.index ?? 0;
    if (index <= begins) {
      this.#planned = undefined;
      return;
    }
    // An earlier beginning than the planned one waits anew: whatever made it so counts.
    const before = this.#planned;
    const planned = before !== undefined && before.index <= index
      ? before
      : { index, since: clock.now() };
    this.#planned = planned;
    if (clock.now() - planned.since < this.#graceMs) return;
    await node.confirm();
    const { clusterId, term } = node;
    const time = clock.wallTime();
    const record: TrimRecord = { version: 1, cluster: clusterId, term, index: planned.index, time };
    const key = trimKey(place, planned.index);
    try {
      await place.store.put(key, recordBytes(record), { ifAbsent: true, signal });
    } catch (error) {
      if (!failedAs("exists", error)) throw error;
    }
    this.#planned = undefined;
    this.#log("INFO", `${place.name} begins at index ${planned.index} from now on`);
  }

  async #removeBefore(begins: number): Promise<void> {
    let left = batch;
    for (const key of await this.#keysBefore(begins)) {
      if (left-- === 0) {
        await this.#parts.node.confirm();
        left = batch - 1;
      }
      if (!this.#parts.node.leads) return;
      this.#ending.signal.throwIfAborted();
      await this.#parts.place.store.remove(key, this.#ending.signal);
      this.#counts.objectsRemoved++;
    }
  }

  /** Pieces all of whose entries are in the base copy at `begins`, and what lies before that copy. */
  async #keysBefore(begins: number): Promise<string[]> {
    const { place } = this.#parts;
    const { signal } = this.#ending;
    const firsts = await listPieces(place, signal);
    // The last piece stays: a leader goes on from it.
    const pieces = firsts.filter((_, at) => (firsts[at + 1] ?? Infinity) <= begins + 1);
    const keys = pieces.map((first) => pieceKey(place, first));
    const older: string[] = [];
    for (const prefix of [basePrefix(place), trimPrefix(place)]) {
      for await (const { key } of place.store.list(prefix, signal)) {
        const index = indexIn(prefix, key);
        if (index !== undefined && index < begins) older.push(key);
      }
    }
    // Records first: a base copy without one is none.
    return [
      ...keys,
      ...older.sort((a, b) => Number(b.endsWith(".json")) - Number(a.endsWith(".json"))),
    ];
  }

  #log(level: "INFO" | "ERROR", message: string): void {
    this.#parts.logger.log(level, "archive", message);
  }
}
