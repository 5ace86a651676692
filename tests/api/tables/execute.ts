import { json, type Step } from "../step.ts";

/** /db/execute: results of writes. */
export const execute: readonly Step[] = [
  {
    send: "POST /db/execute",
    body: '["DROP TABLE IF EXISTS foo","DROP TABLE IF EXISTS bar"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "POST /db/execute",
    body:
      '["CREATE TABLE foo (id INTEGER NOT NULL PRIMARY KEY, name TEXT)","CREATE TABLE bar (id INTEGER PRIMARY KEY, foo_id INTEGER UNIQUE)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "POST /db/execute",
    body: '["INSERT INTO foo(name) VALUES(\\"fiona\\")"]',
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":1,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute",
    body:
      '["INSERT INTO foo(name) VALUES(\\"fiona\\")","INSERT INTO foo(name) VALUES(\\"sinead\\")"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"last_insert_id":2,"rows_affected":1},{"last_insert_id":3,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute",
    body: "[\"UPDATE foo SET name='x'\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":3,"rows_affected":3}]}',
  },
  {
    send: "POST /db/execute",
    body: "[\"UPDATE foo SET name='y' WHERE id=99\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":3}]}',
  },
  {
    send: "POST /db/execute",
    body: "[\"INSERT INTO foo(id, name) VALUES(1, 'dup')\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"error":"UNIQUE constraint failed: foo.id"}]}',
  },
  {
    send: "POST /db/execute",
    body: '["INSERT INTO nosuch VALUES(1)"]',
    status: 200,
    type: json,
    answer: '{"results":[{"error":"no such table: nosuch"}]}',
  },
  {
    send: "POST /db/execute",
    body:
      '["INSERT INTO foo(name) VALUES(\'ok\')","INSERT INTO foo(id) VALUES(1)","INSERT INTO foo(name) VALUES(\'after\')"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"last_insert_id":4,"rows_affected":1},{"error":"UNIQUE constraint failed: foo.id"},{"last_insert_id":5,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute?transaction",
    body:
      '["INSERT INTO foo(name) VALUES(\'tx1\')","INSERT INTO foo(id) VALUES(1)","INSERT INTO foo(name) VALUES(\'never\')"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"last_insert_id":6,"rows_affected":1},{"error":"UNIQUE constraint failed: foo.id"}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20foo%20WHERE%20name%20IN%20('tx1'%2C'never')",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[0]]}]}',
  },
  {
    send: "POST /db/execute?transaction",
    body: "[\"INSERT INTO foo(name) VALUES('tx2')\",\"INSERT INTO foo(name) VALUES('tx3')\"]",
    status: 200,
    type: json,
    answer:
      '{"results":[{"last_insert_id":6,"rows_affected":1},{"last_insert_id":7,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute?pretty&timings",
    body: "[\"INSERT INTO foo(name) VALUES('fiona')\"]",
    status: 200,
    type: json,
    answer:
      '{\n    "results": [\n        {\n            "last_insert_id": 8,\n            "rows_affected": 1,\n            "time": <time>\n        }\n    ],\n    "time": <time>\n}',
  },
  {
    send: "POST /db/execute?pretty=false",
    body: "[\"INSERT INTO foo(name) VALUES('fiona')\"]",
    status: 200,
    type: json,
    answer:
      '{\n    "results": [\n        {\n            "last_insert_id": 9,\n            "rows_affected": 1\n        }\n    ]\n}',
  },
  {
    send: "POST /db/execute?timings",
    body: "[\"INSERT INTO foo(name) VALUES('fiona')\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":10,"rows_affected":1,"time":<time>}],"time":<time>}',
  },
  {
    send: "POST /db/execute?raft_index",
    body: "[\"INSERT INTO foo(name) VALUES('fiona')\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":11,"rows_affected":1}],"raft_index":<index>}',
  },
  {
    send: "POST /db/execute?raft_index&timings",
    body: "[\"INSERT INTO foo(name) VALUES('fiona')\"]",
    status: 200,
    type: json,
    answer:
      '{"results":[{"last_insert_id":12,"rows_affected":1,"time":<time>}],"time":<time>,"raft_index":<index>}',
  },
  {
    send: "POST /db/execute?associative",
    body: "[\"INSERT INTO foo(name) VALUES('fiona')\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":13,"rows_affected":1,"rows":null}]}',
  },
  {
    send: "POST /db/execute?associative",
    body:
      '[" ","INSERT INTO foo(name) VALUES(\'a\')","SELECT 1","SELEKT","UPDATE foo SET name=\'b\' WHERE id=999"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"rows":null},{"last_insert_id":14,"rows_affected":1,"rows":null},{"last_insert_id":14,"rows_affected":1,"rows":null},{"error":"near \\"SELEKT\\": syntax error"},{"last_insert_id":14,"rows":null}]}',
  },
  {
    send: "POST /db/execute",
    body: "[\"INSERT INTO foo(name) VALUES('ret') RETURNING id, name\"]",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["id","name"],"types":["integer","text"],"values":[[15,"ret"]]}]}',
  },
  {
    send: "POST /db/execute?associative",
    body: "[\"INSERT INTO foo(name) VALUES('ret') RETURNING name\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"types":{"name":"text"},"rows":[{"name":"ret"}]}]}',
  },
  {
    send: "POST /db/execute",
    body: "INSERT INTO foo(name) VALUES('plain')",
    bodyType: "text/plain",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":17,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute",
    body: "[\"INSERT INTO foo(name) VALUES('m1'); INSERT INTO foo(name) VALUES('m2')\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":19,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute",
    body: "[\"INSERT INTO foo(name) VALUES('m3'); INSERT INTO nosuch VALUES(1)\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"error":"no such table: nosuch"}]}',
  },
  {
    send:
      "GET /db/query?q=SELECT%20name%20FROM%20foo%20WHERE%20name%20LIKE%20'm_'%20ORDER%20BY%20name",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["name"],"types":["text"],"values":[["m1"],["m2"],["m3"]]}]}',
  },
  {
    send: "POST /db/execute",
    body: "[\"DELETE FROM foo WHERE name LIKE 'm_'\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":20,"rows_affected":3}]}',
  },
  {
    send: "POST /db/execute",
    body: '["","INSERT INTO bar(foo_id) VALUES(5)"]',
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":1,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute",
    body: '[""]',
    status: 200,
    type: json,
    answer: '{"results":[]}',
  },
  {
    send: "POST /db/execute",
    body: '["INSERT INTO bar(foo_id) VALUES(5)"]',
    status: 200,
    type: json,
    answer: '{"results":[{"error":"UNIQUE constraint failed: bar.foo_id"}]}',
  },
  {
    send: "POST /db/execute",
    body: "[\"INSERT INTO foo(name) VALUES('<&>\u2028')\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":18,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute",
    body: "[\"INSERT INTO foo(name) VALUES('x') <&>\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"error":"near \\"\\u003c\\": syntax error"}]}',
  },
  {
    send: "POST /db/execute",
    body: '["PRAGMA journal_mode=DELETE"]',
    status: 200,
    type: json,
    answer: '{"results":[],"error":"disallowed pragma"}',
  },
  {
    send: "POST /db/execute",
    body: '["INSERT INTO foo(name) VALUES(\'no\')","PRAGMA synchronous = 0"]',
    status: 200,
    type: json,
    answer: '{"results":[],"error":"disallowed pragma"}',
  },
  {
    send: "POST /db/execute",
    body: '["  pragma main.query_only=1"]',
    status: 200,
    type: json,
    answer: '{"results":[],"error":"disallowed pragma"}',
  },
  {
    send: "POST /db/execute",
    body: '["PRAGMA wal_checkpoint"]',
    status: 200,
    type: json,
    answer: '{"results":[],"error":"disallowed pragma"}',
  },
  {
    send: "POST /db/execute",
    body: '["PRAGMA wal_autocheckpoint=5"]',
    status: 200,
    type: json,
    answer: '{"results":[],"error":"disallowed pragma"}',
  },
  {
    send: "POST /db/executemorepath",
    body: "[\"INSERT INTO foo(name) VALUES('prefix')\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":19,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute?timeout=5s&retries=3&norwrandom&norwtime&noparse&db_timeout=10s",
    body: "[\"INSERT INTO foo(name) VALUES('flags')\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":20,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DROP TABLE foo","DROP TABLE bar"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
];
