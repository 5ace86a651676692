/** That this node's copy of the database is damaged, and is to be replaced by its leader's. */
export class Replacement {
  #reason: string | undefined;
  #replaced = 0;

  constructor(reason: string | undefined) {
    this.#reason = reason;
  }

  /** What is wrong with the copy; undefined for a good one. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** How many have been replaced since the start. */
  get replaced(): number {
    return this.#replaced;
  }

  begin(reason: string): void {
    this.#reason ??= reason;
  }

  /** Another copy is in its place. */
  ended(): void {
    if (this.#reason === undefined) return;
    this.#reason = undefined;
    this.#replaced++;
  }
}
