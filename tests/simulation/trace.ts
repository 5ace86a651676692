/** Everything that happened in a run, as one number, and, when asked for, as lines of text. */
export class Trace {
  #hash = 0x811c9dc5;
  readonly #texts = new Map<string, number>();
  readonly #print: ((line: string) => void) | undefined;

  constructor(readonly now: () => number, print: ((line: string) => void) | undefined) {
    this.#print = print;
  }

  /** Two runs that are the same have the same hash: 32 bits, FNV-1a over whole numbers. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  #mix(value: number): void {
    this.#hash = Math.imul(this.#hash ^ value, 0x01000193);
    this.#hash ^= this.#hash >>> 15;
  }

  #number(text: string): number {
    let number = this.#texts.get(text);
    if (number === undefined) {
      number = this.#texts.size;
      this.#texts.set(text, number);
      for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
    }
    return number;
  }

  /** `what` happened at the node (or other place) `where`, with such values. */
  event(what: string, where: string, ...values: readonly (string | number)[]): void {
    this.#mix(Math.round(this.now() * 1000));
    this.#mix(this.#number(what));
    this.#mix(this.#number(where));
    for (const value of values) this.#mix(typeof value === "number" ? value : this.#number(value));
    this.#print?.(
      `${this.now().toFixed(3).padStart(10)} ${where.padEnd(6)} ${what} ${values.join(" ")}`,
    );
  }

  /** Only for whoever reads the trace. */
  remark(where: string, text: string): void {
    this.#print?.(`${this.now().toFixed(3).padStart(10)} ${where.padEnd(6)} . ${text}`);
  }
}
