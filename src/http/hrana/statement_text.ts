import { isOn } from "../../sqlite/pragma_value.ts";
import { SqlTokens } from "../../sqlite/sql_tokens.ts";
import { isInBody, nextPhase, type Phase } from "../../sqlite/statement_phase.ts";
import type { TransactionMode } from "../../cluster/transactions/transaction.ts";

/** What a statement does to the stream that it is sent in, in place of anything that SQLite does. */
export type Control =
  | { readonly type: "begin"; readonly mode: TransactionMode }
  | { readonly type: "commit" }
  | { readonly type: "rollback" }
  /** Asks for, or with a value sets, whether the stream's writes enforce foreign keys. */
  | { readonly type: "foreign_keys"; readonly on: boolean | undefined };

/** A call of last_insert_rowid() or changes(), from where to where in the text. */
export interface SeenCall {
  readonly of: "last_insert_rowid" | "changes";
  readonly start: number;
  readonly end: number;
  /** It is all of a result's column, which is named after it. */
  readonly isColumn: boolean;
}

/** A statement by what its tokens tell. */
export interface StatementText {
  /** Without what stands around it. */
  readonly sql: string;
  /** The word that says what it does, in capitals: its first, but behind what a WITH names. */
  readonly verb: string;
  /** Of its parameters by number the names, with their `:`, `@` or `$`; null for `?` and gaps. */
  readonly parameters: readonly (string | null)[];
  readonly control: Control | undefined;
  readonly seen: readonly SeenCall[];
}

/** SQLite's SQLITE_MAX_VARIABLE_NUMBER: it refuses more itself. */
const parametersMax = 32_766;

interface Token {
  readonly kind: SqlTokens["kind"];
  readonly text: string;
  /** In bytes of the whole text. */
  readonly start: number;
  readonly end: number;
}

/** Tokens of a statement that are looked at for what it controls. */
const headMax = 12;
const mentionsSeen = /last_insert_rowid|changes/i;

/** The statements of a text, in their order; what cannot be one is left for SQLite to refuse. */
export function* statementsIn(sql: string): Generator<StatementText, void> {
  const tokens = SqlTokens.of(sql);
  const keepsAll = mentionsSeen.test(sql);
  let phase: Phase = "start";
  let own: Reading | undefined;
  while (tokens.next()) {
    const { kind } = tokens;
    if (kind === "blank") continue;
    if (kind === "semicolon" && !isInBody(phase)) {
      if (own !== undefined) yield own.statement();
      own = undefined;
      phase = "start";
      continue;
    }
    if (kind === "semicolon") phase = "semicolon";
    else if (phase !== "plain") phase = nextPhase(phase, tokens.keyword);
    own ??= new Reading(tokens, keepsAll);
    own.take();
  }
  if (own !== undefined) yield own.statement();
}

const verbsBehindWith: ReadonlySet<string> = new Set([
  "SELECT",
  "VALUES",
  "INSERT",
  "UPDATE",
  "DELETE",
  "REPLACE",
]);

const openParenthesis = "(".charCodeAt(0);
const closeParenthesis = ")".charCodeAt(0);
const parameterStarts: ReadonlySet<number> = new Set([..."?:@$"].map((sign) => sign.charCodeAt(0)));

/**
 * A statement as far as it was read. Most texts have many tokens, and none that matters: those are
 * passed over without being made texts.
 */
class Reading {
  readonly #tokens: SqlTokens;
  readonly #keepsAll: boolean;
  readonly #from: number;
  #end = 0;
  #count = 0;
  readonly #kept: Token[] = [];
  readonly #parameters = new Parameters();
  #verb = "";
  #depth = 0;

  /** @param keepsAll Every token is looked at, and not only the first ones. */
  constructor(tokens: SqlTokens, keepsAll: boolean) {
    this.#tokens = tokens;
    this.#keepsAll = keepsAll;
    this.#from = tokens.start;
  }

