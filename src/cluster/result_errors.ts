const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const comma = 0x2c;
const braceOpen = 0x7b;
const bracketOpen = 0x5b;
const braceClose = 0x7d;
const bracketClose = 0x5d;

/** Of the texts that it looks at, in bytes: those that are longer are no error that is looked for. */
const textBytesMax = 4096;

const decoder = new TextDecoder();

/** Called with the number of a statement that failed, and its error. */
export type StatementErrorListener = (index: number, error: string) => void;

/**
 * Finds the errors of single statements in the JSON of their results, separated by commas, as it
 * comes in pieces: the member "error" of each result itself, and nothing that stands in its rows.
 */
export class ResultErrors {
  readonly #found: StatementErrorListener;
  #depth = 0;
  #index = 0;
  #inString = false;
  #escaped = false;
  /** Of the text under way, at the depth of a result's members. */
  #text: number[] = [];
  /** The name before the value that comes next, there. */
  #name: string | undefined;
  #last = "";

  constructor(found: StatementErrorListener) {
    this.#found = found;
  }

  push(piece: Uint8Array): void {
    for (const byte of piece) {
      if (this.#inString) this.#inText(byte);
      else this.#between(byte);
    }
  }

  #inText(byte: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (byte === backslash) this.#escaped = true;
    else if (byte === quote) {
      this.#inString = false;
      if (this.#depth === 1) this.#textEnds();
      return;
    }
    if (this.#depth === 1 && this.#text.length < textBytesMax) this.#text.push(byte);
  }

  #textEnds(): void {
    const isWhole = this.#text.length < textBytesMax;
    this.#last = isWhole ? decoder.decode(new Uint8Array(this.#text)) : "";
    this.#text = [];
    if (this.#name === "error" && isWhole) this.#found(this.#index, JSON.parse(`"${this.#last}"`));
  }

  #between(byte: number): void {
    switch (byte) {
      case quote:
        this.#inString = true;
        break;
      case braceOpen:
      case bracketOpen:
        this.#depth++;
        break;
      case braceClose:
      case bracketClose:
        this.#depth--;
        if (this.#depth === 0) {
          this.#index++;
          this.#name = undefined;
        }
        break;
      case colon:
        if (this.#depth === 1) this.#name = this.#last;
        break;
      case comma:
        if (this.#depth === 1) this.#name = undefined;
        break;
    }
  }
}
