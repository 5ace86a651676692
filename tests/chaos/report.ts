/** What a round does and finds, as it happens. */
export class Report {
  /** Everything that was done to the cluster, with the ms since the round began. */
  readonly events: string[] = [];
  /** What does not hold. */
  readonly violations: string[] = [];
  readonly #counts = new Map<string, number>();
  readonly #startedAt = performance.now();
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  get ms(): number {
    return Math.round(performance.now() - this.#startedAt);
  }

  note(text: string): void {
    const line = `${String(this.ms).padStart(7)} ms  ${text}`;
    this.events.push(line);
    this.#print(line);
  }

  violation(property: string, text: string): void {
    this.violations.push(`${property}: ${text}`);
    this.note(`VIOLATION ${property}: ${text}`);
  }

  /** A violation by what was thrown where nothing should be. */
  thrown(property: string, error: unknown): void {
    this.violation(property, error instanceof Error ? error.stack ?? error.message : `${error}`);
  }

  count(name: string, more = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + more);
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([a], [b]) => a < b ? -1 : 1));
  }
}
