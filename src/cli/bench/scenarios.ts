import { type Address, formatAddress } from "../../io/address.ts";

/** Tables that a benchmark makes, and drops at its end. */
export const writeTable = "raftlite_bench_writes";
export const readTable = "raftlite_bench_reads";

/** Rows of the table that is read. */
export const readRows = 1000;

/** Different rows that point reads ask for. */
const pointReads = 100;

export interface Scenario {
  readonly name: string;
  readonly description: string;
  /** Whole HTTP requests to a server, sent round and round. */
  requests(address: Address): Uint8Array[];
}

const insert = [`INSERT INTO ${writeTable}(name, age) VALUES(?, ?)`, "fiona", 20];
const levels = ["none", "weak", "linearizable", "strong"];

/** What is measured, in this order. */
export const scenarios: readonly Scenario[] = [
  {
    name: "insert",
    description: "One row a request",
    requests: (address) => [post(address, "/db/execute", [insert])],
  },
  {
    name: "transaction",
    description: "100 rows a request, in one transaction",
    requests: (address) => [post(address, "/db/execute?transaction", Array(100).fill(insert))],
  },
  ...levels.map((level): Scenario => ({
    name: `read-${level}`,
    description: `One row by its key at level ${level}`,
    requests: (address) =>
      Array.from({ length: pointReads }, (_, i) => {
        const id = 1 + i * 7 % readRows;
        return query(address, `level=${level}`, `SELECT * FROM ${readTable} WHERE id = ${id}`);
      }),
  })),
  {
    name: "read-1000-rows",
    description: `${readRows} rows at level weak`,
    requests: (address) => [query(address, "level=weak", `SELECT * FROM ${readTable}`)],
  },
  {
    name: "queued",
    description: "One row a request through the write queue, which answers before it is written",
    requests: (address) => [post(address, "/db/execute?queue", [insert])],
  },
];

function post(address: Address, path: string, statements: unknown): Uint8Array {
  const body = JSON.stringify(statements);
  return request(address, `POST ${path}`, {
    headers: [
      "Content-Type: application/json",
      `Content-Length: ${new TextEncoder().encode(body).length}`,
    ],
    body,
  });
}

function query(address: Address, parameters: string, sql: string): Uint8Array {
  const path = `/db/query?${parameters}&q=${encodeURIComponent(sql)}`;
  return request(address, `GET ${path}`, { headers: [], body: "" });
}

function request(
  address: Address,
  methodAndPath: string,
  { headers, body }: { readonly headers: readonly string[]; readonly body: string },
): Uint8Array {
  const head = [`${methodAndPath} HTTP/1.1`, `Host: ${formatAddress(address)}`, ...headers];
  return new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${body}`);
}
