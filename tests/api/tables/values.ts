import { json, type Step, text } from "../step.ts";

/** How columns and values of every kind are written. */
export const values: readonly Step[] = [
  {
    send: "POST /db/execute",
    body:
      '["DROP TABLE IF EXISTS v","CREATE TABLE v (i INTEGER, r REAL, t TEXT, b BLOB, n NUMERIC, vc VARCHAR(10), c CHAR(5), bo BOOLEAN, d DATE, dt DATETIME, ts TIMESTAMP, j JSON, x)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "POST /db/execute",
    body:
      "[\"INSERT INTO v(i,r,t,b,n,vc,c,bo,d,dt,ts,j,x) VALUES(1,1.5,'text',x'00ff','12.5','vc','c',1,'2024-01-02','2024-01-02 03:04:05','2024-01-02T03:04:05Z','{\\\"a\\\":1}','any')\"]",
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":1,"rows_affected":1}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["i","r","t","b","n","vc","c","bo","d","dt","ts","j","x"],"types":["integer","real","text","blob","numeric","varchar(10)","char(5)","boolean","date","datetime","timestamp","json","text"],"values":[[1,1.5,"text","AP8=",12.5,"vc","c",true,"2024-01-02T00:00:00Z","2024-01-02T03:04:05Z","2024-01-02T03:04:05Z","{\\"a\\":1}","any"]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20v&associative",
    status: 200,
    type: json,
    answer:
      '{"results":[{"types":{"b":"blob","bo":"boolean","c":"char(5)","d":"date","dt":"datetime","i":"integer","j":"json","n":"numeric","r":"real","t":"text","ts":"timestamp","vc":"varchar(10)","x":"text"},"rows":[{"b":"AP8=","bo":true,"c":"c","d":"2024-01-02T00:00:00Z","dt":"2024-01-02T03:04:05Z","i":1,"j":"{\\"a\\":1}","n":12.5,"r":1.5,"t":"text","ts":"2024-01-02T03:04:05Z","vc":"vc","x":"any"}]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20b%20FROM%20v&blob_array",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["b"],"types":["blob"],"values":[[[0,255]]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20b%20FROM%20v&blob_array&pretty",
    status: 200,
    type: json,
    answer:
      '{\n    "results": [\n        {\n            "columns": [\n                "b"\n            ],\n            "types": [\n                "blob"\n            ],\n            "values": [\n                [\n                    [\n                        0,\n                        255\n                    ]\n                ]\n            ]\n        }\n    ]\n}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v DEFAULT VALUES"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["i","r","t","b","n","vc","c","bo","d","dt","ts","j","x"],"types":["integer","real","text","blob","numeric","varchar(10)","char(5)","boolean","date","datetime","timestamp","json",""],"values":[[null,null,null,null,null,null,null,null,null,null,null,null,null]]}]}',
  },
  {
    send: "POST /db/execute",
    body:
      "[\"DELETE FROM v\",\"INSERT INTO v(t,vc,c,j,x,n,b) VALUES(x'41',x'42',x'43',x'44',x'45',x'46','text in blob')\"]",
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["i","r","t","b","n","vc","c","bo","d","dt","ts","j","x"],"types":["integer","real","text","blob","numeric","varchar(10)","char(5)","boolean","date","datetime","timestamp","json","text"],"values":[[null,null,"A","text in blob","Rg==","B","Qw==",null,null,null,null,"D","E"]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20v&blob_array",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["i","r","t","b","n","vc","c","bo","d","dt","ts","j","x"],"types":["integer","real","text","blob","numeric","varchar(10)","char(5)","boolean","date","datetime","timestamp","json","text"],"values":[[null,null,"A","text in blob",[70],"B",[67],null,null,null,null,"D","E"]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20x'00ff'",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["x\'00ff\'"],"types":["text"],"values":[["\\u0000\\ufffd"]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20x'48656c6c6f'",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["x\'48656c6c6f\'"],"types":["text"],"values":[["Hello"]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20x''",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["x\'\'"],"types":["text"],"values":[[""]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20x'c3'%7C%7C'a'",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["x\'c3\'||\'a\'"],"types":["text"],"values":[["\\ufffda"]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20CAST(x'80'%20AS%20TEXT)",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["CAST(x\'80\' AS TEXT)"],"types":["text"],"values":[["\\ufffd"]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%201.0",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["1.0"],"types":["real"],"values":[[1]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20-1.0",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["-1.0"],"types":["real"],"values":[[-1]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%200.1",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["0.1"],"types":["real"],"values":[[0.1]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%201e300",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["1e300"],"types":["real"],"values":[[1e+300]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%201e-6",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["1e-6"],"types":["real"],"values":[[0.000001]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%201e-7",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["1e-7"],"types":["real"],"values":[[1e-7]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%201e20",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["1e20"],"types":["real"],"values":[[100000000000000000000]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%201e21",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["1e21"],"types":["real"],"values":[[1e+21]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20-0.0",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["-0.0"],"types":["real"],"values":[[-0]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%201.5e3",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["1.5e3"],"types":["real"],"values":[[1500]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20123456789.123",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["123456789.123"],"types":["real"],"values":[[123456789.123]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%201e15",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["1e15"],"types":["real"],"values":[[1000000000000000]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%200.000001234",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["0.000001234"],"types":["real"],"values":[[0.000001234]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%205e-324",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["5e-324"],"types":["real"],"values":[[5e-324]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%201.7976931348623157e308",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["1.7976931348623157e308"],"types":["real"],"values":[[1.7976931348623157e+308]]}]}',
  },
  {
    send:
      "GET /db/query?q=SELECT%209223372036854775807%2C%20-9223372036854775808%2C%209007199254740993",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["9223372036854775807","-9223372036854775808","9007199254740993"],"types":["integer","integer","integer"],"values":[[9223372036854775807,-9223372036854775808,9007199254740993]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%209e999",
    status: 500,
    type: text,
    answer:
      "json: error calling MarshalJSON for type *http.DBResults: json: unsupported value: +Inf\n",
    raftlite: {
      why: "The answer says which value JSON cannot hold",
      status: 200,
      type: json,
      answer: '{"results":[{"error":"<any>"}]}',
    },
  },
  {
    send: "GET /db/query?q=SELECT%20NULL",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["NULL"],"types":[""],"values":[[null]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20'a'%2C%201%2C%202.5%2C%20NULL%2C%20x'41'",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["\'a\'","1","2.5","NULL","x\'41\'"],"types":["text","integer","real","","text"],"values":[["a",1,2.5,null,"A"]]}]}',
  },
  {
    send:
      "GET /db/query?q=SELECT%20'%C3%A9%E6%BC%A2%F0%9F%98%80'%2C%20'a%22b%5Cc'%2C%20char(9%2C10%2C13%2C1%2C8%2C12%2C127)",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["\'é漢😀\'","\'a\\"b\\\\c\'","char(9,10,13,1,8,12,127)"],"types":["text","text","text"],"values":[["é漢😀","a\\"b\\\\c","\\t\\n\\r\\u0001\\b\\f\u007f"]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20char(0)%7C%7C'a'",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["char(0)||\'a\'"],"types":["text"],"values":[["\\u0000a"]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(d,dt,ts) VALUES(12345,12345,12345)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[["1970-01-01T03:25:45Z","1970-01-01T03:25:45Z","1970-01-01T03:25:45Z"]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(d,dt,ts) VALUES(1704164645,1704164645,1704164645)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[["2024-01-02T03:04:05Z","2024-01-02T03:04:05Z","2024-01-02T03:04:05Z"]]}]}',
  },
  {
    send: "POST /db/execute",
    body:
      '["DELETE FROM v","INSERT INTO v(d,dt,ts) VALUES(1704164645000,1704164645000,1704164645000)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[["2024-01-02T03:04:05Z","2024-01-02T03:04:05Z","2024-01-02T03:04:05Z"]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(d,dt,ts) VALUES(1.5,1.5,1.5)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[[1.5,1.5,1.5]]}]}',
  },
  {
    send: "POST /db/execute",
    body:
      "[\"DELETE FROM v\",\"INSERT INTO v(d,dt,ts) VALUES('not a date','not a date','not a date')\"]",
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[["0001-01-01T00:00:00Z","0001-01-01T00:00:00Z","0001-01-01T00:00:00Z"]]}]}',
  },
  {
    send: "POST /db/execute",
    body: "[\"DELETE FROM v\",\"INSERT INTO v(d,dt,ts) VALUES('','','')\"]",
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[["0001-01-01T00:00:00Z","0001-01-01T00:00:00Z","0001-01-01T00:00:00Z"]]}]}',
  },
  {
    send: "POST /db/execute",
    body:
      "[\"DELETE FROM v\",\"INSERT INTO v(d,dt,ts) VALUES('2024-01-02 03:04:05.678','2024-01-02 03:04:05.678','2024-01-02 03:04:05.678')\"]",
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[["2024-01-02T03:04:05.678Z","2024-01-02T03:04:05.678Z","2024-01-02T03:04:05.678Z"]]}]}',
  },
  {
    send: "POST /db/execute",
    body:
      "[\"DELETE FROM v\",\"INSERT INTO v(d,dt,ts) VALUES('2024-01-02T03:04:05+02:00','2024-01-02T03:04:05+02:00','2024-01-02T03:04:05+02:00')\"]",
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[["2024-01-02T03:04:05+02:00","2024-01-02T03:04:05+02:00","2024-01-02T03:04:05+02:00"]]}]}',
  },
  {
    send: "POST /db/execute",
    body:
      "[\"DELETE FROM v\",\"INSERT INTO v(d,dt,ts) VALUES('2024-01-02 03:04','2024-01-02 03:04','2024-01-02 03:04')\"]",
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[["2024-01-02T03:04:00Z","2024-01-02T03:04:00Z","2024-01-02T03:04:00Z"]]}]}',
  },
  {
    send: "POST /db/execute",
    body:
      "[\"DELETE FROM v\",\"INSERT INTO v(d,dt,ts) VALUES('2024-01-02T03:04:05.123456789Z','2024-01-02T03:04:05.123456789Z','2024-01-02T03:04:05.123456789Z')\"]",
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[["2024-01-02T03:04:05.123456789Z","2024-01-02T03:04:05.123456789Z","2024-01-02T03:04:05.123456789Z"]]}]}',
  },
  {
    send: "POST /db/execute",
    body: "[\"DELETE FROM v\",\"INSERT INTO v(d,dt,ts) VALUES('03:04:05','03:04:05','03:04:05')\"]",
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[["0001-01-01T00:00:00Z","0001-01-01T00:00:00Z","0001-01-01T00:00:00Z"]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(d,dt,ts) VALUES(NULL,NULL,NULL)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[[null,null,null]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(d,dt,ts) VALUES(0,0,0)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[["1970-01-01T00:00:00Z","1970-01-01T00:00:00Z","1970-01-01T00:00:00Z"]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(d,dt,ts) VALUES(-1,-1,-1)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20d%2Cdt%2Cts%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["d","dt","ts"],"types":["date","datetime","timestamp"],"values":[["1969-12-31T23:59:59Z","1969-12-31T23:59:59Z","1969-12-31T23:59:59Z"]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(bo) VALUES(0)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20bo%20FROM%20v",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["bo"],"types":["boolean"],"values":[[false]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(bo) VALUES(2)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20bo%20FROM%20v",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["bo"],"types":["boolean"],"values":[[true]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(bo) VALUES(-1)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20bo%20FROM%20v",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["bo"],"types":["boolean"],"values":[[false]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(bo) VALUES(\'yes\')"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20bo%20FROM%20v",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["bo"],"types":["boolean"],"values":[["yes"]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(bo) VALUES(\'true\')"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20bo%20FROM%20v",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["bo"],"types":["boolean"],"values":[["true"]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(bo) VALUES(1.5)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20bo%20FROM%20v",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["bo"],"types":["boolean"],"values":[[1.5]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM v","INSERT INTO v(bo) VALUES(NULL)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "GET /db/query?q=SELECT%20bo%20FROM%20v",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["bo"],"types":["boolean"],"values":[[null]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20bo%2B1%2C%20upper(t)%20FROM%20v",
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["bo+1","upper(t)"],"types":["",""],"values":[[null,null]]}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20count(*)%2C%20max(i)%20FROM%20v",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["count(*)","max(i)"],"types":["integer",""],"values":[[1,null]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DROP TABLE v"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
];
