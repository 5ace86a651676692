/** The nodes that the shell may turn to, as `host:port`: those it was given before those it learned of. */
export class HostList {
  readonly #given: readonly string[];
  #learned: readonly string[] = [];
  #current: string;

  /** `given` holds at least one; the first is the one to begin with. */
  constructor(given: readonly string[]) {
    this.#given = given;
    this.#current = given[0] ?? "";
  }

  get current(): string {
    return this.#current;
  }

  /** Replaces what was learned of the cluster. */
  learn(hosts: readonly string[]): void {
    this.#learned = hosts;
  }

  /** Moves on to a node that is not in `tried`; false when there is none. */
  moveOn(tried: ReadonlySet<string>): boolean {
    const next = [...this.#given, ...this.#learned].find((host) => !tried.has(host));
    if (next === undefined) return false;
    this.#current = next;
    return true;
  }
}
