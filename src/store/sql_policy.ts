import {
  type Authorizer,
  AuthorizerResult,
  type Database,
  nodeLocalFunctions,
  nodeLocalTables,
  processFunctions,
  SqliteError,
  statisticsTables,
} from "../sqlite/mod.ts";
import { hiddenPrefix } from "./apply/raft_table.ts";
import { isOn, type RequestPragma, requestPragma } from "./request_pragmas.ts";

/** Action codes of https://www.sqlite.org/c3ref/c_alter_table.html that a policy decides on. */
const Action = {
  createTempIndex: 3,
  createTempTable: 4,
  createTempTrigger: 5,
  createTempView: 6,
  delete: 9,
  dropTempIndex: 12,
  dropTempTable: 13,
  dropTempTrigger: 14,
  dropTempView: 15,
  insert: 18,
  pragma: 19,
  read: 20,
  transaction: 22,
  update: 23,
  attach: 24,
  detach: 25,
  createVirtualTable: 29,
  function: 31,
  savepoint: 32,
} as const;

/**
 * What a statement controls, instead of reading or writing anything: outside of a load, where a
 * transaction begins or ends.
 */
export type Control =
  | { readonly type: "transaction"; readonly operation: string }
  | { readonly type: "savepoint"; readonly operation: string; readonly name: string }
  | { readonly type: "pragma"; readonly name: string; readonly value: boolean | undefined };

/** PRAGMAs that a load carries out, for as long as it lasts. */
const loadPragmas = new Set(["foreign_keys", "legacy_alter_table", "writable_schema"]);

/** PRAGMAs that set how one connection, or a file without tables, goes about its work: a load needs none. */
const tuningPragmas = new Set([
  "auto_vacuum",
  "automatic_index",
  "busy_timeout",
  "cache_size",
  "cache_spill",
  "cell_size_check",
  "checkpoint_fullfsync",
  "encoding",
  "fullfsync",
  "journal_mode",
  "journal_size_limit",
  "locking_mode",
  "mmap_size",
  "page_size",
  "read_uncommitted",
  "secure_delete",
  "synchronous",
  "temp_store",
  "threads",
  "trusted_schema",
  "wal_autocheckpoint",
  "wal_checkpoint",
]);

/** What SQLite says of a refused statement, by several codes. */
const refusedText = /not authorized|prohibited|authorization denied/;

/** PRAGMAs that only tell, also with an argument: what they tell of. */
const askingPragmas = new Set([
  "foreign_key_check",
  "foreign_key_list",
  "index_info",
  "index_list",
  "index_xinfo",
  "integrity_check",
  "quick_check",
  "table_info",
  "table_list",
  "table_xinfo",
]);

/** PRAGMAs whose value without an argument is the same on every node. */
const replicatedPragmas = new Set([
  "application_id",
  "auto_vacuum",
  "collation_list",
  "defer_foreign_keys",
  "encoding",
  "foreign_keys",
  "legacy_alter_table",
  "page_size",
  "user_version",
]);

/** PRAGMAs whose value lives in the database file, and so is replicated. */
const settablePragmas = new Set(["application_id", "user_version"]);

/** PRAGMAs that change what the statements behind them do. */
const meaningfulPragmas = new Set([
  "case_sensitive_like",
  "ignore_check_constraints",
  "recursive_triggers",
  "reverse_unordered_selects",
  "writable_schema",
]);

/** PRAGMAs that change the database file, with an argument or without. */
const workingPragmas = new Set(["incremental_vacuum", "optimize"]);

const pragmaAdvice: Readonly<Record<string, string>> = {
  wal_checkpoint: "checkpoints are made as needed",
};

/** Of what bounds a transaction in a request of its own. */
export function controlRefused(operation: string): string {
  return `${operation} is refused: send the statements as one request with the transaction parameter`;
}

/** Of whatever writes, sent to be read. */
export const writeRefused = "attempt to change database via query operation";

/**
 * What SQL may do on one connection, decided while it is prepared. A refused statement fails with
 * a text that says what to do instead.
 */
