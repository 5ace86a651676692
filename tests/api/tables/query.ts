import { json, type Step } from "../step.ts";

/** /db/query: results of reads. */
export const query: readonly Step[] = [
  {
    send: "POST /db/execute",
    body:
      '["DROP TABLE IF EXISTS quux","CREATE TABLE quux (id INTEGER NOT NULL PRIMARY KEY, name TEXT, age INTEGER)","INSERT INTO quux VALUES(1,\'fiona\',20)","INSERT INTO quux VALUES(2,\'declan\',NULL)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20quux",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["id","name","age"],"types":["integer","text","integer"],"values":[[1,"fiona",20],[2,"declan",null]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20quux",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["id","name","age"],"types":["integer","text","integer"],"values":[[1,"fiona",20],[2,"declan",null]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT+name+FROM+quux+WHERE+id=2",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["name"],"types":["text"],"values":[["declan"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '["SELECT * FROM quux"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["id","name","age"],"types":["integer","text","integer"],"values":[[1,"fiona",20],[2,"declan",null]]}]}',
  },
  {
    send: "POST /db/query",
    body: '["SELECT name FROM quux","SELECT age FROM quux WHERE id=2"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["name"],"types":["text"],"values":[["fiona"],["declan"]]},{"columns":["age"],"types":["integer"],"values":[[null]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT * FROM quux WHERE id=?",1]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["id","name","age"],"types":["integer","text","integer"],"values":[[1,"fiona",20]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20quux%20WHERE%20id%3D77",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["id","name","age"],"types":["integer","text","integer"]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20quux%20WHERE%20id%3D77&associative",
    status: 200,
    type: json,
    answer: '{"results":[{"types":{"age":"integer","id":"integer","name":"text"},"rows":[]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20quux&associative",
    status: 200,
    type: json,
    answer:
      '{"results":[{"types":{"age":"integer","id":"integer","name":"text"},"rows":[{"age":20,"id":1,"name":"fiona"},{"age":null,"id":2,"name":"declan"}]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20id%20AS%20z%2C%20name%20AS%20a%20FROM%20quux&associative",
    status: 200,
    type: json,
    answer:
      '{"results":[{"types":{"a":"text","z":"integer"},"rows":[{"a":"fiona","z":1},{"a":"declan","z":2}]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20id%2C%20id%20FROM%20quux%20WHERE%20id%3D1",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["id","id"],"types":["integer","integer"],"values":[[1,1]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%201%20AS%20a%2C%202%20AS%20a&associative",
    status: 200,
    type: json,
    answer: '{"results":[{"types":{"a":"integer"},"rows":[{"a":2}]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20quux&pretty",
    status: 200,
    type: json,
    answer:
      '{\n    "results": [\n        {\n            "columns": [\n                "id",\n                "name",\n                "age"\n            ],\n            "types": [\n                "integer",\n                "text",\n                "integer"\n            ],\n            "values": [\n                [\n                    1,\n                    "fiona",\n                    20\n                ],\n                [\n                    2,\n                    "declan",\n                    null\n                ]\n            ]\n        }\n    ]\n}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20quux%20WHERE%20id%3D77&pretty",
    status: 200,
    type: json,
    answer:
      '{\n    "results": [\n        {\n            "columns": [\n                "id",\n                "name",\n                "age"\n            ],\n            "types": [\n                "integer",\n                "text",\n                "integer"\n            ]\n        }\n    ]\n}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20quux%20WHERE%20id%3D77&pretty&associative",
    status: 200,
    type: json,
    answer:
      '{\n    "results": [\n        {\n            "types": {\n                "age": "integer",\n                "id": "integer",\n                "name": "text"\n            },\n            "rows": []\n        }\n    ]\n}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20quux&timings",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["id","name","age"],"types":["integer","text","integer"],"values":[[1,"fiona",20],[2,"declan",null]],"time":<time>}],"time":<time>}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20quux%20WHERE%20id%3D1&pretty&timings&associative",
    status: 200,
    type: json,
    answer:
      '{\n    "results": [\n        {\n            "types": {\n                "age": "integer",\n                "id": "integer",\n                "name": "text"\n            },\n            "rows": [\n                {\n                    "age": 20,\n                    "id": 1,\n                    "name": "fiona"\n                }\n            ],\n            "time": <time>\n        }\n    ],\n    "time": <time>\n}',
  },
  {
    send:
      "GET /db/query?q=SELECT%20quux.id%2C%20f.name%20FROM%20quux%20JOIN%20quux%20AS%20f%20USING%20(id)%20WHERE%20quux.id%3D1&qualify_columns",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["quux.id","quux.name"],"types":["integer","text"],"values":[[1,"fiona"]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20id%2C%20count(*)%20FROM%20quux&qualify_columns",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["quux.id","count(*)"],"types":["integer","integer"],"values":[[1,2]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=none",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=weak",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=strong",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=linearizable",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=auto",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=NONE",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=sometimes",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=none&raft_index",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=weak&raft_index",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=strong&raft_index",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}],"raft_index":<index>}',
  },
  {
    send:
      "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=linearizable&raft_index&linearizable_timeout=5s",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}]}',
    raftlite: {
      why: "Always told; rqlite tells it of a term's first linearizable read only",
      status: 200,
      type: json,
      answer:
        '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}],"raft_index":<index>}',
    },
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=none&freshness=1s",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send:
      "GET /db/query?q=SELECT%20count(*)%20FROM%20quux&level=none&freshness=1s&freshness_strict",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20nosuch",
    status: 200,
    type: json,
    answer: '{"results":[{"error":"no such table: nosuch"}]}',
  },
  {
    send: "GET /db/query?q=SELEKT",
    status: 200,
    type: json,
    answer: '{"results":[{"error":"near \\"SELEKT\\": syntax error"}]}',
  },
  {
    send: "GET /db/query?q=INSERT%20INTO%20quux(id)%20VALUES(9)",
    status: 200,
    type: json,
    answer: '{"results":[{"error":"attempt to change database via query operation"}]}',
  },
  {
    send: "POST /db/query",
    body: '["DELETE FROM quux","SELECT 1"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"error":"attempt to change database via query operation"},{"columns":["1"],"types":["integer"],"values":[[1]]}]}',
  },
  {
    send: "GET /db/query",
    status: 200,
    type: json,
    answer: '{"results":[]}',
  },
  {
    send: "GET /db/querymore",
    status: 200,
    type: json,
    answer: '{"results":[]}',
  },
  {
    send: "GET /db/query?q=SELECT%20'%3C%26%3E'%2C%20'%E2%80%A8'",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["\'\\u003c\\u0026\\u003e\'","\'\\u2028\'"],"types":["text","text"],"values":[["\\u003c\\u0026\\u003e","\\u2028"]]}]}',
  },
  {
    send: "GET /db/query?q=%20",
    status: 200,
    type: json,
    answer: '{"results":[{}]}',
  },
  {
    send: "GET /db/query?q=%3B",
    status: 200,
    type: json,
    answer: '{"results":[{}]}',
  },
  {
    send: "GET /db/query?q=--%20nothing",
    status: 200,
    type: json,
    answer: '{"results":[{}]}',
  },
  {
    send: "POST /db/query",
    body: '["","SELECT 1"]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["1"],"types":["integer"],"values":[[1]]}]}',
  },
  {
    send: "POST /db/query",
    body: '["SELECT 1; -- c"]',
    status: 200,
    type: json,
    answer: '{"results":[{}]}',
  },
  {
    send: "POST /db/query",
    body: '["SELECT 1; SELECT 2"]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["2"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send: "POST /db/query",
    body: "SELECT name FROM quux WHERE id=1",
    bodyType: "text/plain",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["name"],"types":["text"],"values":[["fiona"]]}]}',
  },
  {
    send: "POST /db/query",
    body: "SELECT name FROM quux WHERE id=1",
    bodyType: "text/plain; charset=utf-8",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["name"],"types":["text"],"values":[["fiona"]]}]}',
  },
  {
    send: "POST /db/query?transaction",
    body: '["SELECT 1","SELECT * FROM nosuch","SELECT 2"]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["1"],"types":["integer"],"values":[[1]]},{"error":"no such table: nosuch"},{"columns":["2"],"types":["integer"],"values":[[2]]}]}',
  },
  {
    send: "POST /db/query",
    body: '["SELECT 1","PRAGMA journal_mode=delete"]',
    status: 200,
    type: json,
    answer: '{"results":[],"error":"disallowed pragma"}',
  },
  {
    send: "GET /db/query?q=PRAGMA%20journal_mode",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["journal_mode"],"types":["text"],"values":[["wal"]]}]}',
  },
  {
    send: "GET /db/query?q=PRAGMA%20foreign_keys",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["foreign_keys"],"types":["integer"],"values":[[0]]}]}',
  },
  {
    send:
      "GET /db/query?q=WITH%20RECURSIVE%20c(x)%20AS%20(SELECT%201%20UNION%20ALL%20SELECT%20x%2B1%20FROM%20c)%20SELECT%20count(*)%20FROM%20c&db_timeout=50ms",
    status: 200,
    type: json,
    answer: '{"results":[{"error":"query timeout"}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DROP TABLE quux"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
];
