/** `deno bench -A tests/sqlite`: what a call through the binding costs. */
import { Determinism } from "../../src/sqlite/mod.ts";
import { library } from "./fixture.ts";

const determinism = new Determinism(library);
const db = determinism.open(":memory:");
db.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INTEGER, c REAL)");
db.exec("CREATE TABLE d(a DEFAULT CURRENT_TIMESTAMP, b DEFAULT (random()))");
db.exec("BEGIN");

const insert = db.prepare("INSERT INTO t(a, b, c) VALUES (?, ?, ?)", { persistent: true });
Deno.bench("insert, three parameters", () => {
  insert.bindText(1, "hello world");
  insert.bindInt64(2, 7);
  insert.bindDouble(3, 0.5);
  insert.step();
  insert.reset();
});

const insertDefaults = db.prepare("INSERT INTO d DEFAULT VALUES", { persistent: true });
let statement = 0;
Deno.bench("insert, clock and random by callbacks", () => {
  determinism.set(1_700_000_000_000, 5n, statement++);
  insertDefaults.step();
  insertDefaults.reset();
});

const point = db.prepare("SELECT id, a, b, c FROM t WHERE id = ?", { persistent: true });
Deno.bench("point select, four columns", () => {
  point.bindInt64(1, 1);
  if (point.step()) { for (let i = 0; i < 4; i++) point.columnValue(i); }
  point.reset();
});

const thousand = db.prepare(
  `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000)
   SELECT x, 'some text', x * 0.5 FROM c`,
);
Deno.bench("1,000 rows of three columns, read by type", () => {
  while (thousand.step()) for (let i = 0; i < 3; i++) thousand.columnValue(i);
  thousand.reset();
});

Deno.bench("prepare and finalize", () => {
  db.prepare("SELECT id, a, b, c FROM t WHERE id = ?").finalize();
});
