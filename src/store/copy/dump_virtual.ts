import { type Database, SqliteError, SqlTokens } from "../../sqlite/mod.ts";
import { isLocalFailure } from "../failures.ts";
import { identifier } from "../../sqlite/identifier.ts";

/** How a dump gives a virtual table back. */
export type VirtualContent =
  /** By rows with their row ids. */
  | "rows"
  /** By rows whose first column is the row id. */
  | "keyed_rows"
  /** It is an index of another table or view, and made anew. */
  | "index"
  /** By the tables that it keeps all in, as it does not tell its rows. */
  | "shadows"
  /** It holds nothing. */
  | "none";

export interface VirtualTable {
  /** In lower case. */
  readonly module: string;
  readonly arguments: readonly string[];
  readonly content: VirtualContent;
}

const fullText = new Set(["fts3", "fts4", "fts5"]);

/** Reads `CREATE VIRTUAL TABLE name USING module(arguments)`, and looks if the table can be read. */
export function virtualTable(database: Database, name: string, sql: string): VirtualTable {
  const tokens = SqlTokens.of(sql);
  while (tokens.nextMeaning() && tokens.keyword !== "USING");
  const module = tokens.nextMeaning() ? tokens.name.toLowerCase() : "";
  const list = moduleArguments(tokens);
  const content = contentOf(module, list);
  const isShown = content === "none" ? isKnown(database, module) : isReadable(database, name);
  return { module, arguments: list, content: isShown ? content : "shadows" };
}

/** The texts between the commas outside of parentheses, from the opening one on to its closing. */
function moduleArguments(tokens: SqlTokens): string[] {
  const found: string[] = [];
  if (!tokens.nextMeaning()) return found;
  let argument = "";
  for (let depth = 1; depth > 0 && tokens.next();) {
    const { kind, text } = tokens;
    const mark = kind === "other" ? text : "";
    if (mark === "(") depth++;
    if (mark === ")") depth--;
    if (depth === 0 || (depth === 1 && mark === ",")) {
      found.push(argument.trim());
      argument = "";
    } else {
      argument += kind === "blank" ? " " : text;
    }
  }
  return found;
}

function contentOf(module: string, list: readonly string[]): VirtualContent {
  if (module === "geopoly") return "rows";
  if (module === "rtree" || module === "rtree_i32") return "keyed_rows";
  if (!fullText.has(module)) return "none";
  const option = module === "fts5" ? fts5Content : fts4Content;
  const value = list.map((argument) => option.exec(argument)?.[1]).find((v) => v !== undefined);
  if (value === undefined || module === "fts3") return "rows";
  return /^(?:''|""|``|\[\])?$/.test(value.trim()) ? "shadows" : "index";
}

/** FTS5 takes the beginning of an option's name for it. */
const fts5Content = /^c(?:o(?:n(?:t(?:e(?:nt?)?)?)?)?)?\s*=([^]*)$/i;
const fts4Content = /^content=([^]*)$/i;

function isKnown(database: Database, module: string): boolean {
  const known = "SELECT 1 FROM pragma_module_list WHERE name = ?1 COLLATE NOCASE";
  return database.scalar(known, module) !== undefined;
}

/** Not where SQLite lacks the module, its tokenizer or function, or what it is an index of is gone. */
function isReadable(database: Database, name: string): boolean {
  try {
    database.scalar(`SELECT 1 FROM (SELECT * FROM ${identifier(name)} LIMIT 1)`);
    return true;
  } catch (error) {
    if (error instanceof SqliteError && !isLocalFailure(error)) return false;
    throw error;
  }
}

/**
 * What the tables look like, behind the name, that modules make for some of their virtual tables
 * only: https://www.sqlite.org/fts3.html#shadow_tables and
 * https://www.sqlite.org/fts5.html#fts5_data_structures. Any other of such a name is the user's own.
 */
const optionalShadows: Readonly<Record<string, RegExp>> = {
  content: /^\((?:doc)?id INTEGER PRIMARY KEY(?:, [^]*)?\)$/,
  docsize: /^\((?:doc)?id INTEGER PRIMARY KEY, (?:sz|size) BLOB(?:, origin INTEGER)?\)$/,
  stat: /^\(id INTEGER PRIMARY KEY, value BLOB\)$/,
};

/** Whether a table that SQLite takes for the virtual table's, by its name, is one. */
export function isShadow(name: string, sql: string, { module, content }: VirtualTable): boolean {
  const form = optionalShadows[name.slice(name.lastIndexOf("_") + 1).toLowerCase()];
  if (form === undefined || !fullText.has(module)) return true;
  if (form === optionalShadows.content && content === "index") return false;
  const tokens = SqlTokens.of(sql);
  const isNamed = tokens.nextIs("CREATE") && tokens.nextIs("TABLE") && tokens.nextMeaning();
  if (!isNamed || tokens.kind === "word") return false;
  let rest = "";
  while (tokens.next()) rest += tokens.text;
  return form.test(rest.trim());
}
