import { type Authorizer, AuthorizerResult, type Database } from "../sqlite/mod.ts";

/** Bytes of a value on the main thread: longer ones take long to copy, and to look at. */
const valueBytesMax = 0x1_0000;

/** SQLITE_LIMIT_LENGTH of https://www.sqlite.org/c3ref/c_limit_attached.html */
const lengthLimit = 0;

/**
 * Takes from a connection of the main thread what an authorizer cannot: virtual tables, which work
 * in a single instruction, and values that are long.
 */
export function boundInstructions(database: Database): void {
  database.dropModules();
  database.limit(lengthLimit, valueBytesMax);
}

/** Action codes of https://www.sqlite.org/c3ref/c_alter_table.html that plain statements bring about. */
const Action = {
  delete: 9,
  insert: 18,
  read: 20,
  select: 21,
  update: 23,
  function: 31,
  recursive: 33,
} as const;

/** All action codes but those that every SELECT may: only about these is the authorizer asked. */
export const quickActions: readonly number[] = Array.from({ length: 34 }, (_, code) => code)
  .filter((code) => code !== Action.read && code !== Action.select && code !== Action.recursive);

/**
 * Functions that take no longer than their arguments are long. Not among them: count(), for which
 * SQLite walks through a whole table in one instruction, and LIKE, GLOB and instr(), which may take
 * the product of two lengths.
 */
const quickFunctions = new Set([
  "->",
  "->>",
  "abs",
  "avg",
  "coalesce",
  "date",
  "datetime",
  "hex",
  "ifnull",
  "iif",
  "json_extract",
  "julianday",
  "length",
  "lower",
  "max",
  "min",
  "nullif",
  "quote",
  "round",
  "row_number",
  "sign",
  "strftime",
  "substr",
  "substring",
  "sum",
  "time",
  "total",
  "typeof",
  "unixepoch",
  "upper",
]);

/** Lets only SELECTs pass whose every instruction is a matter of microseconds. */
export const quickAuthorizer: Authorizer = (action, _, name) =>
  action === Action.function && isAmong(quickFunctions, name)
    ? AuthorizerResult.ok
    : AuthorizerResult.deny;

function isAmong(functions: ReadonlySet<string>, name: string | null): boolean {
  return name !== null && functions.has(name.toLowerCase());
}

/** Functions that writes may call besides, and that are the same on every node: last_insert_rowid() is kept. */
const quickWriteFunctions = new Set([
  ...quickFunctions,
  "current_date",
  "current_time",
  "current_timestamp",
  "last_insert_rowid",
  "random",
]);

/**
 * Lets only INSERT, UPDATE, DELETE and SELECT pass whose every instruction is a matter of
 * microseconds. A DELETE of all rows must take them one by one, or it would be a single instruction:
 * https://www.sqlite.org/c3ref/c_deny.html (SQLITE_IGNORE).
 */
export const quickChanges: Authorizer = (action, first, second) => {
  switch (action) {
    case Action.read:
    case Action.select:
    case Action.recursive:
      return AuthorizerResult.ok;
    case Action.insert:
    case Action.update:
      return isPlainTable(first) ? AuthorizerResult.ok : AuthorizerResult.deny;
    case Action.delete:
      return isPlainTable(first) ? AuthorizerResult.ignore : AuthorizerResult.deny;
    case Action.function:
      return isAmong(quickWriteFunctions, second) ? AuthorizerResult.ok : AuthorizerResult.deny;
    default:
      return AuthorizerResult.deny;
  }
};

/** SQLite's own tables hold what it looks at itself, such as statistics. */
function isPlainTable(name: string | null): boolean {
  return name !== null && !name.toLowerCase().startsWith("sqlite_");
}
