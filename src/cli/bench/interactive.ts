import type { TransactionMode } from "../../cluster/transactions/transaction.ts";
import type { Endpoint } from "./endpoint.ts";
import type { HttpResponse } from "./http_connection.ts";
import { requestBytes } from "./request_bytes.ts";

/** Sends a request, and throws unless it succeeds. */
export type Send = (request: Uint8Array) => Promise<HttpResponse>;

/** What a client does at once, in several requests; measured as one. `nth` counts what all clients do. */
export type Work = (send: Send, nth: number) => Promise<void>;

/** Which tables it is done in, and how many rows, from 1 on, the one that is read has. */
interface Tables {
  readonly writeTable: string;
  readonly readTable: string;
  readonly readRows: number;
}

let lastKey = 0;

/**
 * A transaction of five statements, each in a request of its own: two rows read and changed, and a
 * row added. Transactions that run at once have rows of their own, at up to a quarter as many
 * clients as there are rows.
 */
export function transactionOfFive(
  endpoint: Endpoint,
  mode: TransactionMode,
  { writeTable, readTable, readRows }: Tables,
): Work {
  const post = (path: string, body?: unknown) =>
    requestBytes(endpoint, `POST ${path}`, body === undefined ? "" : JSON.stringify(body));
  const begin = post("/db/begin", { mode });
  return async (send, nth) => {
    const { tx } = JSON.parse((await send(begin)).body.toString());
    const rows = [nth * 2, nth * 2 + 1].map((row) => row % readRows + 1);
    // Not drawn by SQLite: two transactions would draw the same.
    const key = lastKey = Math.max(lastKey + 1, Date.now() * 1000);
    for (const row of rows) {
      await send(post(`/db/query?tx=${tx}`, [[`SELECT age FROM ${readTable} WHERE id = ?`, row]]));
      await send(
        post(`/db/execute?tx=${tx}`, [[`UPDATE ${readTable} SET age = age + 1 WHERE id = ?`, row]]),
      );
    }
    await send(
      post(`/db/execute?tx=${tx}`, [
        [`INSERT INTO ${writeTable}(id, name, age) VALUES(?, ?, ?)`, key, "fiona", 20],
      ]),
    );
    await send(post(`/db/commit?tx=${tx}`));
  };
}
