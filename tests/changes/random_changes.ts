import type { Prng } from "../../src/base/prng.ts";
import type { RandomRequest } from "../store/random_entries.ts";

// Schemas and requests that change rows in all the ways that SQLite has.

export const schema = [
  "CREATE TABLE tree (id INTEGER PRIMARY KEY, up REFERENCES tree ON DELETE CASCADE ON UPDATE CASCADE, r REAL, g AS (r * 2) STORED, w AS (id + 1))",
  "CREATE TABLE kept (k TEXT COLLATE NOCASE, n NUMERIC, v, PRIMARY KEY (k, n)) WITHOUT ROWID",
  "CREATE TABLE owned (k TEXT, n NUMERIC, x DEFAULT 7, FOREIGN KEY (k, n) REFERENCES kept ON DELETE SET NULL ON UPDATE CASCADE)",
  "CREATE TABLE odd (rowid TEXT, _rowid_, v UNIQUE ON CONFLICT REPLACE, b UNIQUE ON CONFLICT FAIL, c UNIQUE ON CONFLICT IGNORE)",
  "CREATE TABLE strict_one (id INTEGER PRIMARY KEY AUTOINCREMENT, r REAL, a ANY, t TEXT) STRICT",
  'CREATE TABLE "a ""b; \u{1F600}" ("x y" REAL, "z\u{10000}", "\uFFFD" BLOB)',
  "CREATE TABLE log (n, what)",
  "CREATE INDEX tree_up ON tree (up)",
  "CREATE VIEW pairs AS SELECT t.id, o.v FROM tree t, odd o",
  "CREATE TRIGGER before_odd BEFORE INSERT ON odd BEGIN INSERT INTO log VALUES (NEW.v, 'before'); SELECT RAISE(FAIL, 'ninety') WHERE NEW.b = 9; END",
  "CREATE TRIGGER after_odd AFTER DELETE ON odd BEGIN INSERT OR REPLACE INTO kept VALUES (OLD.v, OLD.b, OLD.c); END",
  "CREATE TRIGGER after_kept AFTER UPDATE ON kept WHEN NEW.v IS NOT OLD.v BEGIN UPDATE tree SET r = r + 1 WHERE id = NEW.n; DELETE FROM log WHERE n = OLD.n; END",
  "CREATE TRIGGER empties AFTER INSERT ON log WHEN NEW.n = 5 BEGIN DELETE FROM log; INSERT INTO log VALUES (NEW.n, 'again'); END",
  "CREATE TRIGGER instead INSTEAD OF INSERT ON pairs BEGIN INSERT INTO tree (id) VALUES (NEW.id); INSERT INTO odd (v) VALUES (NEW.v); END",
  "CREATE TRIGGER aborts AFTER INSERT ON tree WHEN NEW.id % 11 = 10 BEGIN INSERT INTO log VALUES (NEW.id, 'gone'); SELECT RAISE(ABORT, 'ten'); END",
  "CREATE TRIGGER rolls BEFORE DELETE ON strict_one WHEN OLD.id % 13 = 12 BEGIN INSERT INTO log VALUES (OLD.id, 'rolled'); SELECT RAISE(ROLLBACK, 'twelve'); END",
];

const values = [
  "NULL",
  "0",
  "-1",
  "9223372036854775806",
  "1.5",
  "-0.0",
  "9e999",
  "3.0",
  "''",
  "'a'",
  "'A'",
  "'5'",
  "CAST(x'ff00fe' AS TEXT)",
  "char(0) || 'x'",
  "x''",
  "x'00ff'",
  "zeroblob(3000)",
  "printf('%.5000c', 'y')",
];

const resolutions = ["", " OR REPLACE", " OR IGNORE", " OR FAIL", " OR ABORT", " OR ROLLBACK"];

type Make = (k: () => number, v: () => string, or: () => string) => string;