export class SqlPolicy {
  readonly #kind: "write" | "read";
  /** Whether the connection enforces them. */
  foreignKeys: boolean;
  readonly #narrower: Authorizer | undefined;
  #trusted = false;
  #reason: string | undefined;
  /** The statement prepared since this was last cleared gives this PRAGMA a value. */
  pragma: RequestPragma | undefined;
  /** What was refused since this was last cleared would have changed what is done behind it. */
  refusedContext = false;
  /** A statement prepared since this was last cleared calls changes(). */
  callsChanges = false;
  /** A statement prepared since this was last cleared writes the planner's statistics. */
  writesStatistics = false;
  /** Tables that a statement prepared since this was last cleared inserts into. */
  readonly insertsInto = new Set<string>();
  /** The mask of a PRAGMA optimize prepared since this was last cleared; "" when it gave none. */
  optimizes: string | undefined;
  /**
   * A client's own statement is being prepared. What is prepared while one runs is for a virtual
   * table: of FTS5, R-tree and their like, or of a pragma_* table, whose rows SQL may store.
   */
  preparing = false;
  /** A load is under way: all that its statements control is noted, for it to carry out. */
  loading = false;
  /** What the statement prepared since this was last cleared controls. */
  control: Control | undefined;

  /** `narrower` is asked too, about everything. */
  constructor(kind: "write" | "read", foreignKeys: boolean, narrower?: Authorizer) {
    this.#kind = kind;
    this.foreignKeys = foreignKeys;
    this.#narrower = narrower;
  }

