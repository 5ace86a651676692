/** That this node's copy of the database is damaged, and is to be replaced by its leader's. */
export class Replacement {
  #reason: string | undefined;
  #inPlace = false;
  #replaced = 0;

  constructor(reason: string | undefined) {
    this.#reason = reason;
  }

  /** What is wrong with the copy; undefined for a good one. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Whether it is where the database belongs still; one that a start found is set aside already. */
  get isInPlace(): boolean {
    return this.#inPlace;
  }

  /** How many have been replaced since the start. */
  get replaced(): number {
    return this.#replaced;
  }

  begin(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#inPlace = true;
  }

  /** Another copy is in its place. */
  ended(): void {
    if (this.#reason === undefined) return;
    this.#reason = undefined;
    this.#inPlace = false;
    this.#replaced++;
  }
}
