import { StatementSplitter } from "./statement_splitter.ts";

/** Something that the user asked for. */
export type Request =
  | { readonly type: "sql"; readonly text: string }
  | { readonly type: "command"; readonly text: string };

/** Puts input lines together into requests. */
export class Input {
  readonly #splitter = new StatementSplitter();

  get isPending(): boolean {
    return this.#splitter.isPending;
  }

  /** Takes a line, without its end, and returns what is to be done now. */
  push(line: string): Request[] {
    if (!this.isPending && isCommand(line)) return [{ type: "command", text: line.trim() }];
    return this.#splitter.push(line).map((text) => ({ type: "sql", text }));
  }

  /** As `push`, for lines that someone types: an empty line ends a statement that could end. */
  pushTyped(line: string): Request[] {
    return line.trim() === "" && this.#splitter.couldEnd ? this.end() : this.push(line);
  }

  /** What is left when no more lines come. */
  end(): Request[] {
    const text = this.#splitter.takeRest();
    return text === undefined ? [] : [{ type: "sql", text }];
  }
}

function isCommand(line: string): boolean {
  return /^\s*(\.[a-z]|(exit|quit)\s*(;\s*)?$)/i.test(line);
}
