import type { TokenKind } from "../../sqlite/sql_tokens.ts";

/** A call of last_insert_rowid() or changes(), from where to where in the text. */
export interface SeenCall {
  readonly of: "last_insert_rowid" | "changes";
  readonly start: number;
  readonly end: number;
  /** It is all of a result's column, which is named after it. */
  readonly isColumn: boolean;
}

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** In bytes of the whole text. */
  readonly start: number;
  readonly end: number;
}

/** What may be a call, as far as it was read. */
interface Begun {
  readonly of: SeenCall["of"];
  readonly start: number;
  /** What stands before it lets it be a column of its own. */
  readonly mayBeColumn: boolean;
  /** Where it ends, behind its parentheses; undefined before those. */
  end: number | undefined;
  isOpen: boolean;
}

/** What may stand around an expression that is all of a column. */
const beforeColumn = new Set(["SELECT", "DISTINCT", "RETURNING", ","]);
const behindColumn = new Set(["FROM", ",", ")", "UNION", "LIMIT", "WHERE"]);

const beginsResult = /^(?:SELECT|RETURNING)$/i;
const endsResult = /^(?:FROM|WHERE|SET|VALUES|BY|LIMIT|ON)$/i;

/** Finds the calls in a statement, whose tokens it is given one after the other: each is looked at once. */
export class SeenCalls {
  readonly #calls: SeenCall[] = [];
  #begun: Begun | undefined;
  /** The token before, in capitals. */
  #before = "";
  /** Behind a SELECT or RETURNING, and not in the parentheses of a function or of VALUES. */
  #isInResult = false;
  /** The same of what is around each parenthesis that is open. */
  readonly #around: boolean[] = [];

  take(token: Token): void {
    this.#goOn(token);
    const of = nameOf(token);
    const before = this.#before;
    if (of === "last_insert_rowid" || of === "changes") {
      const mayBeColumn = beforeColumn.has(before) && this.#isInResult;
      this.#begun = { of, start: token.start, mayBeColumn, end: undefined, isOpen: false };
    }
    this.#note(token.text);
    this.#before = token.text.toUpperCase();
  }

  /** Those of the statement, all of whose tokens were taken. */
  calls(): readonly SeenCall[] {
    this.#end(undefined);
    return this.#calls;
  }

  #goOn({ text, end }: Token): void {
    const begun = this.#begun;
    if (begun === undefined) return;
    if (begun.end !== undefined) this.#end(text.toUpperCase());
    else if (!begun.isOpen && text === "(") begun.isOpen = true;
    else if (begun.isOpen && text === ")") begun.end = end;
    else this.#begun = undefined;
  }

  /** @param behind What comes next, if anything does. */
  #end(behind: string | undefined): void {
    const begun = this.#begun;
    this.#begun = undefined;
    if (begun?.end === undefined) return;
    const { of, start, end, mayBeColumn } = begun;
    const isColumn = mayBeColumn && (behind === undefined || behindColumn.has(behind));
    this.#calls.push({ of, start, end, isColumn });
  }

  #note(text: string): void {
    if (text === "(") {
      this.#around.push(this.#isInResult);
      this.#isInResult = false;
    } else if (text === ")") this.#isInResult = this.#around.pop() ?? false;
    else if (beginsResult.test(text)) this.#isInResult = true;
    else if (endsResult.test(text)) this.#isInResult = false;
  }
}

function nameOf({ kind, text }: Token): string {
  if (kind === "word") return text.toLowerCase();
  return kind === "name" ? text.slice(1, -1).toLowerCase() : "";
}
