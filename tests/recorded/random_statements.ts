import type { Prng } from "../../src/base/prng.ts";
import { RandomSql } from "../store/random_sql.ts";

/** Each series begins with them, whatever the one before has left: what they answer is not looked at. */
export const clearing: readonly string[] = [
  "DROP VIEW IF EXISTS tv",
  "DROP TABLE IF EXISTS late",
  "DROP TABLE IF EXISTS a",
  "DROP TABLE IF EXISTS u",
  "DROP TABLE IF EXISTS log",
  "DROP TABLE IF EXISTS t",
];

/** Columns of every kind by which values are written, a trigger, checks, and something to refer to. */
export const schema: readonly string[] = [
  "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, r REAL, s TEXT, b BLOB, d DATETIME, " +
  "f BOOLEAN, x, v VARCHAR(10), m NUMERIC, j JSON, y DATE)",
  "CREATE TABLE u (k TEXT UNIQUE NOT NULL, c INT CHECK (c < 100), g INT AS (c * 2), e DEFAULT 'given')",
  "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, t INTEGER REFERENCES t (id), w TEXT)",
  "CREATE TABLE log (what TEXT)",
  "CREATE TRIGGER u_updated AFTER UPDATE ON u BEGIN INSERT INTO log VALUES (old.k || ' ' || new.k); END",
  "CREATE TRIGGER u_kept BEFORE DELETE ON u WHEN old.c = 13 BEGIN SELECT RAISE(ABORT, 'kept <13>'); END",
  "CREATE VIEW tv AS SELECT id, s AS text, d FROM t",
  "INSERT INTO t (id, n, s, d, f, b) VALUES (1, 1, 'one', 0, 1, x'00ff41'), (2, NULL, 'two & <more>', '2024-02-29 12:34:56', 0, NULL)",
  "INSERT INTO u (k, c) VALUES ('a', 1), ('b', 13)",
];

/** The columns of t that hold any value, by the way in which it is declared. */
const columns = ["n", "r", "s", "b", "f", "x", "v", "m", "j"];

const times = [
  "0",
  "1700000000",
  "1700000000123",
  "-1",
  "1.5",
  "NULL",
  "''",
  "'2024-02-29'",
  "'2024-02-29 12:34:56.789'",
  "'2024-02-29T12:34:56Z'",
  "'2024-02-29T12:34:56+02:00'",
  "'12:34'",
  "'no time'",
  "x'41'",
];

/** One statement of a request: SQL, and values for it as JSON, by position or by name. */
export interface DrawnStatement {
  readonly sql: string;
  readonly positional?: readonly string[];
  readonly named?: Readonly<Record<string, string>>;
}

/** Statements that have the same answer wherever they are run: nothing of time, chance or paths. */
export class RandomStatements {
  readonly #random: Prng;
  readonly #sql: RandomSql;

  constructor(random: Prng) {
    this.#random = random;
    this.#sql = new RandomSql(random);
  }

