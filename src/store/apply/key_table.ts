import { createHiddenTable, type Database, type Statement } from "../../sqlite/mod.ts";

/** Only there once a request has had a key; README.md describes them. */
export const keyTable = "sqlite_raft_key";
export const keyOrderTable = "sqlite_raft_key_order";

export const keyColumns = "hash INTEGER PRIMARY KEY, number INTEGER, name TEXT, request BLOB, " +
  "expires INTEGER, answer BLOB";
export const keyOrderColumns =
  "number INTEGER PRIMARY KEY, hash INTEGER, expires INTEGER, start INTEGER, bytes INTEGER";

/** Beyond, the oldest leave first. */
export interface KeyLimits {
  readonly keysMax: number;
  /** Of all keys and their answers. */
  readonly bytesMax: number;
}

const defaultLimits: KeyLimits = { keysMax: 1_000_000, bytesMax: 1024 ** 3 };
/** What a key takes beside its answer, in bytes. */
const keyBytes = 128;
/** Old keys that leave for one that comes. */
const leavingMax = 64;

/** A request that was carried out under a key. */
export interface KeptKey {
  /** Whose, and which. */
  readonly name: string;
  /** Tells the request from others. */
  readonly request: Uint8Array;
  /** Undefined when it is not kept. */
  readonly answer: Uint8Array | undefined;
}

type Order = [
  number: number,
  hash: number | bigint,
  expires: number,
  start: number,
  bytes: number,
];

/** Creates the tables where there are none; not inside a transaction. */
export function createKeyTables(database: Database): void {
  createHiddenTable(database, keyTable, keyColumns);
  createHiddenTable(database, keyOrderTable, keyOrderColumns);
}

export function hasKeyTables(database: Database): boolean {
  return database.scalar(
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN (?, ?)",
    keyTable,
    keyOrderTable,
  ) === 2;
}

/** The rows of both tables, each valid until the next, to be written to another database. */
export class KeyRows implements Disposable {
  readonly #tables: readonly { readonly name: string; readonly statement: Statement }[];

  /** The connection must let its own SQL read the tables; without them there are no rows. */
  constructor(database: Database) {
    const names = hasKeyTables(database) ? [keyTable, keyOrderTable] : [];
    this.#tables = names.map((name) => ({
      name,
      statement: database.prepare(`SELECT * FROM ${name}`),
    }));
  }

  get isEmpty(): boolean {
    return this.#tables.length === 0;
  }

  /** In a transaction that the caller holds; the tables must be there. */
  copyTo(database: Database): void {
    for (const { name, statement } of this.#tables) {
      const places = statement.columnNames().map(() => "?").join(", ");
      using put = database.prepare(`INSERT INTO ${name} VALUES (${places})`);
      while (statement.step()) {
        statement.columnNames().forEach((_, column) => {
          put.bindValue(column + 1, statement.columnValue(column));
        });
        put.step();
        put.reset();
      }
    }
  }

  [Symbol.dispose](): void {
    for (const { statement } of this.#tables) statement.finalize();
  }
}

/**
 * The keys of requests with what was answered, in tables that must be there. All that is here
 * follows from the log alone: times are those of entries.
 */
export class KeyTable {
  readonly #limits: KeyLimits;
  readonly #find;
  readonly #put;
  readonly #drop;
  readonly #first;
  readonly #last;
  readonly #putOrder;
  readonly #dropOrder;

  constructor(database: Database, limits = defaultLimits) {
    this.#limits = limits;
    const prepare = (sql: string) => database.prepare(sql, { persistent: true });
    this.#find = prepare(
      `SELECT name, request, answer FROM ${keyTable} WHERE hash = ? AND expires > ?`,
    );
    this.#put = prepare(`INSERT OR REPLACE INTO ${keyTable} VALUES (?, ?, ?, ?, ?, ?)`);
    this.#drop = prepare(`DELETE FROM ${keyTable} WHERE hash = ? AND number = ?`);
    const row = `SELECT number, hash, expires, start, bytes FROM ${keyOrderTable} ORDER BY number`;
    this.#first = prepare(`${row} LIMIT 1`);
    this.#last = prepare(`${row} DESC LIMIT 1`);
    this.#putOrder = prepare(`INSERT INTO ${keyOrderTable} VALUES (?, ?, ?, ?, ?)`);
    this.#dropOrder = prepare(`DELETE FROM ${keyOrderTable} WHERE number = ?`);
  }

  /** What is known of a key at the time of an entry, in ms. */
  find(hash: bigint, clock: number): KeptKey | undefined {
    const row = this.#find.value<[string, Uint8Array, Uint8Array | null]>(hash, clock);
    if (row === undefined) return undefined;
    const [name, request, answer] = row;
    return { name, request, answer: answer ?? undefined };
  }

  /** Keeps a key up to `expires`, and lets go of old ones, at the time of an entry. */
  put(hash: bigint, { name, request, answer }: KeptKey, expires: number, clock: number): void {
    const { keysMax, bytesMax } = this.#limits;
    const last = this.#last.value<Order>();
    const number = last === undefined ? 1 : last[0] + 1;
    // Where all bytes kept so far end, as if those that have left were there still.
    const start = last === undefined ? 0 : last[3] + last[4];
    const bytes = keyBytes + name.length + (answer?.length ?? 0);
    this.#put.run(hash, number, name, request, expires, answer ?? null);
    this.#putOrder.run(number, hash, expires, start, bytes);
    for (let leaving = 0; leaving < leavingMax; leaving++) {
      const first = this.#first.value<Order>();
      if (first === undefined) return;
      const [oldest, oldHash, oldExpires, oldStart] = first;
      const isTooMuch = number - oldest >= keysMax || start + bytes - oldStart > bytesMax;
      if (!isTooMuch && oldExpires > clock) return;
      this.#drop.run(oldHash, oldest);
      this.#dropOrder.run(oldest);
    }
  }
}