const usual: readonly Make[] = [
  (k) => `INSERT INTO tree (id, up, r) VALUES (${k()}, NULL, ${k()}), (${k() + 40}, ${k()}, 0.5)`,
  (k, v, or) =>
    `INSERT${or()} INTO tree (id, r) VALUES (${k()}, ${v()}), (${k()}, ${v()}), (${k()}, 2)`,
  (k) => `UPDATE tree SET id = id + ${k()} WHERE id < ${k()}`,
  (k, _, or) => `UPDATE${or()} tree SET id = ${k()} + id % 3 WHERE id > ${k()}`,
  (k) => `UPDATE tree SET up = ${k()} WHERE id = ${k()}`,
  (k) => `DELETE FROM tree WHERE id = ${k()}`,
  () => "DELETE FROM tree",
  (k, v, or) =>
    `INSERT${or()} INTO kept VALUES (${v()}, ${k() % 5}, ${v()}), (${v()}, ${k() % 5}, 1)`,
  (k, v) => `UPDATE kept SET v = ${v()} WHERE n = ${k() % 5}`,
  (k, v, or) => `UPDATE${or()} kept SET k = ${v()}, n = n + 1 WHERE n > ${k() % 5}`,
  (k) => `DELETE FROM kept WHERE n = ${k() % 5}`,
  (k, v) =>
    `INSERT INTO kept VALUES (${v()}, ${
      k() % 5
    }, 0) ON CONFLICT DO UPDATE SET v = excluded.k, n = n + 10`,
  (k) => `INSERT INTO owned (k, n) SELECT k, n FROM kept WHERE n = ${k() % 5}`,
  (k, v, or) =>
    `INSERT${or()} INTO odd (rowid, _rowid_, v, b, c) VALUES (${v()}, ${v()}, ${k()}, ${k()}, ${k()}), ('r', 1, ${k()}, ${k()}, ${k()})`,
  (k, v) => `UPDATE odd SET v = ${k()}, rowid = ${v()} WHERE b > ${k()}`,
  () => "DELETE FROM odd",
  (k) => `INSERT INTO odd (v, b) VALUES (${k()}, ${k()}) ON CONFLICT (v) DO UPDATE SET b = b + 1`,
  (k, v) =>
    `INSERT OR IGNORE INTO strict_one (r, a, t) VALUES (${k()}, ${v()}, 't'), (${k()}.5, ${v()}, NULL)`,
  (k) => `DELETE FROM strict_one WHERE id % 7 = ${k() % 7}`,
  (_, v) => `INSERT INTO "a ""b; \u{1F600}" VALUES (${v()}, ${v()}, ${v()})`,
  (k, v) => `UPDATE "a ""b; \u{1F600}" SET "x y" = ${v()} WHERE rowid % 3 = ${k() % 3}`,
  (k) => `INSERT INTO pairs VALUES (${k()}, ${k()})`,
  (k) => `INSERT INTO log VALUES (${k() % 8}, 'l')`,
  (k) => `INSERT INTO log SELECT n, what FROM log WHERE n < ${k()} LIMIT 20`,
  () => "INSERT INTO log SELECT id, r FROM tree RETURNING *",
  (k) => `UPDATE log SET n = t.id FROM tree t WHERE t.id = log.n + ${k()}`,
  (k) => `WITH x AS (SELECT ${k()} AS y) DELETE FROM log WHERE n IN (SELECT y FROM x)`,
  () => "SELECT nonsense",
];

const rare: readonly Make[] = [
  () => "ALTER TABLE odd ADD COLUMN more DEFAULT 3.5",
  () => "ALTER TABLE odd DROP COLUMN more",
  () => "ALTER TABLE owned RENAME COLUMN x TO x2",
  () => "ALTER TABLE owned RENAME COLUMN x2 TO x",
  () => "VACUUM",
  () => "ANALYZE",
  () => "REINDEX",
  () => "CREATE TABLE IF NOT EXISTS made AS SELECT * FROM log",
  () => "INSERT INTO made SELECT * FROM made",
  () => "DROP TABLE IF EXISTS made",
  () => "BEGIN",
  () => "COMMIT",
  () => "ROLLBACK",
  () => "DROP TABLE strict_one",
  () =>
    "CREATE TABLE IF NOT EXISTS strict_one (id INTEGER PRIMARY KEY AUTOINCREMENT, r REAL, a ANY, t TEXT) STRICT",
];

/** The schema, and so many requests. */
export function changingRequests(random: Prng, count: number): RandomRequest[] {
  const k = () => random.below(16);
  const v = () => values[random.below(values.length)] as string;
  const or = () => resolutions[random.below(resolutions.length)] as string;
  const statement = () => {
    const makes = random.chance(0.008) ? rare : usual;
    return { sql: (makes[random.below(makes.length)] as Make)(k, v, or) };
  };
  const first = { statements: schema.map((sql) => ({ sql })), transaction: false, unified: false };
  const requests = Array.from({ length: count }, (): RandomRequest => ({
    statements: Array.from({ length: random.chance(0.5) ? 1 : 1 + random.below(6) }, statement),
    transaction: random.chance(0.3),
    unified: random.chance(0.3),
  }));
  return [first, ...requests];
}
