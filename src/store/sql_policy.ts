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
import { hiddenPrefix } from "./raft_table.ts";

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

/** What a statement of a load controls, instead of reading or writing anything. */
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
  "page_size",
  "user_version",
]);

/** PRAGMAs whose value lives in the database file, and so is replicated; the last lasts for a transaction. */
const settablePragmas = new Set(["application_id", "user_version", "defer_foreign_keys"]);

/** PRAGMAs that change the database file, with an argument or without. */
const workingPragmas = new Set(["incremental_vacuum", "optimize"]);

const pragmaAdvice: Readonly<Record<string, string>> = {
  foreign_keys: "start every node with the fk flag instead",
  wal_checkpoint: "checkpoints are made as needed",
};

/** What SQLite takes for on: https://www.sqlite.org/pragma.html#pragma_foreign_keys */
const switchedOn = /^(?:on|yes|true|0*[1-9]\d*)$/i;

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
  /** A load is under way: what its statements control is noted, for it to carry out. */
  loading = false;
  /** What the statement prepared since this was last cleared controls; see `loading`. */
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
    const reason = this.#refusal(action, first, second, schema);
    if (reason === undefined) {
      return this.#narrower?.(action, first, second, schema, null) ?? AuthorizerResult.ok;
    }
    this.#reason = reason;
    return AuthorizerResult.deny;
  };

  #refusal(
    action: number,
    first: string | null,
    second: string | null,
    schema: string | null,
  ): string | undefined {
    switch (action) {
      case Action.transaction:
      case Action.savepoint:
        return `${action === Action.transaction ? first : "SAVEPOINT"} is refused: ` +
          "send the statements as one request with the transaction parameter";
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
    if (askingPragmas.has(name) || this.#isInForce(name, value)) return undefined;
    const allowed = this.#kind === "read"
      ? value === null && name !== "wal_checkpoint" && !workingPragmas.has(name)
      : this.#mayWrite(name, value, schema);
    if (allowed) return undefined;
    if (this.#kind === "read" && (workingPragmas.has(name) || settablePragmas.has(name))) {
      return writeRefused;
    }
    const advice = pragmaAdvice[name] ??
      (value === null
        ? "its value belongs to one node: ask for it in a query"
        : "it changes one connection of one node, not the replicated database");
    return `PRAGMA ${name} is refused: ${advice}`;
  }

  /** Sets what is so already, as many programs do when they begin. */
  #isInForce(name: string, value: string | null): boolean {
    return name === "foreign_keys" && value !== null &&
      switchedOn.test(value) === this.foreignKeys;
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
      return { type: "pragma", name, value: second === null ? undefined : switchedOn.test(second) };
    }
    default:
      return undefined;
  }
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
