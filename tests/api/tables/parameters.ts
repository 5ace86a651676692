import { json, type Step, text } from "../step.ts";

/** Parameters by position and by name. */
export const parameters: readonly Step[] = [
  {
    send: "POST /db/execute",
    body: '["DROP TABLE IF EXISTS p","CREATE TABLE p (id INTEGER PRIMARY KEY, a, b)"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "POST /db/execute",
    body: '[["INSERT INTO p(a,b) VALUES(?,?)","text",7]]',
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":1,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute",
    body: '[["INSERT INTO p(a,b) VALUES(:a,:b)",{"a":"named","b":8}]]',
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":2,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute",
    body: '[["INSERT INTO p(a,b) VALUES($a,@b)",{"a":"named","b":9}]]',
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":3,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute",
    body: '[["INSERT INTO p(a,b) VALUES(?,:b)","mix",{"b":10}]]',
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":4,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute",
    body: '[["INSERT INTO p(a,b) VALUES(?2,?1)","second","first"]]',
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":5,"rows_affected":1}]}',
  },
  {
    send: "POST /db/execute",
    body:
      '[["INSERT INTO p(a) VALUES(:a)",{":a":1}],["INSERT INTO p(a) VALUES(1)",{"_a":1}],["INSERT INTO p(a) VALUES(?)",{"1a":1}]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"error":"name \\":a\\" does not begin with a letter"},{"error":"name \\"_a\\" does not begin with a letter"},{"error":"name \\"1a\\" does not begin with a letter"}]}',
  },
  {
    send: "POST /db/execute?transaction",
    body: '[["INSERT INTO p(a) VALUES(1)"],["INSERT INTO p(a) VALUES(?)",{"$a":1}]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"last_insert_id":6,"rows_affected":1},{"error":"name \\"$a\\" does not begin with a letter"}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT :a",{":a":1}],["SELECT ?, ?",{"@a":1}],["SELECT :é",{"é":1}]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"error":"name \\":a\\" does not begin with a letter"},{"error":"name \\"@a\\" does not begin with a letter"},{"columns":[":é"],"types":["integer"],"values":[[1]]}]}',
  },
  {
    send: "POST /db/request?associative",
    body: '[["SELECT :a",{":a":1}],["INSERT INTO p(a) VALUES(:a)",{":a":1}]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"rows":[],"error":"name \\":a\\" does not begin with a letter"},{"error":"name \\":a\\" does not begin with a letter"}]}',
  },
  {
    send: "GET /db/query?q=SELECT%20*%20FROM%20p",
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["id","a","b"],"types":["integer","text","integer"],"values":[[1,"text",7],[2,"named",8],[3,"named",9],[4,"mix",10],[5,"first","second"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, ?",{},1,2]]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["?","?"],"types":["integer","integer"],"values":[[1,2]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, ?",{},1]]',
    status: 200,
    type: json,
    answer: '{"results":[{"error":"not enough args to execute query: want 2 got 1"}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT :a, ?, ?",{"a":1,"b":2},3]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":[":a","?","?"],"types":["integer","","integer"],"values":[[1,null,3]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, ?",{"":1},2]]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["?","?"],"types":["integer","integer"],"values":[[1,2]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",1]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["integer","text","text"],"values":[[1,"integer","1"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",1.0]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["real","text","text"],"values":[[1,"real","1.0"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",1e2]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["real","text","text"],"values":[[100,"real","100.0"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",1.5]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["real","text","text"],"values":[[1.5,"real","1.5"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",-0]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["integer","text","text"],"values":[[0,"integer","0"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",-0.0]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["real","text","text"],"values":[[-0,"real","0.0"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",9223372036854775807]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["integer","text","text"],"values":[[9223372036854775807,"integer","9223372036854775807"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",-9223372036854775808]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["integer","text","text"],"values":[[-9223372036854775808,"integer","-9223372036854775808"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",9223372036854775808]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["real","text","text"],"values":[[9223372036854776000,"real","9.2233720368547758e+18"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",18446744073709551616]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["real","text","text"],"values":[[18446744073709552000,"real","1.8446744073709552e+19"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",9007199254740993]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["integer","text","text"],"values":[[9007199254740993,"integer","9007199254740993"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",1e300]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["real","text","text"],"values":[[1e+300,"real","1.0e+300"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",0.1]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["real","text","text"],"values":[[0.1,"real","0.1"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",true]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["integer","text","text"],"values":[[1,"integer","1"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",false]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["integer","text","text"],"values":[[0,"integer","0"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",null]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["","text","text"],"values":[[null,"null","NULL"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)","x"]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["x","text","\'x\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)","X\'48656c6c6f\'"]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["Hello","blob","X\'48656C6C6F\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)","x\'00FF\'"]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["\\u0000\\ufffd","blob","X\'00FF\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)","x\'\'"]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["","blob","X\'\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)","x\'abc\'"]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["x\'abc\'","text","\'x\'\'abc\'\'\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)","x\'zz\'"]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["x\'zz\'","text","\'x\'\'zz\'\'\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)"," X\'41\' "]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["A","blob","X\'41\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)","x"]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["x","text","\'x\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",[]]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["","blob","X\'\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",[1,2,255]]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["\\u0001\\u0002\\ufffd","blob","X\'0102FF\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)","é漢"]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["é漢","text","\'é漢\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)","\\u00e9\\ud83d\\ude00"]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["é😀","text","\'é😀\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)","a\\u0000b"]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["text","text","text"],"values":[["a\\u0000b","text","\'a\'"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",123456789012345678]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["integer","text","text"],"values":[[123456789012345678,"integer","123456789012345678"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",12345678901234567.5]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["real","text","text"],"values":[[12345678901234568,"real","12345678901234568.0"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",1E2]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["real","text","text"],"values":[[100,"real","100.0"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, typeof(?1), quote(?1)",1.50]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["?","typeof(?1)","quote(?1)"],"types":["real","text","text"],"values":[[1.5,"real","1.5"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?, ?",1]]',
    status: 200,
    type: json,
    answer: '{"results":[{"error":"not enough args to execute query: want 2 got 1"}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?",1,2]]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["?"],"types":["integer"],"values":[[1]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?"]]',
    status: 200,
    type: json,
    answer: '{"results":[{"error":"not enough args to execute query: want 1 got 0"}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT :a",{"b":1}]]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":[":a"],"types":[""],"values":[[null]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT :a, :b",{"a":1}]]',
    status: 200,
    type: json,
    answer: '{"results":[{"error":"not enough args to execute query: want 2 got 1"}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT :a",{}]]',
    status: 200,
    type: json,
    answer: '{"results":[{"error":"not enough args to execute query: want 1 got 0"}]}',
  },
  {
    send: "POST /db/execute",
    body: '[["INSERT INTO p(a,b) VALUES(?,?)",1]]',
    status: 200,
    type: json,
    answer: '{"results":[{"error":"not enough args to execute query: want 2 got 1"}]}',
  },
  {
    send: "POST /db/execute",
    body: '[["INSERT INTO p(id,a,b) VALUES(100,?,?)"]]',
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":100,"rows_affected":1}]}',
    raftlite: {
      why: "rqlite stores NULL for parameters when none at all is given to a write",
      status: 200,
      type: json,
      answer: '{"results":[{"error":"not enough args to execute query: want 2 got 0"}]}',
    },
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM p WHERE id = 100"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "POST /db/execute",
    body: '["INSERT INTO p(id,a,b) VALUES(100,?,?)"]',
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":100,"rows_affected":1}]}',
    raftlite: {
      why: "rqlite stores NULL for parameters when none at all is given to a write",
      status: 200,
      type: json,
      answer: '{"results":[{"error":"not enough args to execute query: want 2 got 0"}]}',
    },
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM p WHERE id = 100"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "POST /db/execute",
    body: '[["INSERT INTO p(id,a,b) VALUES(100,:a,:b)",{}]]',
    status: 200,
    type: json,
    answer: '{"results":[{"last_insert_id":100,"rows_affected":1}]}',
    raftlite: {
      why: "rqlite stores NULL for parameters when none at all is given to a write",
      status: 200,
      type: json,
      answer: '{"results":[{"error":"not enough args to execute query: want 2 got 0"}]}',
    },
  },
  {
    send: "POST /db/execute",
    body: '["DELETE FROM p WHERE id = 100"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT :a, :a",{"a":1}]]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":[":a",":a"],"types":["integer","integer"],"values":[[1,1]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?1, ?1",1]]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":["?1","?1"],"types":["integer","integer"],"values":[[1,1]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT :a, ?",{"a":1},2]]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":[":a","?"],"types":["integer","integer"],"values":[[1,2]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?",[256]]]',
    status: 400,
    type: text,
    answer: "unsupported type 256\n",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?",[-1]]]',
    status: 400,
    type: text,
    answer: "unsupported type -1\n",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?",["a"]]]',
    status: 400,
    type: text,
    answer: "unsupported type string\n",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?",[true]]]',
    status: 400,
    type: text,
    answer: "unsupported type bool\n",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?",[null]]]',
    status: 400,
    type: text,
    answer: "unsupported type <nil>\n",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?",[1.5]]]',
    status: 400,
    type: text,
    answer: "unsupported type 1.5\n",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?",[1e2]]]',
    status: 400,
    type: text,
    answer: "unsupported type 1e2\n",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?",[{}]]]',
    status: 400,
    type: text,
    answer: "unsupported type map[string]interface {}\n",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?",[[1]]]]',
    status: 400,
    type: text,
    answer: "unsupported type []interface {}\n",
  },
  {
    send: "POST /db/query",
    body:
      '[["SELECT typeof(?), typeof(?), typeof(?), typeof(?)"," x\'00\' ","\\u0085x\'00\'\\u2003","\\ufeffx\'00\'","\\u180ex\'00\'"]]',
    status: 200,
    type: json,
    answer:
      '{"results":[{"columns":["typeof(?)","typeof(?)","typeof(?)","typeof(?)"],"types":["text","text","text","text"],"values":[["blob","blob","text","text"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?",1e999]]',
    status: 400,
    type: text,
    answer: "invalid number 1e999\n",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT ?",-1e999]]',
    status: 400,
    type: text,
    answer: "invalid number -1e999\n",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT :a",{"a":{"b":1}}]]',
    status: 400,
    type: text,
    answer: "unsupported type map[string]interface {}\n",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT :a",{"a":[1,2]}]]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":[":a"],"types":["text"],"values":[["\\u0001\\u0002"]]}]}',
  },
  {
    send: "POST /db/query",
    body: '[["SELECT :a",{"a":[300]}]]',
    status: 400,
    type: text,
    answer: "unsupported type 300\n",
  },
  {
    send: "POST /db/query",
    body: '[["SELECT :a",{"a":1.0}]]',
    status: 200,
    type: json,
    answer: '{"results":[{"columns":[":a"],"types":["real"],"values":[[1]]}]}',
  },
  {
    send: "POST /db/execute",
    body: '["DROP TABLE p"]',
    status: 200,
    type: json,
    answer: "<any>",
  },
];
