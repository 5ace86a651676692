import { json, type Step } from "../step.ts";

/** What comes before: its numbers are those of whatever was written last. */
function before(...statements: string[]): Step {
  return {
    send: "POST /db/execute",
    body: JSON.stringify(statements),
    status: 200,
    type: json,
    answer: '{"results":[<any>]}',
  };
}

const step = (send: string, statement: string, result: string): Step => ({
  send,
  body: JSON.stringify([statement]),
  status: 200,
  type: json,
  answer: `{"results":[${result}]}`,
});

const refused = '{"error":"attempt to change database via query operation"}';

/** Virtual tables, PRAGMAs and other statements of SQLite that are neither plain reads nor writes. */
export const sqliteFeatures: readonly Step[] = [
  before(
    "CREATE VIRTUAL TABLE sf3 USING fts3(a)",
    "CREATE VIRTUAL TABLE sf4 USING fts4(a)",
    "CREATE VIRTUAL TABLE sf5 USING fts5(a)",
    "CREATE VIRTUAL TABLE sfr USING rtree(id, low, high)",
    "CREATE VIRTUAL TABLE sfg USING geopoly(name)",
    "INSERT INTO sf3 VALUES('one (two OR three)')",
    "INSERT INTO sf4 VALUES('one two')",
    "INSERT INTO sf5 VALUES('one two'),('three')",
    "INSERT INTO sfr VALUES(1, 2, 3)",
    "INSERT INTO sfg(_shape, name) VALUES('[[0,0],[1,0],[0,1],[0,0]]', 'corner')",
    "DELETE FROM sf5 WHERE rowid IN (SELECT rowid FROM sf5('three'))",
  ),
  step(
    "POST /db/query",
    "SELECT a FROM sf3 WHERE a MATCH '(one OR nine) AND two'",
    '{"columns":["a"],"types":["text"],"values":[["one (two OR three)"]]}',
  ),
  step(
    "POST /db/query",
    "SELECT count(*) FROM sf4 WHERE sf4 MATCH 'two'",
    '{"columns":["count(*)"],"types":["integer"],"values":[[1]]}',
  ),
  step(
    "POST /db/query",
    "SELECT a FROM sf5",
    '{"columns":["a"],"types":["text"],"values":[["one two"]]}',
  ),
  step(
    "POST /db/query",
    "SELECT id, high FROM sfr WHERE low < 3",
    '{"columns":["id","high"],"types":["int","real"],"values":[[1,3]]}',
  ),
  step(
    "POST /db/query",
    "SELECT name FROM sfg WHERE geopoly_contains_point(_shape, 0.2, 0.2)",
    '{"columns":["name"],"types":["text"],"values":[["corner"]]}',
  ),
  step(
    "POST /db/request",
    "PRAGMA integrity_check",
    '{"columns":["integrity_check"],"types":["text"],"values":[["ok"]]}',
  ),
  before("DROP TABLE sf3", "DROP TABLE sf4", "DROP TABLE sf5", "DROP TABLE sfr", "DROP TABLE sfg"),
  before("CREATE TABLE sfq (a INTEGER)"),
  ...["execute", "request"].map((endpoint) =>
    step(
      `POST /db/${endpoint}?qualify_columns`,
      "INSERT INTO sfq VALUES(1) RETURNING a",
      '{"columns":["a"],"types":["integer"],"values":[[1]]}',
    )
  ),
  before("DROP TABLE sfq"),
  step("POST /db/execute", "PRAGMA optimize", '{<any>"rows_affected":<count>}'),
  step("POST /db/execute", "PRAGMA foreign_keys=0", '{<any>"rows_affected":<count>}'),
  step("POST /db/request", "PRAGMA foreign_keys=OFF", "{}"),
  step("POST /db/query", "PRAGMA foreign_keys=off", "{}"),
  step("POST /db/query", "PRAGMA shrink_memory", "{}"),
  step("POST /db/query", "PRAGMA incremental_vacuum", refused),
  step("POST /db/query", "PRAGMA user_version=3", refused),
  step("POST /db/query", "VACUUM", refused),
  step("POST /db/query", "ANALYZE", refused),
  before("CREATE TABLE sfx (a)"),
  step(
    "POST /db/request",
    "EXPLAIN INSERT INTO sfx VALUES (1)",
    '{"columns":["addr","opcode","p1","p2","p3","p4","p5","comment"],<any>}',
  ),
  step(
    "POST /db/request",
    "EXPLAIN QUERY PLAN UPDATE sfx SET a = 1",
    '{"columns":["id","parent","notused","detail"],"types":["integer","integer","integer","text"],"values":[[<count>,0,<count>,"SCAN sfx"]]}',
  ),
  step(
    "POST /db/query",
    "SELECT count(*) FROM sfx",
    '{"columns":["count(*)"],"types":["integer"],"values":[[0]]}',
  ),
  before("DROP TABLE sfx"),
  ...["execute", "request", "query"].flatMap((endpoint): Step[] => [
    timed(`POST /db/${endpoint}?timings`, '{"time":<time>}'),
    timed(
      `POST /db/${endpoint}?timings&associative`,
      endpoint === "execute" ? '{"time":<time>,"rows":null}' : '{"rows":[],"time":<time>}',
    ),
  ]),
];

/** A text that ends with an empty statement, whose result it is. */
function timed(send: string, result: string): Step {
  return {
    send,
    body: '["SELECT 1; -- nothing"]',
    status: 200,
    type: json,
    answer: `{"results":[${result}],"time":<time>}`,
  };
}
