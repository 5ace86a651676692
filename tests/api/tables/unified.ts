import { json, type Step } from "../step.ts";

/** /db/request: reads and writes together. */
export const unified: readonly Step[] = [
  {
    send: "POST /db/execute",
    body:
      '["DROP TABLE IF EXISTS foo","CREATE TABLE foo (id INTEGER NOT NULL PRIMARY KEY, name TEXT)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "POST /db/request",
    body: '["INSERT INTO foo(name) VALUES(\'fiona\')","SELECT * FROM foo"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"last_insert_id":1,"rows_affected":1},{"columns":["id","name"],"types":["integer","text"],"values":[[1,"fiona"]]}]}',
  },
  {
    send: "POST /db/request",
    body: '["SELECT * FROM foo"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["id","name"],"types":["integer","text"],"values":[[1,"fiona"]]}]}',
  },
  {
    send: "POST /db/request",
    body: '["SELECT * FROM foo WHERE id=9"]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["id","name"],"types":["integer","text"]}]}',
  },
  {
    send: "POST /db/request?associative",
    body:
      '["INSERT INTO foo(name) VALUES(\'sinead\')","SELECT * FROM foo","SELECT * FROM foo WHERE id=99"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"last_insert_id":2,"rows_affected":1,"rows":null},{"types":{"id":"integer","name":"text"},"rows":[{"id":1,"name":"fiona"},{"id":2,"name":"sinead"}]},{"types":{"id":"integer","name":"text"},"rows":[]}]}',
  },
  {
    send: "POST /db/request?associative",
    body: '["CREATE TABLE IF NOT EXISTS foo(id); -- nothing",";","SELECT 1; -- nothing"]',
    status: 200,
    type: json,
    answer: '{"results":[{"rows":null},{"rows":[]},{"rows":[]}]}',
  },
  {
    send: "POST /db/request?associative",
    body: '["SELECT * FROM foo WHERE id=99"]',
    status: 200,
    type: json,
    answer: '{"results":[{"types":{"id":"integer","name":"text"},"rows":[]}]}',
  },
  {
    send: "POST /db/request?pretty&associative",
    body: '["INSERT INTO foo(name) VALUES(\'x\')","SELECT count(*) AS n FROM foo"]',
    status: 200,
    type: json,
    answer:
      '{\n    "results": [\n        {\n            "last_insert_id": 3,\n            "rows_affected": 1,\n            "rows": null\n        },\n        {\n            "types": {\n                "n": "integer"\n            },\n            "rows": [\n                {\n                    "n": 3\n                }\n            ]\n        }\n    ]\n}',
  },
  {
    send: "POST /db/request?timings",
    body: '["SELECT 1","INSERT INTO foo(name) VALUES(\'y\')"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["1"],"types":["integer"],"values":[[1]],"time":<time>},{"last_insert_id":4,"rows_affected":1,"time":<time>}],"time":<time>}',
  },
  {
    send: "POST /db/request?raft_index",
    body: "[\"INSERT INTO foo(name) VALUES('z')\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":5,"rows_affected":1}],"raft_index":<index>}',
  },
  {
    send: "POST /db/request?raft_index",
    body: '["SELECT 1"]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["1"],"types":["integer"],"values":[[1]]}]}',
  },
  {
    send: "POST /db/request?raft_index&level=strong",
    body: '["SELECT 1"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["1"],"types":["integer"],"values":[[1]]}],"raft_index":<index>}',
  },
  {
    send: "POST /db/request?level=none",
    body: '["SELECT count(*) FROM foo"]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[5]]}]}',
  },
  {
    send: "POST /db/request?level=linearizable",
    body: '["SELECT count(*) FROM foo"]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[5]]}]}',
  },
  {
    send: "POST /db/request",
    body: '["SELECT * FROM nosuch"]',
    status: 200,
    type: json,
    answer: '{"results":[{"error":"no such table: nosuch"}]}',
  },
  {
    send: "POST /db/request",
    body: '["INSERT INTO nosuch VALUES(1)","SELECT 1"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"error":"no such table: nosuch"},{"columns":["1"],"types":["integer"],"values":[[1]]}]}',
  },
  {
    send: "POST /db/request",
    body: '["INSERT INTO foo(id) VALUES(1)","SELECT count(*) FROM foo"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"error":"UNIQUE constraint failed: foo.id"},{"columns":["count(*)"],"types":["integer"],"values":[[5]]}]}',
  },
  {
    send: "POST /db/request?transaction",
    body: '["INSERT INTO foo(name) VALUES(\'t1\')","INSERT INTO foo(id) VALUES(1)","SELECT 1"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"last_insert_id":6,"rows_affected":1},{"error":"UNIQUE constraint failed: foo.id"}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20foo%20WHERE%20name%3D't1'",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[0]]}]}',
  },
  {
    send: "POST /db/request?transaction",
    body: "[\"INSERT INTO foo(name) VALUES('t2')\",\"SELECT name FROM foo WHERE name='t2'\"]",
    status: 200,
    type: json,
    answer:
      '{"results":[{"last_insert_id":6,"rows_affected":1},{"columns":["name"],"types":["text"],"values":[["t2"]]}]}',
  },
  {
    send: "POST /db/request",
    body:
      '[["INSERT INTO foo(name) VALUES(?)","par"],["SELECT * FROM foo WHERE name=:n",{"n":"par"}]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"last_insert_id":7,"rows_affected":1},{"columns":["id","name"],"types":["integer","text"],"values":[[7,"par"]]}]}',
  },
  {
    send: "POST /db/request",
    body: "[\"INSERT INTO foo(name) VALUES('r') RETURNING name\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["name"],"types":["text"],"values":[["r"]]}]}',
  },
  {
    send: "POST /db/request?associative",
    body: "[\"INSERT INTO foo(name) VALUES('r') RETURNING name\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"types":{"name":"text"},"rows":[{"name":"r"}]}]}',
  },
  {
    send: "POST /db/request",
    body: '["","SELECT 1"]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["1"],"types":["integer"],"values":[[1]]}]}',
  },
  {
    send: "POST /db/request",
    body: '[""]',
    status: 200,
    type: json,
    answer: '{"results":[]}',
  },
  {
    send: "POST /db/request",
    body: '[" "]',
    status: 200,
    type: json,
    answer: '{"results":[{}]}',
  },
  {
    send: "POST /db/request",
    body: '["UPDATE foo SET name=name WHERE id=999"]',
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":9}]}',
  },
  {
    send: "POST /db/request",
    body: '["PRAGMA journal_mode=delete","SELECT 1"]',
    status: 200,
    type: json,
    answer: '{"results":[],"error":"disallowed pragma"}',
  },
  {
    send: "POST /db/request?qualify_columns",
    body: '["SELECT id FROM foo WHERE id=1"]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["foo.id"],"types":["integer"],"values":[[1]]}]}',
  },
  {
    send: "POST /db/request?blob_array",
    body: "[\"SELECT x'0102' AS b\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["b"],"types":["text"],"values":[["\\u0001\\u0002"]]}]}',
  },
  {
    send: "POST /db/request?transaction",
    body:
      '["INSERT INTO foo(name) VALUES(\'t3\')","INSERT INTO nosuch VALUES(1)","SELECT count(*) FROM foo"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"last_insert_id":10,"rows_affected":1},{"error":"no such table: nosuch"},{"columns":["count(*)"],"types":["integer"],"values":[[10]]}]}',
    raftlite: {
      why: "A transaction is all or nothing",
      status: 200,
      type: json,
      answer:
        '{"results":[{"last_insert_id":10,"rows_affected":1},{"error":"no such table: nosuch"}]}',
    },
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20foo%20WHERE%20name%3D't3'",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[1]]}]}',
    raftlite: {
      why: "A transaction is all or nothing",
      status: 200,
      type: json,
      answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[0]]}]}',
    },
  },
  {
    send: "POST /db/execute",
    body: '["DROP TABLE foo"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
];
