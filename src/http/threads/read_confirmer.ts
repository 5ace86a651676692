import type { ConfirmedLevel } from "./messages.ts";

interface Round {
  readonly level: ConfirmedLevel;
  readonly waiting: ((confirmed: boolean) => void)[];
}

/**
 * Asks the main thread whether this one may read at a level. All that want to know while a question
 * is under way share the next one, so that a busy thread asks once for many.
 */
export class ReadConfirmer {
  readonly #ask: (round: number, level: ConfirmedLevel) => void;
  readonly #next: Record<ConfirmedLevel, Round["waiting"]> = { weak: [], linearizable: [] };
  readonly #rounds = new Map<number, Round>();
  readonly #underWay: Record<ConfirmedLevel, boolean> = { weak: false, linearizable: false };
  #lastRound = 0;

  constructor(ask: (round: number, level: ConfirmedLevel) => void) {
    this.#ask = ask;
  }

  /** Resolves with whether a read that had begun before this may be done now. */
  confirm(level: ConfirmedLevel): Promise<boolean> {
    return new Promise((resolve) => {
      this.#next[level].push(resolve);
      if (this.#underWay[level]) return;
      this.#underWay[level] = true;
      // Those whose requests came together come along.
      queueMicrotask(() => this.#begin(level));
    });
  }

  #begin(level: ConfirmedLevel): void {
    const waiting = this.#next[level];
    this.#next[level] = [];
    const round = ++this.#lastRound;
    this.#rounds.set(round, { level, waiting });
    this.#ask(round, level);
  }

  answered(round: number, confirmed: boolean): void {
    const answered = this.#rounds.get(round);
    if (answered === undefined) return;
    this.#rounds.delete(round);
    const { level, waiting } = answered;
    for (const resolve of waiting) resolve(confirmed);
    this.#underWay[level] = this.#next[level].length > 0;
    if (this.#underWay[level]) this.#begin(level);
  }
}