  /** The token that was read last. */
  take(): void {
    const tokens = this.#tokens;
    const { kind, start, end } = tokens;
    this.#end = end;
    if (this.#keepsAll || this.#count < headMax) {
      this.#kept.push({ kind, text: tokens.text, start, end });
    }
    if (this.#count++ === 0) this.#verb = tokens.keyword;
    else if (this.#verb === "WITH") this.#takeVerb();
    if (kind === "other" && parameterStarts.has(tokens.firstByte)) {
      this.#parameters.take(tokens.text);
    }
  }

  #takeVerb(): void {
    const { kind, firstByte, keyword } = this.#tokens;
    if (kind === "other" && firstByte === openParenthesis) this.#depth++;
    else if (kind === "other" && firstByte === closeParenthesis) this.#depth--;
    else if (this.#depth === 0 && verbsBehindWith.has(keyword)) this.#verb = keyword;
  }

  statement(): StatementText {
    const from = this.#from;
    const textTo = (end: number) => this.#tokens.textBetween(from, end);
    // What others are to run, a trigger or a view, is none of the stream's.
    const seen = this.#verb === "CREATE" ? [] : seenCalls(this.#kept);
    return {
      sql: textTo(this.#end),
      verb: this.#verb,
      parameters: this.#parameters.names,
      control: this.#count > headMax ? undefined : controlOf(this.#kept),
      seen: seen.map((call) => ({
        ...call,
        start: textTo(call.start).length,
        end: textTo(call.end).length,
      })),
    };
  }
}

/** Numbers parameters as SQLite does: https://www.sqlite.org/lang_expr.html#varparam */
class Parameters {
  readonly names: (string | null)[] = [];
  readonly #named = new Set<string>();

  take(text: string): void {
    const { names } = this;
    if (names.length > parametersMax) return;
    if (text === "?") names.push(null);
    else if (text.startsWith("?")) {
      const number = Number(text.slice(1));
      if (number < 1 || number > parametersMax) return;
      while (names.length < number) names.push(null);
      names[number - 1] ??= text;
    } else if (/^[:@$]./s.test(text) && !this.#named.has(text)) {
      this.#named.add(text);
      names.push(text);
    }
  }
}

function wordAt(tokens: readonly Token[], index: number): string {
  const token = tokens[index];
  return token?.kind === "word" ? token.text.toUpperCase() : "";
}

const beginModes: Readonly<Record<string, TransactionMode>> = {
  DEFERRED: "deferred",
  IMMEDIATE: "immediate",
  EXCLUSIVE: "immediate",
  CONCURRENT: "concurrent",
  READONLY: "read",
};

/** READONLY is no SQL of SQLite's: libSQL's clients send it with and without TRANSACTION. */
function controlOf(tokens: readonly Token[]): Control | undefined {
  const keyword = wordAt(tokens, 0);
  if (keyword === "PRAGMA") return foreignKeysIn(tokens);
  if (tokens.length > 3) return undefined;
  const rest = tokens.slice(1).map((_, i) => wordAt(tokens, i + 1));
  const others = rest.filter((word) => word !== "TRANSACTION");
  switch (keyword) {
    case "BEGIN": {
      const [kind = "DEFERRED", more] = others;
      const mode = more === undefined ? beginModes[kind] : undefined;
      return mode && { type: "begin", mode };
    }
    case "COMMIT":
    case "END":
      return others.length === 0 ? { type: "commit" } : undefined;
    case "ROLLBACK":
      return others.length === 0 ? { type: "rollback" } : undefined;
    default:
      return undefined;
  }
}

function foreignKeysIn(tokens: readonly Token[]): Control | undefined {
  const text = tokens.slice(1).map(({ text }) => text.toLowerCase()).join(" ");
  const match = /^(?:main \. )?foreign_keys(?: (?:= ['"]?(\S+?)['"]?|\( ['"]?(\S+?)['"]? \)))?$/
    .exec(text);
  if (match === null) return undefined;
  const value = match[1] ?? match[2];
  return { type: "foreign_keys", on: value === undefined ? undefined : isOn(value) };
}

/** What may stand around an expression that is all of a column. */
const beforeColumn = new Set(["SELECT", "DISTINCT", "RETURNING", ","]);
const behindColumn = new Set(["FROM", ",", ")", "UNION", "LIMIT", "WHERE"]);

function seenCalls(tokens: readonly Token[]): SeenCall[] {
  const calls: SeenCall[] = [];
  tokens.forEach((token, i) => {
    const of = nameOf(token);
    if (of !== "last_insert_rowid" && of !== "changes") return;
    const close = tokens[i + 2];
    if (tokens[i + 1]?.text !== "(" || close?.text !== ")") return;
    const before = tokens[i - 1]?.text.toUpperCase() ?? "";
    const behind = tokens[i + 3]?.text.toUpperCase();
    const isColumn = beforeColumn.has(before) &&
      (behind === undefined || behindColumn.has(behind)) && isInResult(tokens, i);
    calls.push({ of, start: token.start, end: close.end, isColumn });
  });
  return calls;
}

/** Behind a SELECT or RETURNING, and not in the parentheses of a function or of VALUES. */
function isInResult(tokens: readonly Token[], at: number): boolean {
  let depth = 0;
  for (let i = at - 1; i >= 0; i--) {
    const { text } = tokens[i] as Token;
    if (text === ")") depth++;
    else if (text === "(" && depth-- === 0) return false;
    else if (depth === 0 && /^(?:SELECT|RETURNING)$/i.test(text)) return true;
    else if (depth === 0 && /^(?:FROM|WHERE|SET|VALUES|BY|LIMIT|ON)$/i.test(text)) return false;
  }
  return false;
}

function nameOf({ kind, text }: Token): string {
  if (kind === "word") return text.toLowerCase();
  return kind === "name" ? text.slice(1, -1).toLowerCase() : "";
}
