import type { Prng } from "../../src/base/prng.ts";
import type { ApplyEntry, IdempotencyKey, Statement } from "../../src/store/types.ts";
import { Entries, plain, type TestStore } from "./fixture.ts";

/** One request, to be made an entry of, or to be run by SQLite itself. */
export interface RandomRequest {
  readonly statements: readonly Statement[];
  readonly transaction: boolean;
  readonly unified: boolean;
}

const schema = [
  "CREATE TABLE a (id INTEGER PRIMARY KEY, v UNIQUE ON CONFLICT ABORT, n INTEGER DEFAULT 0)",
  "CREATE TABLE r (id INTEGER PRIMARY KEY AUTOINCREMENT, v UNIQUE ON CONFLICT ROLLBACK)",
  "CREATE TABLE p (id INTEGER PRIMARY KEY, v)",
  "CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED, q REFERENCES p)",
  "CREATE TABLE f (p REFERENCES p DEFERRABLE INITIALLY DEFERRED, v UNIQUE)",
  "CREATE TABLE w (v, at DEFAULT (julianday('now')), x DEFAULT (random()))",
  "CREATE TABLE log (what, rows, total, id)",
  "CREATE TRIGGER after_a AFTER UPDATE ON a BEGIN INSERT INTO log VALUES (NEW.v, changes(), total_changes(), last_insert_rowid()); END",
  "CREATE TRIGGER refuse BEFORE INSERT ON w WHEN NEW.v = 13 BEGIN SELECT RAISE(ROLLBACK, 'thirteen'); END",
  "CREATE TRIGGER fail AFTER INSERT ON w WHEN NEW.v = 14 BEGIN SELECT RAISE(FAIL, 'fourteen'); END",
];

/** What SQLite itself counts otherwise, as its virtual tables' changes are seen by total_changes(). */
const virtualSchema = [
  "CREATE VIRTUAL TABLE five USING fts5(x)",
  "CREATE VIRTUAL TABLE four USING fts4(x)",
  "CREATE VIRTUAL TABLE boxes USING rtree(id, low, high)",
  "CREATE TRIGGER index_a AFTER INSERT ON a BEGIN INSERT INTO five VALUES ('w' || NEW.v); INSERT OR IGNORE INTO boxes VALUES (NEW.id, NEW.v, NEW.v + 1); END",
];

const tables = ["a", "r", "p", "c", "f", "w", "log"];
const virtualTables = ["five", "five_data", "five_idx", "four", "four_segments", "four_segdir"];

type Template = (k: () => number) => Statement;

const small: readonly Template[] = [
  (k) => ({ sql: "INSERT INTO a (v) VALUES (?)", positional: [k()] }),
  (k) => ({ sql: "INSERT INTO a (v) VALUES (?), (?), (?)", positional: [k(), k(), k()] }),
  (k) => ({ sql: "INSERT OR FAIL INTO a (v) VALUES (?), (?)", positional: [k(), k()] }),
  (k) => ({ sql: "INSERT OR REPLACE INTO a (v) VALUES (?)", positional: [k()] }),
  (k) => ({ sql: "INSERT OR IGNORE INTO a (v) VALUES (?)", positional: [k()] }),
  (k) => ({ sql: "INSERT OR ROLLBACK INTO a (v) VALUES (?)", positional: [k()] }),
  (k) => ({ sql: "UPDATE a SET n = n + 1 WHERE v < ?", positional: [k()] }),
  (k) => ({ sql: "UPDATE a SET v = v + 1 WHERE v >= ?", positional: [k()] }),
  (k) => ({ sql: "DELETE FROM a WHERE v % 7 = ?", positional: [k() % 7] }),
  (k) => ({ sql: "INSERT INTO a (v) VALUES (?) RETURNING id, v", positional: [k()] }),
  (k) => ({ sql: "INSERT INTO r (v) VALUES (?)", positional: [k()] }),
  (k) => ({ sql: "INSERT INTO r (v) VALUES (?), (?)", positional: [k(), k()] }),
  (k) => ({ sql: "INSERT OR IGNORE INTO p VALUES (?, 'p')", positional: [k() % 8] }),
  (k) => ({ sql: "DELETE FROM p WHERE id = ?", positional: [k() % 8] }),
  (k) => ({ sql: "INSERT INTO c (p) VALUES (?)", positional: [k() % 10] }),
  (k) => ({ sql: "INSERT INTO c (q) VALUES (?)", positional: [k() % 10] }),
  (k) => ({
    sql: "INSERT OR FAIL INTO f VALUES (?, ?), (?, ?)",
    positional: [k() % 10, k(), k() % 10, k()],
  }),
  (k) => ({ sql: "DELETE FROM c WHERE p = ?1 OR q = ?1", positional: [k() % 10] }),
  (k) => ({ sql: "INSERT INTO w (v) VALUES (?)", positional: [k() % 16] }),
  (k) => ({ sql: "INSERT INTO w (v) VALUES (?), (?)", positional: [k() % 16, k() % 16] }),
  () => ({
    sql: "INSERT INTO log VALUES ('state', changes(), total_changes(), last_insert_rowid())",
  }),
  () => ({ sql: "SELECT changes(), total_changes(), last_insert_rowid()" }),
  () => ({ sql: "SELECT count(*), sum(v) FROM a" }),
  () => ({
    sql:
      "INSERT INTO log VALUES (strftime('%f', 'now'), random() % 1000000, julianday('now'), random() % 1000)",
  }),
  (k) => ({
    sql: "UPDATE log SET id = CURRENT_TIMESTAMP, total = hex(randomblob(5)) WHERE rows = ?",
    positional: [k() % 4],
  }),
  () => ({ sql: "INSERT INTO w (v) VALUES (datetime('now')) RETURNING v, at, quote(x)" }),
  () => ({ sql: "SELECT nonsense" }),
  () => ({ sql: "INSERT INTO missing VALUES (1)" }),
  () => ({ sql: "INSERT INTO a (v) VALUES (?, ?)", positional: [1, 2] }),
  () => ({ sql: ";" }),
];

