import { json, type Step, text } from "../step.ts";

/** What only a cluster of one node answers like this. */
export const singleNode: readonly Step[] = [
  {
    send: "POST /leader",
    body: "",
    status: 200,
    type: json,
    answer: "",
    headers: { "x-rqlite-served-by": "<http>" },
  },
  {
    send: "POST /leader?wait",
    body: "",
    status: 500,
    type: text,
    answer: "stepdown: cannot find peer\n",
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "POST /leader",
    body: '{"id":"nosuch"}',
    status: 500,
    type: text,
    answer: "stepdown: node not found in cluster\n",
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "POST /leader",
    body: '{"ID":"nosuch"} and more',
    status: 500,
    type: text,
    answer: "stepdown: node not found in cluster\n",
  },
  {
    send: "POST /leader",
    body: "[]",
    status: 400,
    type: text,
    answer:
      'invalid JSON: json: cannot unmarshal array into Go value of type struct { ID string "json:\\"id\\"" }\n',
  },
  {
    send: "POST /leader",
    body: '{"id":1}',
    status: 400,
    type: text,
    answer: "invalid JSON: json: cannot unmarshal number into Go struct field .id of type string\n",
  },
  {
    send: "POST /leader",
    body: '{"id":null}',
    status: 200,
    type: json,
    answer: "",
    headers: { "x-rqlite-served-by": "<http>" },
  },
  {
    send: "DELETE /remove",
    body: '{"id":null}',
    status: 200,
    type: "",
    answer: "",
    headers: { "x-rqlite-served-by": "<http>" },
  },
  {
    send: "POST /leader",
    body: '{"id":""}',
    status: 200,
    type: json,
    answer: "",
    headers: { "x-rqlite-served-by": "<http>" },
  },
  {
    send: "GET /leader",
    status: 200,
    type: json,
    answer:
      '{"id":"<id>","api_addr":"http://<http>","addr":"<raft>","version":"<version>","voter":true,"reachable":true,"leader":true,"time":<time>,"time_s":"<duration>"}',
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "GET /leader?pretty",
    status: 200,
    type: json,
    answer:
      '{\n    "id": "<id>",\n    "api_addr": "http://<http>",\n    "addr": "<raft>",\n    "version": "<version>",\n    "voter": true,\n    "reachable": true,\n    "leader": true,\n    "time": <time>,\n    "time_s": "<duration>"\n}',
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "GET /nodesfoo",
    status: 200,
    type: json,
    answer:
      '{"<id>":{"id":"<id>","api_addr":"http://<http>","addr":"<raft>","version":"<version>","voter":true,"reachable":true,"leader":true,"time":<time>,"time_s":"<duration>"}}',
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "GET /status?key=store.nodes",
    status: 200,
    type: json,
    answer: '[{"addr":"<raft>","id":"<id>","suffrage":"voter"}]',
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "POST /db/execute",
    body: '["DROP TABLE IF EXISTS s","CREATE TABLE s(x)","DROP TABLE s"]',
    status: 200,
    type: json,
    answer: "<any>",
    headers: { "x-rqlite-served-by": "<http>" },
  },
  {
    send: "POST /snapshot",
    body: "",
    status: 200,
    type: "",
    answer: "",
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "POST /snapshot",
    body: "",
    status: 204,
    type: "",
    answer: "",
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "GET /nodes",
    status: 200,
    type: json,
    answer:
      '{"<id>":{"id":"<id>","api_addr":"http://<http>","addr":"<raft>","version":"<version>","voter":true,"reachable":true,"leader":true,"time":<time>,"time_s":"<duration>"}}',
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "GET /nodes?ver=2",
    status: 200,
    type: json,
    answer:
      '{"nodes":[{"id":"<id>","api_addr":"http://<http>","addr":"<raft>","version":"<version>","voter":true,"reachable":true,"leader":true,"time":<time>,"time_s":"<duration>"}]}',
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "GET /nodes?pretty",
    status: 200,
    type: json,
    answer:
      '{\n    "<id>": {\n        "id": "<id>",\n        "api_addr": "http://<http>",\n        "addr": "<raft>",\n        "version": "<version>",\n        "voter": true,\n        "reachable": true,\n        "leader": true,\n        "time": <time>,\n        "time_s": "<duration>"\n    }\n}',
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "GET /nodes?ver=2&pretty",
    status: 200,
    type: json,
    answer:
      '{\n    "nodes": [\n        {\n            "id": "<id>",\n            "api_addr": "http://<http>",\n            "addr": "<raft>",\n            "version": "<version>",\n            "voter": true,\n            "reachable": true,\n            "leader": true,\n            "time": <time>,\n            "time_s": "<duration>"\n        }\n    ]\n}',
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "GET /nodes?nonvoters",
    status: 200,
    type: json,
    answer:
      '{"<id>":{"id":"<id>","api_addr":"http://<http>","addr":"<raft>","version":"<version>","voter":true,"reachable":true,"leader":true,"time":<time>,"time_s":"<duration>"}}',
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "GET /nodes?timeout=5s",
    status: 200,
    type: json,
    answer:
      '{"<id>":{"id":"<id>","api_addr":"http://<http>","addr":"<raft>","version":"<version>","voter":true,"reachable":true,"leader":true,"time":<time>,"time_s":"<duration>"}}',
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "POST /boot",
    body: "",
    status: 503,
    type: text,
    answer: "EOF\n",
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "POST /boot",
    body: "short",
    status: 503,
    type: text,
    answer: "EOF\n",
    headers: { "x-rqlite-served-by": null },
  },
  {
    send: "POST /boot",
    body: "this is not a database, and it is long enough",
    status: 400,
    type: text,
    answer: "invalid SQLite data\n",
    headers: { "x-rqlite-served-by": null },
  },
];
