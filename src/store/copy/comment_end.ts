import { SqlTokens } from "../../sqlite/mod.ts";

/**
 * What has to stand between a statement and the `;` behind it: SQLite keeps the comments at the end
 * of the SQL that it stores, of which one may not be closed, and they would swallow it.
 */
export function commentEnd(sql: string): string {
  const tokens = SqlTokens.of(sql);
  let last = "";
  while (tokens.next()) last = tokens.kind === "blank" ? tokens.text : "";
  if (last.startsWith("--")) return last.endsWith("\n") ? "" : "\n";
  const isOpen = last.startsWith("/*") && (last.length < 4 || !last.endsWith("*/"));
  return isOpen ? "*/" : "";
}
