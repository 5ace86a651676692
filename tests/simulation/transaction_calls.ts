import type { TransactionMode } from "../../src/cluster/transactions/transaction.ts";
import { CallFailed, type StatementAnswer, type TransactionCalls } from "./transaction_clients.ts";

/** Sends a body to a path of a node and resolves with the answer's; rejects with a CallFailed. */
export type Post<Node> = (node: Node, path: string, body: string) => Promise<string>;

/** Transactions over HTTP, which begin at one node and go on at whichever `next` names. */
export function httpCalls<Node>(
  post: Post<Node>,
  { home, next }: { readonly home: Node; readonly next: () => Node },
): TransactionCalls {
  const within = (what: string, tx: string) => `/db/${what}?tx=${tx}&timeout=3s`;
  return {
    begin: async (mode: TransactionMode) =>
      JSON.parse(await post(home, "/db/begin?timeout=3s", JSON.stringify({ mode }))).tx,
    run: async (tx, sql) => {
      const answer = await post(next(), within("request", tx), JSON.stringify(sql));
      return JSON.parse(answer).results as StatementAnswer[];
    },
    commit: async (tx) => void await post(next(), within("commit", tx), ""),
    rollback: async (tx) => void await post(next(), within("rollback", tx), ""),
    write: async (sql) => {
      const body = await post(next(), "/db/execute?timeout=3s", JSON.stringify([sql]));
      const [{ error }] = JSON.parse(body).results;
      if (error !== undefined) throw new CallFailed(error, false);
    },
  };
}
