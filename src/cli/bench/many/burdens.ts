import { openStream, writeAll } from "../byte_stream.ts";
import type { Endpoint } from "../endpoint.ts";
import { HttpConnection } from "../http_connection.ts";
import { succeed } from "../measure.ts";
import { requestBytes } from "../request_bytes.ts";
import { readTable, writeTable } from "../scenarios.ts";

/** How much each burden is. */
export interface Sizes {
  readonly connections: number;
  readonly busyConnections: number;
  readonly rows: number;
  readonly slowClients: number;
  /** Each of them reads so many. */
  readonly slowRows: number;
  readonly statementRows: number;
}

export const fullSizes: Sizes = {
  connections: 10_000,
  busyConnections: 100,
  rows: 1_000_000,
  slowClients: 200,
  // No more: there are servers that make all of an answer before any of it is taken.
  slowRows: 100_000,
  statementRows: 10_000,
};

/** What a burden is carried for. */
export interface Carrying {
  readonly endpoint: Endpoint;
  readonly sizes: Sizes;
  /** To be called once all of it weighs. */
  readonly begun: () => void;
  /** Aborted when it is to end. */
  readonly signal: AbortSignal;
}

/** Something that a server bears beside ordinary requests. */
export interface Burden {
  readonly name: string;
  describe(sizes: Sizes): string;
  /** Resolves with how often it was done, soon after the signal; rejects when it cannot be done. */
  carry(carrying: Carrying): Promise<number>;
}

/** Connections that are opened at the same time: a server's queue of them is short. */
const openedAtOnce = 50;
/** A slow client takes so many bytes, so often. */
const slowBytes = 4096;
const slowEveryMs = 100;

export const burdens: readonly Burden[] = [
  { name: "nothing", describe: () => "nothing", carry: nothing },
  {
    name: "connections",
    describe: ({ connections, busyConnections }) =>
      `${connections} kept connections, ${busyConnections} of them busy reading a row`,
    carry: keepConnections,
  },
  {
    name: "rows",
    describe: ({ rows }) => `${rows} rows read, again and again`,
    carry: readRows,
  },
  {
    name: "slow-clients",
    describe: ({ slowClients, slowRows }) =>
      `${slowClients} clients that read ${slowRows} rows at 40 kB a second`,
    carry: readSlowly,
  },
  {
    name: "statement",
    describe: ({ statementRows }) =>
      `a statement that inserts ${statementRows} rows, again and again`,
    carry: insertMany,
  },
];

async function nothing({ begun, signal }: Carrying): Promise<number> {
  begun();
  await aborted(signal);
  return 0;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

async function keepConnections(
  { endpoint, sizes: { connections, busyConnections }, begun, signal }: Carrying,
): Promise<number> {
  const request = query(endpoint, `SELECT * FROM ${readTable} WHERE id = 7`);
  const open: HttpConnection[] = [];
  let done = 0;
  try {
    let left = connections;
    await Promise.all(Array.from({ length: Math.min(openedAtOnce, connections) }, async () => {
      while (left-- > 0 && !signal.aborted) {
        const connection = await HttpConnection.open(endpoint);
        open.push(connection);
        await succeed(connection, request);
      }
    }));
    begun();
    await Promise.all(
      open.slice(0, busyConnections).map(async (connection) => {
        while (!signal.aborted) {
          await succeed(connection, request);
          done++;
        }
      }),
    );
    return done;
  } finally {
    for (const connection of open) connection.close();
  }
}

async function readRows({ endpoint, sizes: { rows }, begun, signal }: Carrying): Promise<number> {
  let done = 0;
  while (!signal.aborted) {
    await drain(endpoint, rows, { bytes: 256 * 1024, everyMs: 0, begun, signal });
    if (!signal.aborted) done++;
  }
  return done;
}

async function readSlowly(
  { endpoint, sizes: { slowRows, slowClients }, begun, signal }: Carrying,
): Promise<number> {
  let waiting = slowClients;
  const oneBegun = () => {
    if (--waiting === 0) begun();
  };
  await Promise.all(Array.from({ length: slowClients }, async () => {
    const pace = { bytes: slowBytes, everyMs: slowEveryMs };
    await drain(endpoint, slowRows, { ...pace, begun: oneBegun, signal });
  }));
  return slowClients - waiting;
}

interface Drain {
  /** Taken at a time. */
  readonly bytes: number;
  /** Between two of those. */
  readonly everyMs: number;
  /** Called when the first of it is there. */
  readonly begun: () => void;
  readonly signal: AbortSignal;
}

/** Reads that many rows to their end, or until the signal. */
async function drain(
  endpoint: Endpoint,
  rows: number,
  { bytes, everyMs, begun, signal }: Drain,
): Promise<void> {
  const sql = "WITH RECURSIVE r(n) AS (VALUES(1) UNION ALL SELECT n + 1 FROM r " +
    `WHERE n < ${rows}) SELECT n, 'name ' || n FROM r`;
  const stream = await openStream(endpoint);
  const close = () => stream.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    await writeAll(stream, query(endpoint, sql, ["Connection: close"]));
    const buffer = new Uint8Array(bytes);
    const first = await stream.read(buffer) ?? 0;
    const head = new TextDecoder("latin1").decode(buffer.subarray(0, Math.min(first, 64)));
    if (!head.startsWith("HTTP/1.1 200")) throw new Error(`Rows: ${head.split("\r\n")[0]}`);
    begun();
    while (await stream.read(buffer) !== null) {
      if (everyMs > 0) await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", close);
    if (!signal.aborted) stream.close();
  }
}

async function insertMany(
  { endpoint, sizes: { statementRows }, begun, signal }: Carrying,
): Promise<number> {
  const rows = Array.from({ length: statementRows }, (_, i) => `('name ${i}', ${i % 90})`).join();
  const body = JSON.stringify([`INSERT INTO ${writeTable}(name, age) VALUES ${rows}`]);
  const request = requestBytes(endpoint, "POST /db/execute", body);
  const connection = await HttpConnection.open(endpoint);
  let done = 0;
  try {
    while (!signal.aborted) {
      await succeed(connection, request);
      done++;
      begun();
    }
    return done;
  } finally {
    connection.close();
  }
}

function query(endpoint: Endpoint, sql: string, headers: readonly string[] = []): Uint8Array {
  const path = `/db/query?level=none&q=${encodeURIComponent(sql)}`;
  return requestBytes(endpoint, `GET ${path}`, undefined, headers);
}
