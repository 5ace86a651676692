/** What was found out about a load's file; "unknown" where that was not to be done, or was given up. */
export type LoadVerdict =
  | { readonly type: "fit" }
  | { readonly type: "unfit"; readonly why: string }
  | { readonly type: "unknown" };

/** The writer's questions about files of loads, which a thread beside it answers. */
export class LoadChecks {
  readonly #ask: (id: number, file: string) => void;
  readonly #waiting = new Map<number, (verdict: LoadVerdict) => void>();
  #last = 0;

  constructor(ask: (id: number, file: string) => void) {
    this.#ask = ask;
  }

  check(file: string): Promise<LoadVerdict> {
    const id = ++this.#last;
    const { promise, resolve } = Promise.withResolvers<LoadVerdict>();
    this.#waiting.set(id, resolve);
    this.#ask(id, file);
    return promise;
  }

  settle(id: number, verdict: LoadVerdict): void {
    this.#waiting.get(id)?.(verdict);
    this.#waiting.delete(id);
  }
}
