import { InvariantError } from "../../base/assert.ts";
import { EntryType } from "../../raft/types.ts";
import { Answers } from "./answers.ts";
import { type AppliedBatch, appliedEntries, toBatchEntry } from "./apply_batch.ts";
import { EntryApplier } from "./entry_applier.ts";
import { isFailedSync, untrusted } from "../failures.ts";
import type { Holder } from "../life_cycle.ts";
import type { QuickParts } from "../quick_connection.ts";
import { type Rehearsed, type RehearsedSteps, Rehearsing } from "./rehearsing.ts";
import type { ApplyEntry } from "../types.ts";
import { type ChangesFile, WriteConnection } from "./write_connection.ts";

/**
 * Entries of a batch for whose results nobody waits, at most: to hand so few to the writer's thread
 * and back costs more than to apply them. More are worth it, and their node has other things to do.
 */
const unawaitedMax = 32;
/** A batch with more entries, or more bytes in one or in all, is the writer's. */
const entriesMax = 256;
const entryBytesMax = 4096;
const batchBytesMax = 0x1_0000;
/** Time that a batch may take here, in ms. */
const durationMsMax = 3;
/** After a batch that was not for here the writer has all for so long, in ms: at first, and at most. */
const shortestBreakMs = 100;
const longestBreakMs = 60_000;
/** A break is so many times as long, at least, as it takes to begin again: that reads the schema. */
const breakToBeginning = 50;

interface QuickConnection {
  readonly connection: WriteConnection;
  readonly applier: EntryApplier;
  readonly rehearsing: Rehearsing;
  /** As of the base on which it was opened. */
  readonly schemaChanges: number;
}

/** What is applied, which a connection goes on from. */
export interface QuickBase {
  readonly index: number;
  /** How often the writer may have changed the schema, or the statistics. */
  readonly schemaChanges: number;
}

/**
 * Applies batches of small writes on the main thread itself, when somebody waits for their results
 * or they are few. To hand a batch to the writer's thread and back takes longer than SQLite does to
 * apply it (measured: 190 µs of the 690 that an insert takes by itself on three nodes without a
 * disk; and on followers 17 % of the processor time of all three nodes with one client, 24 % with 16).
 *
 * Nothing here may take long, or have other results than at the writer. A batch is applied by the
 * same code as there, in one transaction, and taken back when it takes too long or anything fails in
 * it, be it an error that would be a result: the writer then applies it from the start, and for a
 * while all that follow, so that the two do not take turns. No single instruction may be slow
 * either: an authorizer lets plain INSERT, UPDATE and DELETE pass, and values are bounded.
 */
export class QuickWriter implements Holder {
  readonly #parts: QuickParts;
  readonly #changes: ChangesFile | undefined;
  readonly #breakMs: number;
  readonly #answers: Answers;
  #open: QuickConnection | undefined;
  #walFrames = 0;
  #batches = 0;
  #failures = 0;
  #beginningMs = 0;
  /** No batch is tried before that, by the clock. */
  #nextTryAt = 0;

  constructor(parts: QuickParts, breakMs = shortestBreakMs, changes?: ChangesFile) {
    this.#parts = parts;
    this.#changes = changes;
    this.#answers = new Answers(parts.clock);
    this.#breakMs = breakMs;
    parts.life.hold(this);
  }

  /** How many batches were applied here. */
  get batches(): number {
    return this.#batches;
  }

  /** Requests known to this connection; undefined when it is not the last one that wrote. */
  sessions(appliedIndex: number): number | undefined {
    return this.#at(appliedIndex)?.connection.sessions.size;
  }

