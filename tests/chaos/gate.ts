/** What clients go through for each step, and what can be closed to have them all stand still. */
export class Gate {
  #open = Promise.withResolvers<void>();
  #isOpen = true;
  #inside = 0;
  #empty: (() => void) | undefined;

  constructor() {
    this.#open.resolve();
  }

  /** Runs a step while the gate is open. */
  async pass(step: () => Promise<void>): Promise<void> {
    while (!this.#isOpen) await this.#open.promise;
    this.#inside++;
    try {
      await step();
    } finally {
      if (--this.#inside === 0) this.#empty?.();
    }
  }

  /** Resolves once nobody is inside any more. */
  async close(): Promise<void> {
    if (this.#isOpen) this.#open = Promise.withResolvers();
    this.#isOpen = false;
    if (this.#inside > 0) await new Promise<void>((resolve) => this.#empty = resolve);
  }

  open(): void {
    this.#isOpen = true;
    this.#open.resolve();
  }
}
