import { transactionModes } from "../../cluster/transactions/transaction.ts";
import { requestBytes } from "./request_bytes.ts";
import type { Endpoint } from "./endpoint.ts";
import { transactionOfFive, type Work } from "./interactive.ts";

/** Tables that a benchmark makes, and drops at its end. */
export const writeTable = "raftlite_bench_writes";
export const readTable = "raftlite_bench_reads";
/** One that only makes the database large. */
export const fillerTable = "raftlite_bench_filler";

/** Rows of the table that is read. */
export const readRows = 1000;

/** Different rows that point reads ask for. */
const pointReads = 100;

export interface Scenario {
  readonly name: string;
  readonly description: string;
  /** Whole HTTP requests to a server, or what is done in several, round and round. */
  requests(endpoint: Endpoint): (Uint8Array | Work)[];
  /** Only measured when it is asked for: not every server of this API can do it. */
  readonly onlyIfAsked?: true;
}

/** Those of its requests that are one each. */
export function wholeRequests(scenario: Scenario, endpoint: Endpoint): Uint8Array[] {
  return scenario.requests(endpoint).filter((request) => request instanceof Uint8Array);
}

const insert = [`INSERT INTO ${writeTable}(name, age) VALUES(?, ?)`, "fiona", 20];
const levels = ["none", "weak", "linearizable", "strong"];

/** What is measured, in this order. */
export const scenarios: readonly Scenario[] = [
  {
    name: "insert",
    description: "One row a request",
    requests: (endpoint) => [post(endpoint, "/db/execute", [insert])],
  },
  {
    name: "transaction",
    description: "100 rows a request, in one transaction",
    requests: (endpoint) => [post(endpoint, "/db/execute?transaction", Array(100).fill(insert))],
  },
  ...levels.map((level): Scenario => ({
    name: `read-${level}`,
    description: `One row by its key at level ${level}`,
    requests: (endpoint) =>
      Array.from({ length: pointReads }, (_, i) => {
        const id = 1 + i * 7 % readRows;
        return query(endpoint, `level=${level}`, `SELECT * FROM ${readTable} WHERE id = ${id}`);
      }),
  })),
  {
    name: "read-1000-rows",
    description: `${readRows} rows at level weak`,
    requests: (endpoint) => [query(endpoint, "level=weak", `SELECT * FROM ${readTable}`)],
  },
  {
    name: "queued",
    description: "One row a request through the write queue, which answers before it is written",
    requests: (endpoint) => [post(endpoint, "/db/execute?queue", [insert])],
  },
  ...transactionModes.filter((mode) => mode !== "read").map((mode): Scenario => ({
    name: `tx-${mode}`,
    description: `A transaction of 7 requests: begin ${mode}, 5 statements, commit (if asked for)`,
    requests: (
      endpoint,
    ) => [transactionOfFive(endpoint, mode, { writeTable, readTable, readRows })],
    onlyIfAsked: true,
  })),
];

function post(endpoint: Endpoint, path: string, statements: unknown): Uint8Array {
  return requestBytes(endpoint, `POST ${path}`, JSON.stringify(statements));
}

function query(endpoint: Endpoint, parameters: string, sql: string): Uint8Array {
  return requestBytes(endpoint, `GET /db/query?${parameters}&q=${encodeURIComponent(sql)}`);
}
