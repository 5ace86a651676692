import { createHiddenTable, type Database, DbConfig, hasTable } from "../sqlite/mod.ts";
import { isOn } from "../sqlite/pragma_value.ts";
import type { WriteConnection } from "./apply/write_connection.ts";

/**
 * PRAGMAs by which a request says how its statements are to be run, on every node alike. SQLite
 * keeps them by connection; here they hold from where they stand up to the end of their request,
 * and `foreign_keys` as the only statement of its request is a setting of the cluster: it counts
 * from the next entry of the log on, before the flag of the leader that stamped the entry, until
 * it is set again.
 *
 * SQLite never sees them, as it would obey while it prepares them, be it for an EXPLAIN: the policy
 * has it pass over them, and the writer does what they say.
 */
const requestPragmas = ["foreign_keys", "defer_foreign_keys", "legacy_alter_table"] as const;

export type RequestPragmaName = typeof requestPragmas[number];

export interface RequestPragma {
  readonly name: RequestPragmaName;
  readonly on: boolean;
}

/** What the request under way has set so far; `foreign_keys` is undefined when it has not. */
export type RequestPragmas = Readonly<
  Record<Exclude<RequestPragmaName, "foreign_keys">, boolean> & {
    foreign_keys: boolean | undefined;
  }
>;

/** What outlives a statement: the cluster's setting, undefined until there is one, and the request's. */
export interface PragmaState {
  readonly foreignKeys: boolean | undefined;
  readonly request: RequestPragmas;
}

export const noRequestPragmas: RequestPragmas = {
  foreign_keys: undefined,
  defer_foreign_keys: false,
  legacy_alter_table: false,
};

export const noPragmas: PragmaState = { foreignKeys: undefined, request: noRequestPragmas };

/** The PRAGMA that gives one of them a value, or undefined. */
export function requestPragma(name: string, value: string | null): RequestPragma | undefined {
  const known = requestPragmas.find((candidate) => candidate === name);
  return known === undefined || value === null ? undefined : { name: known, on: isOn(value) };
}

export function samePragmas(one: PragmaState, other: PragmaState): boolean {
  return one.foreignKeys === other.foreignKeys &&
    requestPragmas.every((name) => one.request[name] === other.request[name]);
}

type Target = Pick<WriteConnection, "database" | "policy" | "users" | "own">;

/** What PRAGMAs have set on a connection that writes, and kept with what they were set for. */
export class WritePragmas {
  readonly #target: Target;
  #state: PragmaState;
  #committed: PragmaState;
  #committing: PragmaState;

  constructor(target: Target) {
    this.#target = target;
    this.#state = this.#committed = this.#committing = readPragmas(target.database);
  }

  /** Whether the cluster is set to enforce foreign keys; undefined when its leader's flag says it. */
  get setting(): boolean | undefined {
    return this.#committed.foreignKeys;
  }

  /** Whether an entry whose leader's flag says `flag` wants them enforced. */
  wantedForeignKeys(flag: boolean): boolean {
    return this.#state.request.foreign_keys ?? this.#state.foreignKeys ?? flag;
  }

  /**
   * Enforces foreign keys, or not, as an entry wants it whose leader's flag says `flag`; not inside
   * a transaction.
   */
  enforceForeignKeys(flag: boolean): void {
    this.#enforce(this.wantedForeignKeys(flag));
  }