  /** The connection, if it was the last one that wrote. */
  #at(appliedIndex: number): QuickConnection | undefined {
    return this.#open?.connection.committed.index === appliedIndex ? this.#open : undefined;
  }

  /** Which transaction is open here that is not committed. */
  get rehearsed(): number | undefined {
    return this.#open?.rehearsing.open;
  }

  /** How many of its steps were run here and are not taken back. */
  stepsOf(id: number): number {
    return this.#open?.rehearsing.stepsOf(id) ?? 0;
  }

  /** Takes back what is open of a transaction: before anybody else writes. */
  giveUp(): void {
    try {
      this.#open?.rehearsing.giveUp();
    } catch (error) {
      this.#failed(error);
    }
  }

  /**
   * Runs steps of a transaction that is not committed. Undefined when that is not for here now, or
   * what those before them did is not open here; `needs_alone` when it never will be.
   */
  rehearse(steps: RehearsedSteps, base: QuickBase): Rehearsed {
    const { life, clock, quickSwitch } = this.#parts;
    if (!life.isOpen) return undefined;
    const startedAt = clock.now();
    if (!quickSwitch.isOn(startedAt)) return undefined;
    if (steps.script.length > batchBytesMax) return { type: "needs_alone" };
    try {
      const mayBegin = startedAt >= this.#nextTryAt;
      const open = this.#goOn(base) ?? (mayBegin ? this.#begin(base) : undefined);
      if (open === undefined) return undefined;
      this.#limit(open);
      return open.rehearsing.run(steps, true);
    } catch (error) {
      this.#failed(error);
      return { type: "needs_alone" };
    } finally {
      quickSwitch.took(startedAt, clock.now());
    }
  }

  /** Applies the entries behind those of `base`, all or none; undefined when the writer has to. */
  apply(entries: readonly ApplyEntry[], base: QuickBase): AppliedBatch | undefined {
    const { life, clock, quickSwitch } = this.#parts;
    if (!life.isOpen) return undefined;
    const open = this.#at(base.index);
    if (open === undefined && entries.length > unawaitedMax && !entries.some(mayBeAwaited)) {
      return undefined;
    }
    const startedAt = clock.now();
    if (startedAt < this.#nextTryAt || !quickSwitch.isOn(startedAt)) return undefined;
    if (!areSmall(entries)) {
      this.#takeBreak(this.#breakMs);
      return undefined;
    }
    try {
      return this.#apply(entries, base);
    } finally {
      quickSwitch.took(startedAt, clock.now());
    }
  }

  #apply(
    entries: readonly ApplyEntry[],
    base: QuickBase,
  ): AppliedBatch | undefined {
    try {
      const open = this.#goOn(base) ?? this.#begin(base);
      this.#limit(open);
      if (open.applier.applyAllOrNone(entries.map(toBatchEntry))) {
        this.#failures = 0;
        this.#batches++;
        return {
          entries: appliedEntries(entries, this.#answers.take()),
          walFrames: this.#walFrames,
        };
      }
    } catch (error) {
      this.#failed(error);
    }
    this.#takeBreak(Math.min(longestBreakMs, this.#breakMs * 2 ** this.#failures++));
    return undefined;
  }

  #limit({ connection }: QuickConnection): void {
    const { clock } = this.#parts;
    const deadline = clock.now() + durationMsMax;
    connection.limits.isLate = () => clock.now() > deadline;
  }

  #failed(error: unknown): void {
    // A connection that cannot even roll back is not used again.
    this.release();
    this.#answers.truncate(0);
    const { life, path } = this.#parts;
    // The writer's sync of the same could succeed, and would say nothing.
    if (isFailedSync(error)) life.fail(untrusted(path, error));
    if (error instanceof InvariantError) life.fail(error);
  }

  #takeBreak(ms: number): void {
    const least = this.#breakMs === 0 ? 0 : this.#beginningMs * breakToBeginning;
    this.#nextTryAt = this.#parts.clock.now() + Math.max(ms, least);
  }

  /**
   * Goes on from what the writer has applied; undefined where that may have changed what a
   * connection knows: the schema, and the statistics that choose its plans.
   */
  #goOn({ index, schemaChanges }: QuickBase): QuickConnection | undefined {
    const there = this.#at(index);
    if (there !== undefined) return there;
    if (this.#open?.schemaChanges !== schemaChanges) return undefined;
    this.#open.rehearsing.giveUp();
    this.#open.connection.refresh();
    return this.#open;
  }

  /** Begins anew. */
  #begin({ schemaChanges }: QuickBase): QuickConnection {
    const { library, path, foreignKeys, clock, meter } = this.#parts;
    const startedAt = clock.now();
    this.release();
    const changes = this.#changes;
    const connection = new WriteConnection(library, path, foreignKeys, "quick", meter, changes);
    connection.database.setWalHook((_schema, frames) => this.#walFrames = frames);
    const applier = new EntryApplier(connection, this.#answers);
    const rehearsing = new Rehearsing(connection, this.#answers, applier.scripts);
    this.#open = { connection, applier, rehearsing, schemaChanges };
    this.#beginningMs = clock.now() - startedAt;
    return this.#open;
  }

  /** Lets go of what it keeps, but for a transaction that is not committed. */
  shrink(): void {
    if (this.#open?.rehearsing.open === undefined) this.release();
  }

  release(): void {
    this.#open?.connection.close();
    this.#open = undefined;
  }

  fail(): void {
    this.release();
  }
}

/** Whether somebody here waits for its result, or, if it is an empty one, may wait for it: a strong read. */
function mayBeAwaited({ entry, answer }: ApplyEntry): boolean {
  return answer !== undefined || entry.type === EntryType.noop;
}

function areSmall(entries: readonly ApplyEntry[]): boolean {
  if (entries.length > entriesMax) return false;
  let bytes = 0;
  for (const { entry: { data } } of entries) {
    if (data.length > entryBytesMax) return false;
    bytes += data.length;
  }
  return bytes <= batchBytesMax;
}
