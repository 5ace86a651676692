import { FormatError } from "../base/bytes.ts";
import type { Identity, TableRights } from "./types.ts";

/** Patterns in a list, and characters of a pattern or of a user's name: what travels with each write. */
export const tablePatternsMax = 256;
export const tablePatternLengthMax = 256;
const usernameLengthMax = 1024;

/** What is wrong with rights by table as somebody has written them; undefined when nothing is. */
export function tableRightsFault({ read, write }: TableRights): string | undefined {
  for (const patterns of [read, write]) {
    if (patterns.length > tablePatternsMax) {
      return `names ${patterns.length} tables in a list, the limit is ${tablePatternsMax}`;
    }
    for (const pattern of patterns) {
      if (pattern === "" || pattern.length > tablePatternLengthMax) {
        return `names a table with ${pattern.length} characters, ` +
          `there must be 1 to ${tablePatternLengthMax}`;
      }
    }
  }
  return undefined;
}

const encoded = new WeakMap<TableRights, { readonly username: string; readonly text: string }>();

/**
 * Somebody's rights by table as they go with a request: JSON of one form only, so that equal rights
 * are equal texts. Undefined for who may do everything, be it because both lists have `*`.
 */
export function rightsOf({ username = "", tables }: Identity): string | undefined {
  if (tables === undefined) return undefined;
  const known = encoded.get(tables);
  if (known?.username === username) return known.text;
  const [read, write] = [canonical(tables.read), canonical(tables.write)];
  if (read.includes("*") && write.includes("*")) return undefined;
  const text = JSON.stringify({ username, read, write });
  encoded.set(tables, { username, text });
  return text;
}

/** Rights that {@linkcode rightsOf} has written; throws a FormatError for any other text. */
export function readRights(text: string): UserRights {
  let value: Record<string, unknown>;
  try {
    value = Object(JSON.parse(text));
  } catch (error) {
    throw new FormatError("Rights by table are no JSON", { cause: error });
  }
  const { username, read, write } = value;
  if (typeof username !== "string" || !areNames(read) || !areNames(write)) {
    throw new FormatError("Rights by table name no user, or no tables");
  }
  const fault = username.length > usernameLengthMax
    ? "name a user with too many characters"
    : tableRightsFault({ read, write });
  if (fault !== undefined) throw new FormatError(`Rights by table: ${fault}`);
  return new UserRights(username, read, write);
}

function areNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((name) => typeof name === "string");
}

function canonical(patterns: readonly string[]): string[] {
  return [...new Set(patterns.map(foldName))].sort();
}

/** As SQLite compares names: without regard to the case of ASCII's letters, and of no others. */
export function foldName(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** What one user may read and write, ready to be asked. */
export class UserRights {
  readonly username: string;
  readonly #read: readonly (readonly string[])[];
  readonly #write: readonly (readonly string[])[];

  constructor(username: string, read: readonly string[], write: readonly string[]) {
    this.username = username;
    this.#read = read.map(partsOf);
    this.#write = write.map(partsOf);
  }

  mayRead(table: string): boolean {
    return areMeant(this.#read, table);
  }

  mayWrite(table: string): boolean {
    return areMeant(this.#write, table);
  }
}

/** How SQLite's own tables begin, and the cluster's: statistics, the schema, bookkeeping. */
const internal = "sqlite_";

/** What is internal is meant only by who names it, or everything: `s*` is about somebody's tables. */
function areMeant(patterns: readonly (readonly string[])[], table: string): boolean {
  const name = foldName(table);
  const fits = patterns.filter((parts) => matches(parts, name));
  if (!name.startsWith(internal)) return fits.length > 0;
  return fits.some((parts) => parts[0]?.startsWith(internal) || parts.join("*") === "*");
}

/** What must stand between the `*` of a pattern. */
function partsOf(pattern: string): readonly string[] {
  return foldName(pattern).split("*");
}

/** Whether the parts stand in `name` in their order: each where it first can, so that it takes no longer. */
function matches(parts: readonly string[], name: string): boolean {
  const [first = "", ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (name.length < first.length + last.length) return false;
  if (!name.startsWith(first) || !name.endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
