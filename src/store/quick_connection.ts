import type { Clock, Logger } from "../io/types.ts";
import { type Authorizer, AuthorizerResult, type Database, type Library } from "../sqlite/mod.ts";
import type { LifeCycle } from "./life_cycle.ts";
import type { StatementMeter } from "./statements/statement_meter.ts";

/** What a connection of the main thread is made of. */
export interface QuickParts {
  readonly library: Library;
  readonly path: string;
  readonly foreignKeys: boolean;
  readonly life: LifeCycle;
  /** One for all of them: they have one disk. */
  readonly quickSwitch: Pick<QuickSwitch, "isOn" | "took">;
  readonly clock: Clock;
  /** One for all of them: they have one thread. */
  readonly meter: StatementMeter;
}

/**
 * A call on the main thread that takes so long, in ms, has waited for something: what it may do by
 * itself is bounded to a few milliseconds. Half of what a follower waits for its leader at least;
 * and longer than a machine that is merely busy keeps a thread from running (seen: 50 ms and more).
 */
const longMs = 250;
/** For how long the Workers then have all the work, in ms: at first, and at most. */
const shortestOffMs = 1_000;
const longestOffMs = 60_000;

/**
 * Whether reads and writes may be tried on the main thread. A disk that hangs would hold it up, and
 * with it all that a node does; so the first call that took long is the last for a while. It is on
 * again after a second, and after twice as long, up to a minute, whenever it goes off within a
 * minute of that.
 */
export class QuickSwitch {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #thread: string;
  #off = false;
  #offMs = 0;
  /** When it is on again, or was the last time. */
  #onAt = Number.NEGATIVE_INFINITY;
  #timesOff = 0;

  /** @param thread What it is for, as its operator is to read it. */
  constructor(clock: Clock, logger: Logger, thread = "the main thread") {
    this.#clock = clock;
    this.#logger = logger;
    this.#thread = thread;
  }

  /** For /status. */
  get status(): { readonly on: boolean; readonly timesOff: number } {
    return { on: this.isOn(this.#clock.now()), timesOff: this.#timesOff };
  }

  /** Whether a call may begin, at `now` by the clock that all calls are measured with. */
  isOn(now: number): boolean {
    if (!this.#off) return true;
    if (now < this.#onAt) return false;
    this.#off = false;
    this.#logger.log(
      "INFO",
      "store",
      `Short reads and writes are tried on ${this.#thread} again`,
    );
    return true;
  }

  /** To be told when each call began and ended. */
  took(startedAt: number, endedAt: number): void {
    const tookMs = endedAt - startedAt;
    if (tookMs < longMs) return;
    const again = endedAt - this.#onAt < longestOffMs;
    this.#offMs = again ? Math.min(longestOffMs, this.#offMs * 2) : shortestOffMs;
    this.#onAt = endedAt + this.#offMs;
    this.#off = true;
    this.#timesOff++;
    this.#logger.log(
      "WARN",
      "store",
      `The database held ${this.#thread} up for ${Math.round(tookMs)} ms: ` +
        `for ${this.#offMs / 1000} s other threads have all reads and writes`,
    );
  }
}

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

/** The same without the functions that extensions have put in the place of SQLite's: nobody knows how long they take. */
export function narrowed(authorizer: Authorizer, { extensions }: Pick<Library, "extensions">) {
  if (extensions.functions.length === 0) return authorizer;
  const replaced = new Set(extensions.functions.map(({ name }) => name));
  const narrower: Authorizer = (action, first, second, schema, triggerOrView) =>
    action === Action.function && isAmong(replaced, second)
      ? AuthorizerResult.deny
      : authorizer(action, first, second, schema, triggerOrView);
  return narrower;
}

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
