import { SqlTokens } from "../sqlite/mod.ts";

/** Tables that a change of the schema names, and of which SQLite does not tell. */
export interface NamedTables {
  /** What ALTER TABLE … RENAME TO calls its table from then on. */
  readonly renamedTo: string | undefined;
  /** What REFERENCES names in CREATE TABLE and ADD COLUMN: tables that need not be there yet. */
  readonly references: readonly string[];
}

/**
 * Reads them out of a statement that SQLite has prepared, whose grammar leaves no doubt: REFERENCES
 * and TO are no names without quotes. https://www.sqlite.org/lang_keywords.html
 */
export function namedTables(sql: string): NamedTables {
  return { renamedTo: renamedTo(SqlTokens.of(sql)), references: references(SqlTokens.of(sql)) };
}

function renamedTo(tokens: SqlTokens): string | undefined {
  while (tokens.nextMeaning() && tokens.keyword !== "TABLE");
  tokens.nextMeaning();
  if (tokens.nextMeaning() && tokens.text === ".") {
    tokens.nextMeaning();
    tokens.nextMeaning();
  }
  if (tokens.keyword !== "RENAME" || !tokens.nextIs("TO")) return undefined;
  tokens.nextMeaning();
  return tokens.name;
}

function references(tokens: SqlTokens): string[] {
  const names: string[] = [];
  while (tokens.nextMeaning()) {
    if (tokens.keyword !== "REFERENCES") continue;
    tokens.nextMeaning();
    names.push(tokens.name);
  }
  return names;
}