  install(database: Database): void {
    const actions = this.#narrower === undefined ? Object.values(Action) : undefined;
    database.setAuthorizer(this.#authorize, actions);
  }

  /** Runs the store's own SQL, which may do anything. */
  trusted<Result>(body: () => Result): Result {
    const before = this.#trusted;
    this.#trusted = true;
    try {
      return body();
    } finally {
      this.#trusted = before;
    }
  }

  /** The policy's own text for an error, when it was what refused the statement. */
  refusal(error: SqliteError): string | undefined {
    const reason = this.#reason;
    this.#reason = undefined;
    return refusedText.test(error.message) ? reason : undefined;
  }

  /** The text for an error: the policy's, or else SQLite's. */
  explain(error: SqliteError): string {
    return this.refusal(error) ?? error.message;
  }

  readonly #authorize: Authorizer = (action, first, second, schema) => {
    if (this.#trusted) return AuthorizerResult.ok;
    if (this.loading && this.preparing) {
      const control = controlOf(action, first, second, schema);
      if (control !== undefined) {
        this.control = control;
        return control.type === "pragma" ? AuthorizerResult.ignore : AuthorizerResult.ok;
      }
    }
    if (action === Action.function && second?.toLowerCase() === "changes") {
      this.callsChanges = true;
    }
    if (action === Action.insert && first !== null) this.insertsInto.add(first);
    if (isChange(action) && statisticsTables.has(first?.toLowerCase() ?? "")) {
      this.writesStatistics = true;
    }
    if (this.#isContext(action, first, second)) return AuthorizerResult.ignore;
    const reason = this.#refusal(action, first, second, schema);
    if (reason === undefined) {
      return this.#narrower?.(action, first, second, schema, null) ?? AuthorizerResult.ok;
    }
    this.#reason = reason;
    return AuthorizerResult.deny;
  };

  /**
   * Notes what says how, or in which transaction, statements are to be run. SQLite is to pass over
   * it, since it obeys such a PRAGMA while it prepares it.
   */
  #isContext(action: number, first: string | null, second: string | null): boolean {
    if (this.#narrower !== undefined) return false;
    if (action === Action.pragma) {
      this.pragma = requestPragma(first?.toLowerCase() ?? "", second);
      return this.pragma !== undefined && (this.#kind === "write" || this.#isInForce(this.pragma));
    }
    if (action !== Action.transaction || this.#kind === "read") return false;
    this.control = { type: "transaction", operation: first ?? "" };
    return true;
  }

  #refusal(
    action: number,
    first: string | null,
    second: string | null,
    schema: string | null,
  ): string | undefined {
    switch (action) {
      case Action.transaction:
      case Action.savepoint:
        this.refusedContext = true;
        return controlRefused(action === Action.transaction ? first ?? "" : "SAVEPOINT");
      case Action.attach:
      case Action.detach:
        return "ATTACH, DETACH and VACUUM INTO are refused: a node has one database, and its " +
          "copies come from the backup endpoint";
      case Action.pragma:
        return this.#pragmaRefusal(first?.toLowerCase() ?? "", second, schema);
      case Action.function:
        return functionRefusal(second?.toLowerCase() ?? "", this.#kind === "write");
      case Action.createVirtualTable:
        return this.#kind === "write" ? nodeLocalRefusal(second) : undefined;
      default:
        return this.#kind === "write" ? writeRefusal(action, first, schema) : undefined;
    }
  }

  #pragmaRefusal(name: string, value: string | null, schema: string | null): string | undefined {
    if (name === "optimize") this.optimizes = value ?? "";
    if (askingPragmas.has(name)) return undefined;
    const allowed = this.#kind === "read"
      ? value === null && name !== "wal_checkpoint" && !workingPragmas.has(name)
      : this.#mayWrite(name, value, schema);
    if (allowed) return undefined;
    if (value !== null && meaningfulPragmas.has(name)) this.refusedContext = true;
    if (this.#kind === "read" && isWrite(name, value)) return writeRefused;
    const advice = pragmaAdvice[name] ??
      (value === null
        ? "its value belongs to one node: ask for it in a query"
        : "it changes one connection of one node, not the replicated database");
    return `PRAGMA ${name} is refused: ${advice}`;
  }

  /** Sets what is so already, as many programs do when they begin. */
  #isInForce({ name, on }: RequestPragma): boolean {
    return name === "foreign_keys" && on === this.foreignKeys;
  }

  #mayWrite(name: string, value: string | null, schema: string | null): boolean {
    if (value !== null) {
      return settablePragmas.has(name) || (this.preparing && workingPragmas.has(name));
    }
    // FTS5 asks for main.data_version, which pragma_data_version cannot, to know when to read anew.
    if (name === "data_version" && schema !== null) return true;
    // A client's own PRAGMA tells the client only; its answer cannot be stored.
    return replicatedPragmas.has(name) || (this.preparing && name !== "wal_checkpoint");
  }
}

function controlOf(
  action: number,
  first: string | null,
  second: string | null,
  schema: string | null,
): Control | undefined {
  switch (action) {
    case Action.transaction:
      return { type: "transaction", operation: first ?? "" };
    case Action.savepoint:
      return { type: "savepoint", operation: first ?? "", name: second ?? "" };
    case Action.pragma: {
      const name = first?.toLowerCase() ?? "";
      // What asks for main.page_size may be FTS4, which reads its table while it is prepared.
      if (second === null && schema !== null) return undefined;
      const held = loadPragmas.has(name) && second !== null;
      if (!held && !tuningPragmas.has(name)) return undefined;
      return { type: "pragma", name, value: second === null ? undefined : isOn(second) };
    }
    default:
      return undefined;
  }
}

function isWrite(pragma: string, value: string | null): boolean {
  return workingPragmas.has(pragma) || settablePragmas.has(pragma) ||
    requestPragma(pragma, value) !== undefined;
}

function isChange(action: number): boolean {
  return action === Action.insert || action === Action.update || action === Action.delete;
}

function functionRefusal(name: string, writes: boolean): string | undefined {
  const reason = processFunctions.get(name) ?? (writes ? nodeLocalFunctions.get(name) : undefined);
  return reason && `${name}() is refused: ${reason}`;
}

function nodeLocalRefusal(table: string | null): string | undefined {
  const reason = table === null ? undefined : nodeLocalTables.get(table.toLowerCase());
  return reason && `Table ${table} is refused: ${reason}`;
}

const temporaryRefused =
  "Temporary tables, views and triggers are refused: they live on one connection and " +
  "are not replicated, create ordinary ones";

function writeRefusal(
  action: number,
  table: string | null,
  schema: string | null,
): string | undefined {
  // What is created there by its schema's name, CREATE TABLE temp.t, is not asked for as temporary.
  if (action === Action.insert && schema === "temp") return temporaryRefused;
  switch (action) {
    case Action.delete:
    case Action.insert:
    case Action.update:
    case Action.read:
      return table?.toLowerCase().startsWith(hiddenPrefix)
        ? `Table ${table} is the cluster's own bookkeeping: it can only be read by queries`
        : nodeLocalRefusal(table);
    case Action.createTempIndex:
    case Action.createTempTable:
    case Action.createTempTrigger:
    case Action.createTempView:
    case Action.dropTempIndex:
    case Action.dropTempTable:
    case Action.dropTempTrigger:
    case Action.dropTempView:
      return temporaryRefused;
    default:
      return undefined;
  }
}