  /** A write, or what is taken for one. */
  write(): DrawnStatement {
    const r = this.#random;
    const sql = this.#sql;
    const id = String(r.below(12));
    const column = sql.pick(columns);
    const value = () => this.#value();
    return sql.pick<() => DrawnStatement>([
      () => ({ sql: `INSERT INTO t (${column}, s) VALUES (${value()}, ${value()})` }),
      () => ({ sql: `INSERT INTO t (id, d, y) VALUES (${id}, ${this.#time()}, ${this.#time()})` }),
      () => ({
        sql:
          `INSERT INTO t (${column}) VALUES (?) RETURNING id, ${column}, typeof(${column}) AS ty`,
        positional: [this.parameter()],
      }),
      () => ({
        sql: `INSERT OR ${sql.pick(["IGNORE", "REPLACE", "ABORT", "FAIL"])} INTO u (k, c) ` +
          `VALUES ('${sql.pick(["a", "b", "c", "d"])}', ${r.below(120)})`,
      }),
      () => ({
        sql:
          "INSERT INTO u (k, c) VALUES (:k, :c) ON CONFLICT (k) DO UPDATE SET c = excluded.c + 1",
        named: { k: sql.pick(['"a"', '"e"', "1"]), c: String(r.below(110)) },
      }),
      () => ({ sql: `INSERT INTO a (t, w) VALUES (${id}, ${value()})` }),
      () => ({ sql: "INSERT INTO a (t) SELECT id FROM t ORDER BY id LIMIT 3" }),
      () => ({ sql: `UPDATE t SET ${column} = ${value()} WHERE id > ${id}` }),
      () => ({
        sql: `UPDATE t SET ${column} = ?, x = ? WHERE id = ?`,
        positional: [this.parameter(), this.parameter(), id],
      }),
      () => ({ sql: `UPDATE u SET k = k || 'x', c = c + ${r.below(40)} WHERE c < 60` }),
      () => ({ sql: `UPDATE u SET e = ${value()} RETURNING k, g, e` }),
      () => ({ sql: `DELETE FROM t WHERE id = ${id} RETURNING *` }),
      () => ({ sql: `DELETE FROM u WHERE c >= ${r.below(20)}` }),
      () => ({ sql: "DELETE FROM a" }),
      () => ({ sql: `INSERT INTO t (id) VALUES (${id}); UPDATE t SET n = 5 WHERE id = ${id}` }),
      () => ({ sql: `INSERT INTO u (k) VALUES (NULL); INSERT INTO u (k) VALUES ('never')` }),
      () => ({ sql: "CREATE TABLE late (one, two DEFAULT 2)" }),
      () => ({ sql: "CREATE TABLE IF NOT EXISTS late (one, two DEFAULT 2)" }),
      () => ({ sql: "DROP TABLE late" }),
      () => ({ sql: `INSERT INTO late VALUES (${value()}, ${value()})` }),
      () => ({ sql: `ALTER TABLE late ADD COLUMN c${r.below(5)} TEXT` }),
      () => ({ sql: "CREATE INDEX IF NOT EXISTS t_n ON t (n)" }),
      () => ({ sql: "REINDEX t" }),
      () => ({ sql: "ANALYZE u" }),
      () => ({ sql: `REPLACE INTO t (id, m) VALUES (${id}, ${value()})` }),
      () => ({ sql: `INSERT INTO t (${column}) VALUES (${value()}, 1)` }),
      () => ({ sql: `INSERT INTO absent VALUES (${value()})` }),
      () => ({ sql: "INSERT INTO t (absent) VALUES (1)" }),
      () => ({ sql: "UPDATE t SET id = 'text' WHERE id = 1" }),
    ])();
  }

