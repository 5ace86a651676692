import { assert } from "../base/assert.ts";
import {
  type Authorizer,
  AuthorizerResult,
  type Database,
  nodeLocalFunctions,
  nodeLocalTables,
  processFunctions,
  SqliteError,
} from "../sqlite/mod.ts";
import { hiddenPrefix } from "./apply/raft_table.ts";
import { Action, told } from "./authorizer_actions.ts";
import { controlOf, noteEffect, type PreparationNotes } from "./preparation_notes.ts";
import { type RequestPragma, requestPragma } from "./request_pragmas.ts";
import type { TableGuard } from "./table_guard.ts";

/** Why the policy has refused something. */
export interface Refusal {
  readonly text: string;
  /** It would have changed what is done behind it. */
  readonly ofContext: boolean;
  /** It is for lack of rights, whatever else SQLite finds fault with after that. */
  readonly ofRights?: boolean;
}

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

/** All but what every query may. */
const decidedActions = Object.values(Action).filter((action) => action !== Action.recursive);

/**
 * What SQL may do on one connection, decided while it is prepared. A refused statement fails with
 * a text that says what to do instead.
 */
export class SqlPolicy {
  readonly #kind: "write" | "read";
  /** Whether the connection enforces them. */
  foreignKeys: boolean;
  readonly #narrower: Authorizer | undefined;
  /** Of the user whose statements are prepared and run now; undefined for one of all tables. */
  guard: TableGuard | undefined;
  #trusted = false;
  #refused: Refusal | undefined;
  /**
   * Set while a client's own statement is being prepared. What is prepared while one runs is for a
   * virtual table: of FTS5, R-tree and their like, or of a pragma_* table, whose rows SQL may store.
   */
  #notes: PreparationNotes | undefined;
  /** What is being prepared is of a load: all that it controls is noted, for the load to carry out. */
  #ofLoad = false;

  /** `narrower` is asked too, about everything. */
  constructor(kind: "write" | "read", foreignKeys: boolean, narrower?: Authorizer) {
    this.#kind = kind;
    this.foreignKeys = foreignKeys;
    this.#narrower = narrower;
  }

