import { messageOf } from "../../base/message_of.ts";
import { AddressError, formatAddress, parseAddress } from "../../io/address.ts";
import type { Address } from "../../io/address.ts";
import { FlagError } from "../flag_error.ts";
import { readRows, readTable, writeTable } from "./scenarios.ts";

/** A system to be measured: one server, or the nodes of a cluster. */
export interface Target {
  readonly name: string;
  readonly addresses: readonly Address[];
}

const requestTimeoutMs = 10_000;

/** Reads `name=url[,url…]`; throws a FlagError. */
export function parseTarget(text: string): Target {
  const match = /^([^=/]+)=(.+)$/.exec(text);
  const [, name = "", urls = ""] = match ?? [];
  if (match === null) {
    throw new FlagError(2, `Invalid target ${text}: write it as name=http://host:port[,…]`);
  }
  const addresses = urls.split(",").map((url) => {
    if (/^https:/i.test(url)) throw new FlagError(2, `Target ${url}: https is not supported`);
    try {
      return parseAddress(url.trim().replace(/^http:\/\//i, "").replace(/\/+$/, ""));
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      throw new FlagError(2, `Invalid target ${text}: ${error.message}`);
    }
  });
  return { name, addresses };
}

/** Makes the tables, and waits until every node can read them; throws when that takes too long. */
export async function prepare(target: Target, readyTimeoutMs: number): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  const rows = Array.from(
    { length: readRows },
    (
      _,
      i,
    ) => [`INSERT INTO ${readTable}(id, name, age) VALUES(?, ?, ?)`, i + 1, `name ${i}`, i % 90],
  );
  await retry(target, deadline, async (address) => {
    await execute(address, [
      `DROP TABLE IF EXISTS ${writeTable}`,
      `DROP TABLE IF EXISTS ${readTable}`,
      `CREATE TABLE ${writeTable}(id INTEGER PRIMARY KEY, name TEXT, age INTEGER)`,
      `CREATE TABLE ${readTable}(id INTEGER PRIMARY KEY, name TEXT, age INTEGER)`,
      ...rows,
    ]);
  });
  for (const address of target.addresses) {
    await retry({ ...target, addresses: [address] }, deadline, async () => {
      const sql = encodeURIComponent(`SELECT count(*) FROM ${readTable}`);
      const answer = await call(address, `/db/query?level=none&q=${sql}`);
      if (!answer.includes(`[[${readRows}]]`)) throw new Error(`Not there yet: ${answer}`);
    });
  }
}

/** Drops the tables again. */
export async function cleanUp(target: Target): Promise<void> {
  const [address] = target.addresses;
  if (address === undefined) return;
  await execute(address, [
    `DROP TABLE IF EXISTS ${writeTable}`,
    `DROP TABLE IF EXISTS ${readTable}`,
  ]);
}

/** Calls `attempt` until it succeeds, with one address after the other; throws its last error. */
async function retry(
  target: Target,
  deadline: number,
  attempt: (address: Address) => Promise<void>,
): Promise<void> {
  for (let i = 0;; i++) {
    const address = target.addresses[i % target.addresses.length];
    if (address === undefined) return;
    try {
      return await attempt(address);
    } catch (error) {
      if (performance.now() > deadline) {
        throw new FlagError(1, `Target ${target.name} is not ready: ${messageOf(error)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function execute(address: Address, statements: readonly unknown[]): Promise<void> {
  await call(address, "/db/execute?transaction", JSON.stringify(statements));
}

async function call(address: Address, path: string, body?: string): Promise<string> {
  const response = await fetch(`http://${formatAddress(address)}${path}`, {
    signal: AbortSignal.timeout(requestTimeoutMs),
    ...(body === undefined ? {} : {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    }),
  });
  const text = await response.text();
  if (!response.ok || text.includes('"error"')) throw new Error(`${response.status} ${text}`);
  return text;
}