  /** A read, with its rows in an order that is certain. */
  read(): DrawnStatement {
    const r = this.#random;
    const sql = this.#sql;
    const id = String(r.below(12));
    const column = sql.pick(columns);
    const value = () => this.#value();
    return sql.pick<() => DrawnStatement>([
      () => ({ sql: "SELECT * FROM t ORDER BY id" }),
      () => ({ sql: `SELECT id, ${column}, typeof(${column}) FROM t ORDER BY id DESC LIMIT 5` }),
      () => ({ sql: `SELECT d, y, typeof(d), d || '' FROM t WHERE id <= ${id} ORDER BY id` }),
      () => ({ sql: "SELECT * FROM u ORDER BY k" }),
      () => ({ sql: "SELECT * FROM log ORDER BY rowid" }),
      () => ({ sql: `SELECT * FROM tv WHERE id = ${id}` }),
      () => ({
        sql: "SELECT a.id, t.id, t.s AS id, w FROM a LEFT JOIN t ON t.id = a.t ORDER BY a.id",
      }),
      () => ({ sql: "SELECT count(*), sum(n), avg(r), max(s), group_concat(id) FROM t" }),
      () => ({ sql: `SELECT ${value()}, ${value()} AS v, ${value()} || ''` }),
      () => ({ sql: `SELECT ${value()} + 1, -${r.below(9)} / ${r.below(3)}, ${id} % 5 IS NULL` }),
      () => ({
        sql: "SELECT ?, ? AS second, typeof(?3)",
        positional: this.#parameters(3),
      }),
      () => ({
        sql: `SELECT :a, @b, $c`,
        named: {
          a: this.parameter(),
          b: this.parameter(),
          [sql.pick(["c", "c", "other"])]: this.parameter(),
        },
      }),
      () => ({ sql: "SELECT id FROM t WHERE s = ? ORDER BY 1", positional: this.#parameters(1) }),
      () => ({ sql: `SELECT ${column} FROM t WHERE 0` }),
      () => ({
        sql: `WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT ${
          r.below(9)
        }) SELECT n, n * 1.5 FROM c`,
      }),
      () => ({
        sql: "SELECT id, row_number() OVER (ORDER BY id DESC) AS place FROM t ORDER BY id",
      }),
      () => ({ sql: `SELECT json_array(${id}, 'a<b', NULL, 1.0), json_object('k', ${id})` }),
      () => ({ sql: `SELECT hex(${value()}), quote(${value()}), length(${value()})` }),
      () => ({ sql: `SELECT upper(s), substr(s, 2, 3), replace(s, 'o', '0') FROM t ORDER BY id` }),
      () => ({ sql: `SELECT round(${sql.real()}, 2), abs(${r.below(99)} - 50), max(1, ${id})` }),
      () => ({ sql: `SELECT CAST(${value()} AS ${sql.pick(["INT", "REAL", "TEXT", "BLOB"])})` }),
      () => ({ sql: `SELECT date(${this.#time()}), strftime('%s', '2024-02-29'), unixepoch(0)` }),
      () => ({ sql: `SELECT 1; SELECT ${id} AS last` }),
      () => ({ sql: "SELECT 1; -- behind" }),
      () => ({ sql: `/* before */ VALUES (${id}, 'x'), (2, NULL)` }),
      () => ({ sql: "PRAGMA table_info(u)" }),
      () => ({ sql: "PRAGMA user_version" }),
      () => ({ sql: "PRAGMA foreign_keys" }),
      () => ({ sql: "PRAGMA absent" }),
      () => ({ sql: "SELECT * FROM pragma_table_xinfo('u')" }),
      () => ({ sql: "SELECT abs(-9223372036854775808)" }),
      () => ({ sql: `SELECT * FROM absent WHERE x = '${sql.pick(["<&>", "é😀", "\u2028"])}'` }),
      () => ({ sql: "SELECT absent FROM t" }),
      () => ({ sql: "SELECT absent(1)" }),
      () => ({ sql: sql.pick(["SELEKT 1", "SELECT 'open", "SELECT (1", "SELECT 1 2 3", "&"]) }),
      () => ({ sql: sql.pick(["", " ", ";", "-- nothing", ";;"]) }),
    ])();
  }

  /** A value of a request, as JSON. */
  parameter(): string {
    const r = this.#random;
    return this.#sql.pick<() => string>([
      () => "null",
      () => String(r.below(100)),
      () => this.#sql.pick(["9007199254740993", "-9223372036854775808", "9223372036854775808"]),
      () => this.#sql.pick(["1.0", "1e2", "-0.0", "1e300", "0.1", "1.5e-7", "123456789.5"]),
      () => this.#sql.pick(["true", "false"]),
      () => JSON.stringify(this.#sql.pick(["", "text", "it's <b> & é😀", "\u0000nul", "\u2028"])),
      () => this.#sql.pick([`"X'00ff'"`, `"x'4'"`, `"x'zz'"`, `"X''"`, `"\\u00e9\\ud800"`]),
      () => `[${Array.from({ length: r.below(5) }, () => r.below(256))}]`,
      () =>
        r.chance(0.9)
          ? String(r.below(1e6))
          : this.#sql.pick(["[256]", '["a"]', "{}", "[[1]]", "1e999", "[-1]", "[1.5]"]),
    ])();
  }

  #parameters(count: number): string[] {
    const length = this.#random.chance(0.85) ? count : this.#random.below(count + 2);
    return Array.from({ length }, () => this.parameter());
  }

  #value(): string {
    // The infinite ones are refused, which is one difference: not to be met everywhere. Long ones
    // would make the recording large.
    for (;;) {
      const value = this.#sql.value();
      if (value.includes("9e999") && !this.#random.chance(0.05)) continue;
      if (!value.includes("2000")) return value;
    }
  }

  #time(): string {
    return this.#sql.pick(times);
  }
}
