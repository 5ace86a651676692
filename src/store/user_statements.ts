import { foldName, readRights } from "../access/table_rights.ts";
import { assert } from "../base/assert.ts";
import type { Database } from "../sqlite/mod.ts";
import { StatementCache } from "./prepared_statement.ts";
import type { SqlPolicy } from "./sql_policy.ts";
import { moduleNames, type SchemaNames } from "./opened_tables.ts";
import { TableGuard } from "./table_guard.ts";

/** Users with rights by table for whom a connection keeps statements. */
const usersMax = 16;

interface User {
  readonly guard: TableGuard;
  readonly cache: StatementCache;
}

/**
 * The statements that a connection keeps, apart for each user with rights by table: what was
 * prepared for one is not for another. In `within`, all that is prepared and run is held to one
 * user's rights.
 */
export class UserStatements {
  readonly #database: Database;
  readonly #policy: SqlPolicy;
  readonly #lookUp: () => SchemaNames | undefined;
  /** Functions of extensions that may do more than look at their arguments. */
  readonly #powerful: ReadonlySet<string>;
  /** Of who may do everything. */
  readonly #everybody: StatementCache;
  readonly #users = new Map<string, User>();
  #cache: StatementCache;
  /** Of the schema as it is; undefined when it is to be looked up. */
  #names: SchemaNames | undefined;

  /** @param lookUp Reads the schema as the connection's own SQL. */
  constructor(database: Database, policy: SqlPolicy, lookUp: () => SchemaNames | undefined) {
    this.#database = database;
    this.#policy = policy;
    this.#lookUp = lookUp;
    const { functions } = database.library.extensions;
    this.#powerful = new Set(
      functions.filter(({ innocuous }) => !innocuous).map(({ name }) => name),
    );
    this.#cache = this.#everybody = new StatementCache(database, policy);
  }

  /** Of whose statements are run now. */
  get cache(): StatementCache {
    return this.#cache;
  }

  /** Statements kept for anybody. */
  get size(): number {
    let size = this.#everybody.size;
    for (const { cache } of this.#users.values()) size += cache.size;
    return size;
  }

  /** Whether only some tables may be touched now. */
  get guarded(): boolean {
    return this.#policy.guard !== undefined;
  }

  /**
   * Runs `body` within the rights that `rightsOf` has written; undefined for all. Throws a
   * FormatError when they are none.
   */
  within<Result>(rights: string | undefined, body: () => Result): Result {
    if (rights === undefined) return body();
    assert(!this.guarded, "A user's statements were run within another's");
    const { guard, cache } = this.#user(rights);
    this.#policy.guard = guard;
    this.#cache = cache;
    try {
      return body();
    } finally {
      this.#policy.guard = undefined;
      this.#cache = this.#everybody;
    }
  }

  /** Those of a user; the users are kept in the order of their last use. */
  #user(rights: string): User {
    const user = this.#users.get(rights) ?? this.#newUser(rights);
    this.#users.delete(rights);
    this.#users.set(rights, user);
    if (this.#users.size > usersMax) this.#forgetOldest();
    return user;
  }

  #newUser(rights: string): User {
    return {
      guard: new TableGuard(
        readRights(rights),
        () => this.#names ??= this.#lookUp(),
        this.#powerful,
      ),
      cache: new StatementCache(this.#database, this.#policy),
    };
  }

  #forgetOldest(): void {
    const [oldest] = this.#users;
    assert(oldest !== undefined, "More users are kept than may be, and none");
    const [rights, { cache }] = oldest;
    cache.clear();
    this.#users.delete(rights);
  }

  /** To be called when the connection has read the same schema anew. */
  schemaReloaded(): void {
    this.#names = undefined;
  }

  /** To be called when the schema is another. */
  schemaChanged(): void {
    this.schemaReloaded();
    for (const { cache } of this.#users.values()) cache.clear();
  }

  /** To be called when nothing that is known of any statement may hold. */
  clear(): void {
    this.schemaChanged();
    this.#everybody.clear();
  }
}

/** Rows of a schema that are read on the main thread: below a millisecond's worth. */
const smallSchemaMax = 500;

const schemaQuery = "SELECT type, name, tbl_name, rootpage FROM sqlite_schema LIMIT ?";

/**
 * What is in a schema. Connects all virtual tables as well: SQLite does so while it prepares the
 * first statement that names one, which then seems to read the tables that it is made of.
 */
export function schemaNames(database: Database): SchemaNames {
  const names = { ...readSchema(database, -1), modules: moduleNames(database) };
  if (names.virtualTables.length > 0) database.exec("PRAGMA table_list");
  return names;
}

/** The same on the main thread, where there are no modules; undefined when it would take long. */
export function smallSchemaNames(database: Database): SchemaNames | undefined {
  const { size, ...names } = readSchema(database, smallSchemaMax + 1);
  return size > smallSchemaMax ? undefined : { ...names, modules: new Set() };
}

/** At most `limit` rows; all for -1. */
function readSchema(database: Database, limit: number) {
  const tables = new Set<string>();
  const views = new Set<string>();
  const virtualTables: string[] = [];
  const roots = new Map<number, string>();
  let size = 0;
  using statement = database.prepare(schemaQuery);
  statement.bindInt64(1, limit);
  for (; statement.step(); size++) {
    const [type, name] = [statement.columnText(0), foldName(statement.columnText(1))];
    const root = Number(statement.columnInteger(3));
    if (type === "table" || type === "view") tables.add(name);
    if (type === "view") views.add(name);
    if (type === "table" && root === 0) virtualTables.push(name);
    if (root !== 0) roots.set(root, statement.columnText(2));
  }
  return { tables, views, virtualTables, roots, size };
}
