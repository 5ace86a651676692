import { dotCommands } from "./dot_commands.ts";
import { keywords } from "./keywords.ts";
import type { Schema } from "./schema.ts";

/** What readline wants: what the word may become, and the word. */
export type Completion = [candidates: string[], word: string];

/** Completes the last word before the cursor. */
export function complete(line: string, schema: Schema): Completion {
  return /^\s*\./.test(line)
    ? completeCommand(line.trimStart(), schema)
    : completeSql(line, schema);
}

function completeCommand(line: string, schema: Schema): Completion {
  const [, name = "", argument] = /^\.(\S*)(?:\s+([^]*))?$/.exec(line) ?? [];
  if (argument === undefined) {
    return [startingWith(`.${name}`, [...dotCommands.keys()].map((key) => `.${key}`)), `.${name}`];
  }
  const word = argument.slice(1 + lastIndexWhere(argument, (character) => /[\s,]/.test(character)));
  const isTableOfDump = name === "dump" && /\s/.test(argument);
  const choices = isTableOfDump
    ? [...schema.keys()]
    : dotCommands.get(name.toLowerCase())?.choices ?? [];
  return [startingWith(word, choices), word];
}

function completeSql(line: string, schema: Schema): Completion {
  const word = lastName(line);
  const before = line.slice(0, line.length - word.length);
  const table = before.endsWith(".") ? lastName(before.slice(0, -1)) || undefined : undefined;
  if (table !== undefined) return [startingWith(word, columnsOf(table, schema)), word];
  if (word === "") return [[], ""];
  const names = [...schema.keys(), ...[...schema.values()].flat()].filter(needsNoQuotes);
  const isLower = word === word.toLowerCase();
  const words = keywords.map((keyword) => isLower ? keyword.toLowerCase() : keyword);
  return [startingWith(word, [...words, ...names]), word];
}

/** The letters of a name that a text ends with. */
function lastName(text: string): string {
  return text.slice(1 + lastIndexWhere(text, (c) => !/[\w$\u0080-\uffff]/.test(c)));
}

function lastIndexWhere(text: string, isIt: (character: string) => boolean): number {
  let at = text.length - 1;
  while (at >= 0 && !isIt(text.charAt(at))) at--;
  return at;
}

function columnsOf(table: string, schema: Schema): readonly string[] {
  const entry = [...schema].find(([name]) => name.toLowerCase() === table.toLowerCase());
  return entry?.[1].filter(needsNoQuotes) ?? [];
}

function needsNoQuotes(name: string): boolean {
  return /^[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*$/.test(name);
}

/** The candidates that begin with `word` in either case, in the case of what was typed. */
function startingWith(word: string, candidates: readonly string[]): string[] {
  const lower = word.toLowerCase();
  const hits = candidates.filter((candidate) => candidate.toLowerCase().startsWith(lower))
    .map((candidate) => word + candidate.slice(word.length));
  return [...new Set(hits)].sort();
}