  #enforce(wanted: boolean): void {
    const { database, policy, users } = this.#target;
    if (wanted === policy.foreignKeys) return;
    database.config(DbConfig.enableForeignKeys, wanted);
    policy.foreignKeys = wanted;
    // What kept statements were found to do is no longer so.
    users.clear();
  }

  /**
   * Runs `body`, all of a transaction's step, with foreign keys enforced or not; undefined: as they
   * are. SQLite passes over the PRAGMA within a transaction, but not over what is done here.
   */
  withForeignKeys(on: boolean | undefined, body: () => void): void {
    const before = this.#target.policy.foreignKeys;
    this.#enforce(on ?? before);
    try {
      body();
    } finally {
      this.#enforce(before);
    }
  }

  /**
   * Goes on with a request that is applied in transactions of its own, with what its statements had
   * set before a crash.
   */
  beginRequest(flag: boolean): void {
    this.enforceForeignKeys(flag);
    if (this.#state.request.legacy_alter_table) this.#put("legacy_alter_table");
  }

  /** What held within the request does so no longer; foreign keys are as the next entry wants them. */
  endRequest(): void {
    const { legacy_alter_table: legacy } = this.#state.request;
    this.#state = this.#committed;
    if (legacy) this.#put("legacy_alter_table");
  }

  /** Makes room for what is set from here on; not inside a transaction. */
  makeRoom(): void {
    this.#target.own(() => createPragmaTable(this.#target.database));
  }

  /**
   * Sets what holds from here on up to the request's end; foreign_keys, which must not be set inside a
   * transaction, with `lasting` for the cluster.
   */
  set({ name, on }: RequestPragma, lasting: boolean): void {
    const { request } = this.#state;
    this.#state = lasting
      ? { ...this.#state, foreignKeys: on }
      : { ...this.#state, request: { ...request, [name]: on } };
    if (name === "foreign_keys") this.enforceForeignKeys(on);
    else this.#put(name);
  }

  /** At a transaction's beginning: SQLite defers foreign keys up to the end of one only. */
  begun(): void {
    if (this.#state.request.defer_foreign_keys) this.#put("defer_foreign_keys");
  }

  #put(name: "legacy_alter_table" | "defer_foreign_keys"): void {
    const on = Number(this.#state.request[name]);
    this.#target.own(() => this.#target.database.exec(`PRAGMA ${name} = ${on}`));
  }

  /** Writes them in the transaction that is about to be committed; at its end a request's are over. */
  write(requestEnds: boolean): void {
    this.#committing = requestEnds && this.#state.request !== noRequestPragmas
      ? { ...this.#state, request: noRequestPragmas }
      : this.#state;
    if (samePragmas(this.#committing, this.#committed)) return;
    writePragmas(this.#target.database, this.#committing);
  }

  /** That transaction is committed. */
  settle(): void {
    this.#committed = this.#committing;
  }

  /** All that was not committed is taken back. */
  rollback(): void {
    const { legacy_alter_table: legacy } = this.#state.request;
    this.#state = this.#committed;
    if (this.#state.request.legacy_alter_table !== legacy) this.#put("legacy_alter_table");
  }

  /** Goes on from what another connection has committed. */
  refresh(): void {
    this.#state = this.#committed = readPragmas(this.#target.database);
  }
}

/** Only there once a PRAGMA has been set; README.md describes it. */
export const pragmaTable = "sqlite_raft_pragma";

export const pragmaColumns =
  "id INTEGER PRIMARY KEY, foreign_keys INTEGER, request_foreign_keys INTEGER, " +
  "request_defer_foreign_keys INTEGER, request_legacy_alter_table INTEGER";

/** Creates the table where there is none; not inside a transaction. */
export function createPragmaTable(database: Database): void {
  createHiddenTable(database, pragmaTable, pragmaColumns);
}

function readPragmas(database: Database): PragmaState {
  if (!hasTable(database, pragmaTable)) return noPragmas;
  using statement = database.prepare(
    "SELECT foreign_keys, request_foreign_keys, request_defer_foreign_keys, " +
      `request_legacy_alter_table FROM ${pragmaTable}`,
  );
  const [row] = statement.values<[number | null, number | null, number, number]>();
  if (row === undefined) return noPragmas;
  const [setting, foreignKeys, deferForeignKeys, legacyAlterTable] = row;
  const state = {
    foreignKeys: setting === null ? undefined : setting === 1,
    request: {
      foreign_keys: foreignKeys === null ? undefined : foreignKeys === 1,
      defer_foreign_keys: deferForeignKeys === 1,
      legacy_alter_table: legacyAlterTable === 1,
    },
  };
  const isOver = samePragmas(state, { ...state, request: noRequestPragmas });
  return isOver ? { ...state, request: noRequestPragmas } : state;
}

/** In a transaction that the caller holds; the table must be there. */
export function writePragmas(database: Database, { foreignKeys, request }: PragmaState): void {
  const number = (on: boolean | undefined) => on === undefined ? null : Number(on);
  database.exec(
    `INSERT OR REPLACE INTO ${pragmaTable} VALUES (1, ?, ?, ?, ?)`,
    number(foreignKeys),
    number(request.foreign_keys),
    number(request.defer_foreign_keys),
    number(request.legacy_alter_table),
  );
}