  install(database: Database): void {
    const actions = this.#narrower === undefined ? decidedActions : undefined;
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

  /** Fills `notes` while `body` prepares a client's statement, which may be one of a load. */
  noting<Result>(notes: PreparationNotes, ofLoad: boolean, body: () => Result): Result {
    assert(this.#notes === undefined, "A client's statement was prepared inside another");
    this.guard?.begin();
    this.#refused = undefined;
    this.#notes = notes;
    this.#ofLoad = ofLoad;
    try {
      return body();
    } finally {
      this.#notes = undefined;
      this.#ofLoad = false;
    }
  }

  /** Why a statement that was prepared is refused for what SQLite has not told of. */
  unseen(database: Database, sql: () => string): string | undefined {
    const { guard } = this;
    return guard && this.trusted(() => guard.unseen(database, sql()));
  }

  /** Why the policy has refused a statement, when it was what made it fail with `error`. */
  refusal(error: SqliteError): Refusal | undefined {
    const refused = this.#refused;
    this.#refused = undefined;
    return refused?.ofRights || refusedText.test(error.message) ? refused : undefined;
  }

  /** The text for an error: the policy's, or else SQLite's. */
  explain(error: SqliteError): string {
    return this.refusal(error)?.text ?? error.message;
  }

  readonly #authorize: Authorizer = (action, first, second, schema, triggerOrView) => {
    if (this.#trusted) return AuthorizerResult.ok;
    const notes = this.#notes;
    const nested = notes === undefined;
    const prohibited = this.guard?.refusal(action, first, second, schema, triggerOrView, nested);
    if (prohibited !== undefined) {
      const ofContext = changesContext(action, first, second);
      this.#refused ??= { text: prohibited, ofContext, ofRights: true };
      return AuthorizerResult.deny;
    }
    if (notes !== undefined) {
      const control = this.#ofLoad ? controlOf(action, first, second, schema) : undefined;
      if (control !== undefined) {
        notes.control = control;
        return control.type === "pragma" ? AuthorizerResult.ignore : AuthorizerResult.ok;
      }
      noteEffect(notes, action, first, second, triggerOrView);
    }
    if (this.#isContext(action, first, second)) return AuthorizerResult.ignore;
    const text = this.#refusalText(action, first, second, schema);
    if (text === undefined) {
      // A trigger takes rows one by one, so that it is as many instructions whoever watches changes.
      if (action === Action.delete && triggerOrView !== null) return AuthorizerResult.ignore;
      return this.#narrower?.(action, first, second, schema, null) ?? AuthorizerResult.ok;
    }
    this.#refused = { text, ofContext: changesContext(action, first, second) };
    return AuthorizerResult.deny;
  };

  /**
   * Notes what says how, or in which transaction, statements are to be run. SQLite is to pass over
   * it, since it obeys such a PRAGMA while it prepares it.
   */
  #isContext(action: number, first: string | null, second: string | null): boolean {
    if (this.#narrower !== undefined) return false;
    if (action === Action.pragma) {
      const pragma = requestPragma(told(first).toLowerCase(), second);
      if (this.#notes !== undefined) this.#notes.pragma = pragma;
      return pragma !== undefined && (this.#kind === "write" || this.#isInForce(pragma));
    }
    if (action !== Action.transaction || this.#kind === "read") return false;
    if (this.#notes !== undefined) {
      this.#notes.control = { type: "transaction", operation: told(first) };
    }
    return true;
  }

  #refusalText(
    action: number,
    first: string | null,
    second: string | null,
    schema: string | null,
  ): string | undefined {
    switch (action) {
      case Action.transaction:
      case Action.savepoint:
        return controlRefused(action === Action.transaction ? told(first) : "SAVEPOINT");
      case Action.attach:
      case Action.detach:
        return "ATTACH, DETACH and VACUUM INTO are refused: a node has one database, and its " +
          "copies come from the backup endpoint";
      case Action.pragma:
        return this.#pragmaRefusal(told(first).toLowerCase(), second, schema);
      case Action.function:
        return functionRefusal(told(second).toLowerCase(), this.#kind === "write");
      case Action.createVirtualTable:
        return this.#kind === "write" ? nodeLocalRefusal(second) : undefined;
      default:
        return this.#kind === "write" ? writeRefusal(action, first, schema) : undefined;
    }
  }

  #pragmaRefusal(name: string, value: string | null, schema: string | null): string | undefined {
    if (askingPragmas.has(name)) {
      if (this.#notes !== undefined) this.#notes.listsSchema = true;
      return undefined;
    }
    const allowed = this.#kind === "read"
      ? value === null && name !== "wal_checkpoint" && !workingPragmas.has(name)
      : this.#mayWrite(name, value, schema);
    if (allowed) return undefined;
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
    const notes = this.#notes;
    if (value !== null) {
      return settablePragmas.has(name) || (notes !== undefined && workingPragmas.has(name));
    }
    if (replicatedPragmas.has(name)) return true;
    // FTS5 asks for main.data_version, which pragma_data_version cannot, to know when to read anew.
    if (notes === undefined) return name === "data_version" && schema !== null;
    // A client's own PRAGMA tells the client only; SQL cannot store its answer.
    if (name === "wal_checkpoint") return false;
    notes.tellsOfNode = true;
    return true;
  }
}

/** Whether it says how, or in which transaction, statements behind it are to be run. */
function changesContext(action: number, first: string | null, second: string | null): boolean {
  if (action === Action.transaction || action === Action.savepoint) return true;
  return action === Action.pragma && second !== null &&
    meaningfulPragmas.has(told(first).toLowerCase());
}

function isWrite(pragma: string, value: string | null): boolean {
  return workingPragmas.has(pragma) || settablePragmas.has(pragma) ||
    requestPragma(pragma, value) !== undefined;
}

function functionRefusal(name: string, writes: boolean): string | undefined {
  const reason = processFunctions.get(name) ?? (writes ? nodeLocalFunctions.get(name) : undefined);
  return reason && `${name}() is refused: ${reason}`;
}

function nodeLocalRefusal(table: string | null): string | undefined {
  const reason = nodeLocalTables.get(told(table).toLowerCase());
  return reason && `Table ${table} is refused: ${reason}`;
}

const temporaryActions: ReadonlySet<number> = new Set([
  Action.createTempIndex,
  Action.createTempTable,
  Action.createTempTrigger,
  Action.createTempView,
  Action.dropTempIndex,
  Action.dropTempTable,
  Action.dropTempTrigger,
  Action.dropTempView,
]);

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
      return told(table).toLowerCase().startsWith(hiddenPrefix)
        ? `Table ${table} is the cluster's own bookkeeping: it can only be read by queries`
        : nodeLocalRefusal(table);
    default:
      return temporaryActions.has(action) ? temporaryRefused : undefined;
  }
}