const virtual: readonly Template[] = [
  (k) => ({ sql: "INSERT INTO five VALUES ('a b c' || ?), ('d')", positional: [k()] }),
  (k) => ({
    sql: "INSERT OR FAIL INTO five (rowid, x) VALUES (?, 'u'), (?, 'v')",
    positional: [k(), k()],
  }),
  (k) => ({ sql: "INSERT INTO four VALUES ('a b c' || ?), ('d')", positional: [k()] }),
  (k) => ({ sql: "DELETE FROM five WHERE rowid = ?", positional: [k()] }),
  (k) => ({ sql: "UPDATE four SET x = 'changed' WHERE docid = ?", positional: [k()] }),
  () => ({ sql: "INSERT INTO log SELECT 'm', count(*), 0, 0 FROM five WHERE five MATCH 'a'" }),
  () => ({ sql: "EXPLAIN DELETE FROM a; DELETE FROM a WHERE v < 0" }),
  (k) => ({ sql: "UPDATE sqlite_stat1 SET stat = ? || ' 1'", positional: [k() * 1000] }),
  () => ({ sql: "INSERT INTO log SELECT a.v, p.id, 0, 0 FROM a, p WHERE a.n = p.id LIMIT 9" }),
];

const rare: readonly Template[] = [
  () => ({ sql: "VACUUM" }),
  (k) => ({ sql: `PRAGMA user_version = ${k()}` }),
  () => ({ sql: "PRAGMA defer_foreign_keys = ON" }),
  (k) => ({ sql: `CREATE TABLE IF NOT EXISTS extra${k() % 3} (x)` }),
  (k) => ({ sql: `DROP TABLE IF EXISTS extra${k() % 3}` }),
  (k) => ({ sql: `INSERT INTO extra${k() % 3} VALUES (random())` }),
  (k) => ({
    sql: "INSERT INTO w (v) VALUES (?); INSERT INTO a (v) VALUES (?); DELETE FROM w WHERE v > 9",
    positional: [k() % 16, k()],
  }),
  (k) => ({
    sql: "INSERT INTO w (v) VALUES (1); VACUUM; INSERT INTO a (v) VALUES (?)",
    positional: [k()],
  }),
  () => ({ sql: "ANALYZE" }),
  ...["BEGIN", "COMMIT", "ROLLBACK"].map((sql) => () => ({ sql })),
  ...["foreign_keys", "defer_foreign_keys", "legacy_alter_table"].map((name): Template => (k) => ({
    sql: `PRAGMA ${name} = ${k() % 2}`,
  })),
  (k) => ({
    sql: `PRAGMA foreign_keys = ${k() % 2}; BEGIN; INSERT INTO c (q) VALUES (?); COMMIT`,
    positional: [k() % 10],
  }),
];

function randomRequest(random: Prng, usual: readonly Template[]): RandomRequest {
  const number = () => random.below(60);
  const count = random.chance(0.6) ? 1 : 1 + random.below(5);
  const statements = Array.from({ length: count }, () => {
    const templates = random.chance(0.06) ? rare : usual;
    return (templates[random.below(templates.length)] as Template)(number);
  });
  return { statements, transaction: random.chance(0.25), unified: random.chance(0.3) };
}

/** The schema, and as many random requests; some of them, if wanted, to virtual tables. */
export function requestsOf(random: Prng, count: number, withVirtual = false): RandomRequest[] {
  const created = withVirtual ? [...schema, ...virtualSchema] : schema;
  const usual = withVirtual ? [...small, ...virtual] : small;
  const first = { statements: created.map((sql) => ({ sql })), transaction: false, unified: false };
  return [first, ...Array.from({ length: count }, () => randomRequest(random, usual))];
}

/** The same requests always make the same entries. */
export function entriesOf(
  requests: readonly RandomRequest[],
  keyed: "keyed" | undefined = undefined,
): ApplyEntry[] {
  const entries = new Entries(true);
  return requests.map(({ statements, transaction, unified }, i) => {
    const request = { origin: 3n, sequence: i + 1, floor: Math.max(1, i - 20) };
    const key = keyed && keyOf(`${i}`, unified);
    return entries.execute(statements, { transaction, unified, request, key });
  });
}

/** A key whose answers are those of a test's own entries. */
export function keyOf(name: string, unified = false, keptSeconds = 3600): IdempotencyKey {
  return { user: "", name, keptSeconds, format: { ...plain, unified }, asks: false };
}

/** Everything that two stores must have in common. */
export async function contents(store: TestStore): Promise<string> {
  const queries = [
    ...tables.map((table) => `SELECT rowid, * FROM ${table}`),
    ...virtualTables.map((table) => `SELECT * FROM ${table}`),
    "SELECT type, name, sql FROM sqlite_schema",
    "SELECT * FROM sqlite_sequence",
    "PRAGMA user_version",
    "SELECT * FROM sqlite_raft",
    "SELECT * FROM sqlite_raft_pragma",
    "PRAGMA foreign_keys",
    "SELECT origin, floor, last_index, hex(applied) FROM sqlite_raft_session",
    "SELECT * FROM sqlite_raft_key",
    "SELECT * FROM sqlite_raft_key_order",
  ];
  const answers: string[] = [];
  for (const query of queries) answers.push(await store.query(query));
  return answers.join("\n");
}
