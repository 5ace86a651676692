import { isInBody, nextPhase, type Phase } from "../../sqlite/statement_phase.ts";

/** What closes each thing that may hold a semicolon and a line's end. */
const closers: ReadonlyMap<string, string> = new Map([
  ["'", "'"],
  ['"', '"'],
  ["`", "`"],
  ["[", "]"],
  ["/*", "*/"],
]);

const token = /\s+|--[^]*|\/\*|['"`[]|;|[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*|[^]/y;

/**
 * Cuts lines of SQL into statements, each once its semicolon is there, by the rules of
 * https://www.sqlite.org/c3ref/complete.html: semicolons in quotes, comments and trigger bodies end
 * nothing. Reads every line once.
 */
export class StatementSplitter {
  #text = "";
  #phase: Phase = "start";
  /** What the open quote or comment waits for; "" outside of them. */
  #closer = "";
  #parentheses = 0;

  /** Whether a statement has begun and not ended. */
  get isPending(): boolean {
    return this.#phase !== "start" || this.#closer !== "";
  }

  /** Whether the pending statement could end here: no quote, parenthesis or trigger is open. */
  get couldEnd(): boolean {
    return this.isPending && this.#closer === "" && this.#parentheses <= 0 &&
      !isInBody(this.#phase);
  }

  /** Takes one more line, without its end, and returns the statements that it completes. */
  push(line: string): string[] {
    const statements: string[] = [];
    if (this.#text !== "") this.#text += "\n";
    let from = 0;
    for (let at = 0; at < line.length;) {
      if (this.#closer !== "") {
        const end = line.indexOf(this.#closer, at);
        if (end < 0) break;
        at = end + this.#closer.length;
        this.#closer = "";
        continue;
      }
      token.lastIndex = at;
      const text = token.exec(line)?.[0] ?? line.slice(at);
      at += text.length;
      this.#closer = closers.get(text) ?? "";
      if (text === ";") {
        if (!this.#endsAtSemicolon()) continue;
        if (this.#phase !== "start") statements.push((this.#text + line.slice(from, at)).trim());
        this.#reset();
        from = at;
      } else if (text !== "/*" && !/^\s|^--/.test(text)) {
        this.#advance(text);
      }
    }
    this.#text += line.slice(from);
    if (!this.isPending) this.#reset();
    return statements;
  }

  /** Takes away what has no semicolon; undefined when that is no statement. */
  takeRest(): string | undefined {
    const rest = this.isPending ? this.#text.trim() : "";
    this.#reset();
    return rest === "" ? undefined : rest;
  }

  #reset(): void {
    this.#text = "";
    this.#phase = "start";
    this.#closer = "";
    this.#parentheses = 0;
  }

  #endsAtSemicolon(): boolean {
    if (isInBody(this.#phase)) {
      this.#phase = "semicolon";
      return false;
    }
    return true;
  }

  #advance(text: string): void {
    if (text === "(") this.#parentheses++;
    if (text === ")") this.#parentheses--;
    this.#phase = nextPhase(this.#phase, text.toUpperCase());
  }
}
