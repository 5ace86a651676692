import { isOn } from "../../sqlite/pragma_value.ts";
import { SqlTokens } from "../../sqlite/sql_tokens.ts";
import { isInBody, nextPhase, type Phase } from "../../sqlite/statement_phase.ts";
import type { TransactionMode } from "../../cluster/transactions/transaction.ts";
import { type SeenCall, SeenCalls } from "./seen_calls.ts";

/** What a statement does to the stream that it is sent in, in place of anything that SQLite does. */
export type Control =
  | { readonly type: "begin"; readonly mode: TransactionMode }
  | { readonly type: "commit" }
  | { readonly type: "rollback" }
  /** Asks for, or with a value sets, whether the stream's writes enforce foreign keys. */
  | { readonly type: "foreign_keys"; readonly on: boolean | undefined };

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

/** Characters of a statement, which is looked through on the main thread. */
export const sqlLengthMax = 1_000_000;
/** Behind so many bytes a statement is too long, whatever its characters are. */
const sqlBytesMax = 3 * sqlLengthMax;

/** SQLite's SQLITE_MAX_VARIABLE_NUMBER: it refuses more itself. */
const parametersMax = 32_766;

interface Token {
  readonly kind: SqlTokens["kind"];
  readonly text: string;
}

/** Tokens of a statement that are looked at for what it controls. */
const headMax = 12;
const mentionsSeen = /last_insert_rowid|changes/i;

/**
 * The statements of a text, in their order; what cannot be one is left for SQLite to refuse. One that
 * is too long is the last, and may be cut off.
 */
export function* statementsIn(sql: string): Generator<StatementText, void> {
  const tokens = SqlTokens.of(sql);
  const seesCalls = mentionsSeen.test(sql);
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
    own ??= new Reading(tokens, seesCalls);
    own.take();
    if (own.bytes > sqlBytesMax) break;
  }
  if (own !== undefined) yield own.statement();
}

/** Verbs of what changes rows. */
export const changingVerbs: ReadonlySet<string> = new Set([
  "INSERT",
  "UPDATE",
  "DELETE",
  "REPLACE",
]);
const verbsBehindWith: ReadonlySet<string> = new Set(["SELECT", "VALUES", ...changingVerbs]);

const openParenthesis = "(".charCodeAt(0);
const closeParenthesis = ")".charCodeAt(0);
const parameterStarts: ReadonlySet<number> = new Set([..."?:@$"].map((sign) => sign.charCodeAt(0)));

/**
 * A statement as far as it was read. Most texts have many tokens, and none that matters: those are
 * passed over without being made texts.
 */
class Reading {
  readonly #tokens: SqlTokens;
  readonly #from: number;
  #end = 0;
  #count = 0;
  readonly #head: Token[] = [];
  readonly #seen: SeenCalls | undefined;
  readonly #parameters = new Parameters();
  #verb = "";
  #depth = 0;

  /** @param seesCalls Every token is looked at, and not only the first ones. */
  constructor(tokens: SqlTokens, seesCalls: boolean) {
    this.#tokens = tokens;
    this.#seen = seesCalls ? new SeenCalls() : undefined;
    this.#from = tokens.start;
  }

  get bytes(): number {
    return this.#end - this.#from;
  }

  /** The token that was read last. */
  take(): void {
    const tokens = this.#tokens;
    const { kind, start, end } = tokens;
    this.#end = end;
    if (this.#count < headMax) this.#head.push({ kind, text: tokens.text });
    this.#seen?.take({ kind, text: tokens.text, start, end });
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
    const tokens = this.#tokens;
    const from = this.#from;
    // What others are to run, a trigger or a view, is none of the stream's.
    const seen = this.#verb === "CREATE" ? [] : this.#seen?.calls() ?? [];
    return {
      sql: tokens.textBetween(from, this.#end),
      verb: this.#verb,
      parameters: this.#parameters.names,
      control: this.#count > headMax ? undefined : controlOf(this.#head),
      seen: inCharacters(seen, tokens, from),
    };
  }
}

/** Calls by where they are in the statement that begins at byte `from`; each byte is read once. */
function inCharacters(seen: readonly SeenCall[], tokens: SqlTokens, from: number): SeenCall[] {
  let byte = from;
  let character = 0;
  const placeOf = (to: number) => {
    character += tokens.textBetween(byte, to).length;
    byte = to;
    return character;
  };
  return seen.map((call) => ({ ...call, start: placeOf(call.start), end: placeOf(call.end) }));
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
