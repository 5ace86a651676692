import { messageOf } from "../../base/message_of.ts";
import { AddressError, parseAddress } from "../../io/address.ts";
import type { ClientAccess } from "../client_access.ts";
import { FlagError } from "../flag_error.ts";
import type { Endpoint } from "./endpoint.ts";
import { HttpConnection } from "./http_connection.ts";
import { requestBytes } from "./request_bytes.ts";
import { readRows, readTable, writeTable } from "./scenarios.ts";

/** A system to be measured: one server, or the nodes of a cluster. */
export interface Target {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
}

const requestTimeoutMs = 10_000;

/** Reads `name=url[,url…]`; throws a FlagError. */
export function parseTarget(text: string, { authorization, tls }: ClientAccess): Target {
  const match = /^([^=/]+)=(.+)$/.exec(text);
  const [, name = "", urls = ""] = match ?? [];
  if (match === null) {
    throw new FlagError(2, `Invalid target ${text}: write it as name=http://host:port[,…]`);
  }
  const endpoints = urls.split(",").map((url) => {
    const [, scheme = "http", rest = ""] = /^(?:(https?):\/\/)?(.*?)\/*$/i.exec(url.trim()) ?? [];
    try {
      return {
        address: parseAddress(rest),
        tls: scheme.toLowerCase() === "https" ? tls : undefined,
        authorization,
      };
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      throw new FlagError(2, `Invalid target ${text}: ${error.message}`);
    }
  });
  return { name, endpoints };
}

/** The targets of a plan, and how long each may take to get ready; 30 s by default. */
interface Prepared {
  readonly targets: readonly Target[];
  readonly readyTimeoutMs?: number;
}

/** Makes the tables on all targets, takes measurements, and drops the tables again. */
export async function withTables(
  { targets, readyTimeoutMs = 30_000 }: Prepared,
  progress: (line: string) => void,
  measureAll: () => Promise<void>,
): Promise<void> {
  try {
    for (const target of targets) await prepare(target, readyTimeoutMs);
    await measureAll();
  } finally {
    for (const target of targets) {
      await cleanUp(target).catch((error) =>
        progress(`${target.name}: tables not dropped: ${error}`)
      );
    }
  }
}

/** Makes the tables, and waits until every node can read them; throws when that takes too long. */
async function prepare(target: Target, readyTimeoutMs: number): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  const rows = Array.from(
    { length: readRows },
    (
      _,
      i,
    ) => [`INSERT INTO ${readTable}(id, name, age) VALUES(?, ?, ?)`, i + 1, `name ${i}`, i % 90],
  );
  await retry(target, deadline, async (endpoint) => {
    await execute(endpoint, [
      `DROP TABLE IF EXISTS ${writeTable}`,
      `DROP TABLE IF EXISTS ${readTable}`,
      `CREATE TABLE ${writeTable}(id INTEGER PRIMARY KEY, name TEXT, age INTEGER)`,
      `CREATE TABLE ${readTable}(id INTEGER PRIMARY KEY, name TEXT, age INTEGER)`,
      ...rows,
    ]);
  });
  for (const endpoint of target.endpoints) {
    await retry({ ...target, endpoints: [endpoint] }, deadline, async () => {
      const sql = encodeURIComponent(`SELECT count(*) FROM ${readTable}`);
      const answer = await call(endpoint, `GET /db/query?level=none&q=${sql}`);
      if (!answer.includes(`[[${readRows}]]`)) throw new Error(`Not there yet: ${answer}`);
    });
  }
}

/** Drops the tables again. */
async function cleanUp(target: Target): Promise<void> {
  const [endpoint] = target.endpoints;
  if (endpoint === undefined) return;
  await execute(endpoint, [
    `DROP TABLE IF EXISTS ${writeTable}`,
    `DROP TABLE IF EXISTS ${readTable}`,
  ]);
}

/** Calls `attempt` until it succeeds, with one endpoint after the other; throws its last error. */
async function retry(
  target: Target,
  deadline: number,
  attempt: (endpoint: Endpoint) => Promise<void>,
): Promise<void> {
  for (let i = 0;; i++) {
    const endpoint = target.endpoints[i % target.endpoints.length];
    if (endpoint === undefined) return;
    try {
      return await attempt(endpoint);
    } catch (error) {
      if (isFinal(error) || performance.now() > deadline) {
        throw new FlagError(1, `Target ${target.name} is not ready: ${messageOf(error)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Whether it is no use to try again: a server that refuses this client, or that it refuses. */
export function isFinal(error: unknown): boolean {
  return error instanceof Refused || error instanceof Deno.errors.InvalidData;
}

class Refused extends Error {
  override name = "Refused";
}

async function execute(endpoint: Endpoint, statements: readonly unknown[]): Promise<void> {
  await call(endpoint, "POST /db/execute?transaction", { json: JSON.stringify(statements) });
}

export interface CallOptions {
  readonly json?: string;
  /** How long the answer may take; 10 s by default. */
  readonly timeoutMs?: number;
}

/** Sends one request and resolves with the answer's body; throws unless the server says that it succeeded. */
export async function call(
  endpoint: Endpoint,
  methodAndPath: string,
  { json, timeoutMs = requestTimeoutMs }: CallOptions = {},
): Promise<string> {
  const connection = await open(endpoint);
  const timer = setTimeout(() => connection.close(), timeoutMs);
  try {
    const { status, body } = await connection.request(requestBytes(endpoint, methodAndPath, json));
    const text = body.toString();
    if (status === 401 || status === 403) {
      throw new Refused(`${status}: -user or -token must name one who may query and execute`);
    }
    if ((status !== 200 && status !== 204) || text.includes('"error"')) {
      throw new Error(`${status} ${text}`);
    }
    return text;
  } finally {
    clearTimeout(timer);
    connection.close();
  }
}

/** Connects; rejects when that takes too long, as with a server that says nothing in its handshake. */
async function open(endpoint: Endpoint): Promise<HttpConnection> {
  const opening = HttpConnection.open(endpoint);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Error(`No connection within ${requestTimeoutMs}ms`));
    opening.then((connection) => connection.close(), () => {});
  }, requestTimeoutMs);
  try {
    return await Promise.race([opening, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
