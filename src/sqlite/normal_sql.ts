import { SqlTokens, type TokenKind } from "./sql_tokens.ts";

/** Characters that are read of a text. */
export const normalSqlReadMax = 2048;
/** Those that are told of it. */
const lengthMax = 1024;

/** Behind these stands a name, and never a value. */
const beforeNames = new Set([
  ".",
  "FROM",
  "JOIN",
  "INTO",
  "UPDATE",
  "TABLE",
  "VIEW",
  "TRIGGER",
  "INDEX",
  "EXISTS",
  "REFERENCES",
  "COLUMN",
  "RENAME",
  "TO",
  "SET",
  "COLLATE",
  "WITH",
  "RECURSIVE",
]);

/** How a literal or a parameter begins that is no word: also a quote that nothing closes. */
const valueStart = /^(?:\d|['"`[?:@$#]|[xX]')/;
const startsWithDigit = /^\d/;
const lists = /\?(?: ?, ?\?)+/g;
const rows = /(\(\?(?:, …)?\))(?: ?, ?\(\?(?:, …)?\))+/g;

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  /** As compared: a keyword in capitals. */
  readonly key: string;
  /** White space or a comment stands before it. */
  readonly apart: boolean;
}

/**
 * SQL without its values, so that statements that differ in nothing else are one, and none of their
 * values is told: `?` stands for literals and parameters, and one `?, …` for a list of them. SQLite
 * takes `"text"` for a name where there is such a one, and for a string else: it is kept only where
 * nothing but a name can stand. A long text ends with `…`.
 */
export function normalSql(sql: string): string {
  const isWhole = sql.length <= normalSqlReadMax;
  const tokens = tokensOf(isWhole ? sql : sql.slice(0, normalSqlReadMax));
  const places = new NamePlaces();
  let text = "";
  tokens.forEach((token, i) => {
    const isName = places.pass(token, tokens[i - 1]?.key ?? "", tokens[i + 1]?.key ?? "");
    text += (token.apart && i > 0 ? " " : "") + (isValue(token, isName) ? "?" : token.text);
  });
  text = text.replaceAll(lists, "?, …").replaceAll(rows, "$1, …");
  return isWhole && text.length <= lengthMax ? text : `${text.slice(0, lengthMax)}…`;
}

function tokensOf(sql: string): Token[] {
  const tokens: Token[] = [];
  const read = SqlTokens.of(sql);
  let apart = false;
  while (read.next()) {
    const { kind } = read;
    if (kind === "blank") {
      apart = true;
      continue;
    }
    const { text } = read;
    // Of a number without a digit before it.
    if (kind === "other" && tokens.at(-1)?.key === "." && startsWithDigit.test(text)) tokens.pop();
    tokens.push({ kind, text, key: kind === "word" ? text.toUpperCase() : text, apart });
    apart = false;
  }
  while (tokens.at(-1)?.kind === "semicolon") tokens.pop();
  return tokens;
}

function isValue({ kind, text }: Token, isName: boolean): boolean {
  if (kind === "string") return true;
  if (kind === "name") return text.startsWith('"') && !isName;
  return kind === "other" && valueStart.test(text);
}

/** Follows SQL as far as it takes to know where nothing but a name can stand. */
class NamePlaces {
  #depth = 0;
  /** The parentheses around the columns that an INSERT names; behind INTO and a name they may come. */
  #columns: { readonly depth: number } | "next" | "after name" | undefined;
  /** Depth of the assignments of an UPDATE. */
  #set: number | undefined;

  /** Whether the next token, if it is a name, can be nothing else. */
  pass({ key }: Token, before: string, behind: string): boolean {
    if (key === "(") this.#depth++;
    const isName = beforeNames.has(before) || behind === "." || behind === "(" ||
      this.#isColumn(before, behind);
    this.#note(key);
    if (key === ")") this.#depth--;
    return isName;
  }

  #isColumn(before: string, behind: string): boolean {
    const list = typeof this.#columns === "object" && this.#columns.depth === this.#depth;
    const assigned = this.#set === this.#depth && before === "," && behind === "=";
    return list || assigned;
  }

  #note(key: string): void {
    switch (key) {
      case "INTO":
        this.#columns = "next";
        return;
      case "SET":
        this.#set = this.#depth;
        break;
      case "WHERE":
      case "FROM":
      case "RETURNING":
        this.#set = undefined;
        break;
      case ".":
        if (this.#columns === "after name") this.#columns = "next";
        return;
      case "(":
        this.#columns = this.#columns === "after name" ? { depth: this.#depth } : this.#columns;
        return;
    }
    if (this.#columns === "next") this.#columns = "after name";
    else if (
      typeof this.#columns !== "object" || this.#columns.depth >= this.#depth && key === ")"
    ) {
      this.#columns = undefined;
    }
  }
}
