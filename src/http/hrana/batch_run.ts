import { assert } from "../../base/assert.ts";
import { done, failed, type Outcome } from "./results.ts";
import type { StatementRunner } from "./statement_runner.ts";
import { changingVerbs } from "./statement_text.ts";
import type { BoundStatement, Stream } from "./stream.ts";
import { Turns } from "./turns.ts";
import type { Batch, Condition } from "./types.ts";

export interface StepOutcome {
  readonly step: number;
  readonly outcome: Outcome;
}

/** Steps of a batch that can be carried out at once: all or none. */
interface AtomicSteps {
  /** Undefined for one that does nothing. */
  readonly statements: readonly (BoundStatement | undefined)[];
  /** The numbers of BEGIN, of COMMIT, and of the ROLLBACK that is for when that failed. */
  readonly begin: number;
  readonly commit: number;
  readonly rollback: number;
}

/** What a transaction may hold that is carried out at once. */
const atomicVerbs: ReadonlySet<string> = new Set([
  "SELECT",
  "VALUES",
  ...changingVerbs,
  "CREATE",
  "DROP",
  "ALTER",
]);

/** Characters of what is carried out at once: it becomes one entry of the log. */
const atomicCharactersMax = 64 * 1024 * 1024;

/** The steps of a batch, one after the other as their conditions have it. */
export class BatchRun {
  readonly #stream: Stream;
  readonly #batch: Batch;
  readonly #runner: StatementRunner;
  readonly #turns = new Turns();
  readonly #isOk: boolean[] = [];
  /** Those that were looked at. */
  readonly #bound: ReturnType<Stream["bound"]>[] = [];

  constructor(stream: Stream, batch: Batch, runner: StatementRunner) {
    this.#stream = stream;
    this.#batch = batch;
    this.#runner = runner;
  }

  /** Of each step that is carried out; a result that is a stream is to be read before the next. */
  async *outcomes(): AsyncGenerator<StepOutcome, void> {
    for (let step = 0; step < this.#batch.length; step++) {
      if (this.#turns.isOver) await this.#turns.take();
      const { condition } = this.#batch[step] as Batch[number];
      if (condition !== undefined && !this.#holds(condition)) continue;
      const atomic = await this.#atomicSteps(step);
      if (atomic !== undefined) {
        for (const outcome of await this.#atomically(atomic)) yield this.#told(outcome);
        step = atomic.rollback;
        continue;
      }
      const found = this.#found(step);
      const outcome = "error" in found
        ? failed(found.error)
        : await this.#stream.run(found.text, found.values, this.#runner);
      yield this.#told({ step, outcome });
    }
  }

  /** The result of a step was cut short after it was told of. */
  failedLate(step: number): void {
    this.#isOk[step] = false;
  }

  #told(outcome: StepOutcome): StepOutcome {
    this.#isOk[outcome.step] = outcome.outcome.type === "done";
    return outcome;
  }

  /** `error` is true of a step that was passed over, too, as in libSQL's servers. */
  #holds(condition: Condition): boolean {
    switch (condition.type) {
      case "ok":
        return this.#isOk[condition.step] === true;
      case "error":
        return this.#isOk[condition.step] !== true;
      case "not":
        return !this.#holds(condition.condition);
      case "and":
        return condition.conditions.every((one) => this.#holds(one));
      case "or":
        return condition.conditions.some((one) => this.#holds(one));
      case "is_autocommit":
        return this.#stream.isAutocommit;
    }
  }

  /**
   * The steps from a BEGIN on that are what clients make of a transaction: each if the one before
   * was done, COMMIT, and ROLLBACK if that was not. They cost one write, where a transaction of
   * several requests costs more for each step.
   */
  async #atomicSteps(begin: number): Promise<AtomicSteps | undefined> {
    if (!this.#stream.isAutocommit) return undefined;
    const control = this.#boundAt(begin)?.text.control;
    if (control?.type !== "begin" || control.mode === "read") return undefined;
    const statements: (BoundStatement | undefined)[] = [];
    let characters = 0;
    for (let step = begin + 1; step < this.#batch.length; step++) {
      if (this.#turns.isOver) await this.#turns.take();
      if (!isOkOf(this.#batch[step]?.condition, step - 1)) return undefined;
      const statement = this.#boundAt(step);
      if (statement === undefined) return undefined;
      const { text } = statement;
      // A text that is stored can stand for many statements.
      if ((characters += text.sql.length) > atomicCharactersMax) return undefined;
      if (text.control?.type === "commit") {
        const rollback = step + 1;
        const ends = this.#boundAt(rollback)?.text.control?.type === "rollback" &&
          isForFailure(this.#batch[rollback]?.condition, begin, step);
        const isEmpty = statements.every((one) => one === undefined);
        return ends && !isEmpty ? { statements, begin, commit: step, rollback } : undefined;
      }
      const setsNothing = text.control?.type === "foreign_keys" && text.control.on !== undefined;
      // What they say depends on the statements before.
      if (!setsNothing && (!atomicVerbs.has(text.verb) || text.seen.length > 0)) {
        return undefined;
      }
      statements.push(setsNothing ? undefined : statement);
    }
    return undefined;
  }

  #boundAt(step: number): BoundStatement | undefined {
    if (step >= this.#batch.length) return undefined;
    const found = this.#found(step);
    return "error" in found ? undefined : found;
  }

  #found(step: number): ReturnType<Stream["bound"]> {
    const { statement } = this.#batch[step] as Batch[number];
    return this.#bound[step] ??= this.#stream.bound(statement);
  }

  async #atomically({ statements, begin, commit, rollback }: AtomicSteps): Promise<StepOutcome[]> {
    const asked = statements.filter((statement) => statement !== undefined);
    const outcomes = await this.#stream.runAtomically(asked, this.#runner);
    const told: StepOutcome[] = [{ step: begin, outcome: done }];
    let next = 0;
    for (const [i, statement] of statements.entries()) {
      const outcome = statement === undefined ? done : outcomes[next++];
      assert(outcome !== undefined, `A statement of a batch has no result: ${next - 1}`);
      told.push({ step: begin + 1 + i, outcome });
      if (outcome.type === "failed") return [...told, { step: rollback, outcome: done }];
    }
    return [...told, { step: commit, outcome: done }];
  }
}

function isOkOf(condition: Condition | undefined, step: number): boolean {
  return condition?.type === "ok" && condition.step === step;
}

/** `not ok(commit)`, perhaps along with `ok(begin)`. */
function isForFailure(condition: Condition | undefined, begin: number, commit: number): boolean {
  if (condition?.type === "not") return isOkOf(condition.condition, commit);
  if (condition?.type !== "and" || condition.conditions.length !== 2) return false;
  const [first, second] = condition.conditions;
  return isOkOf(first, begin) && second?.type === "not" && isOkOf(second.condition, commit);
}
