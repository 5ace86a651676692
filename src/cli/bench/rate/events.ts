import { messageOf } from "../../../base/message_of.ts";
import { DurationError, parseDuration } from "../../../base/duration.ts";
import { FlagError } from "../../flag_error.ts";
import { openStream, writeAll } from "../byte_stream.ts";
import type { Endpoint } from "../endpoint.ts";
import { leaderOf } from "../leader.ts";
import { requestBytes } from "../request_bytes.ts";
import { fillerTable, readTable } from "../scenarios.ts";
import { StartedCluster, type StartedNode } from "../started_cluster.ts";
import { call, type Target } from "../target.ts";

/** How long a killed node is away before it is started again, in ms. */
const awayMs = 3_000;

/** How long a snapshot, a VACUUM, and the reading of a whole table may take, in ms. */
const longMsMax = 1_800_000;

export const eventNames = [
  "snapshot",
  "backup",
  "join",
  "transfer",
  "kill",
  "restart",
  "count",
  "vacuum",
] as const;

export type EventName = (typeof eventNames)[number];

/** Something that is to happen to a system while it is measured. */
export interface PlannedEvent {
  readonly name: EventName;
  /** From the first request, in ms. */
  readonly atMs: number;
}

/** How it went. */
export interface PastEvent {
  readonly name: EventName;
  readonly atMs: number;
  readonly endMs: number;
  readonly error: string | undefined;
}

/** Reads `name[@time],…`; what has no time is spread over the measurement. Throws a FlagError. */
export function parseEvents(text: string, durationMs: number): PlannedEvent[] {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  if (parts.length > 32) throw new FlagError(2, "Flag -events takes at most 32 events");
  return parts.map((part, i) => {
    const [word = "", time] = part.split("@");
    const name = eventNames.find((known) => known === word);
    if (name === undefined) {
      throw new FlagError(2, `Unknown event ${word}: there are ${eventNames.join(", ")}`);
    }
    const atMs = time === undefined ? durationMs * (i + 1) / (parts.length + 1) : timeOf(time);
    if (atMs < durationMs) return { name, atMs };
    throw new FlagError(2, `Event ${part} is behind the end of the measurement`);
  }).sort((a, b) => a.atMs - b.atMs);
}

function timeOf(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new FlagError(2, `Invalid time of an event: ${error.message}`);
  }
}

/** Whether it can be done to a system that was there before. */
export function needsStarted(name: EventName): boolean {
  return name === "join" || name === "kill" || name === "restart";
}

/** Has the events happen one after the other, each no sooner than planned. */
export async function runEvents(
  target: Target,
  planned: readonly PlannedEvent[],
  start: number,
): Promise<PastEvent[]> {
  const past: PastEvent[] = [];
  for (const { name, atMs } of planned) {
    const waitMs = start + atMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const begun = performance.now() - start;
    const error = await happen(target, name).then(() => undefined, messageOf);
    past.push({ name, atMs: begun, endMs: performance.now() - start, error });
  }
  return past;
}

async function happen(target: Target, name: EventName): Promise<void> {
  const leader = await leaderOf(target);
  switch (name) {
    case "snapshot":
      await call(leader, "POST /snapshot", { json: "", timeoutMs: longMsMax });
      return;
    case "backup":
      return await backUp(leader);
    case "transfer":
      await call(leader, "POST /leader?wait", { json: "" });
      return;
    case "count":
      await count(leader);
      return;
    case "vacuum":
      await call(leader, "POST /db/execute", { json: '["VACUUM"]', timeoutMs: longMsMax });
      return;
    case "join":
      await startedOf(target).add();
      return;
    case "kill": {
      const cluster = startedOf(target);
      const node = nodeAt(cluster, leader);
      await cluster.kill(node);
      await new Promise((resolve) => setTimeout(resolve, awayMs));
      return await cluster.run(node);
    }
    case "restart": {
      const cluster = startedOf(target);
      const node = nodeAt(cluster, leader);
      await cluster.stop(node);
      return await cluster.run(node);
    }
  }
}

/** Reads the whole of the largest table, as a count of its rows does. */
async function count(endpoint: Endpoint): Promise<void> {
  const tables = JSON.parse(
    await call(endpoint, `GET /db/query?q=${encodeURIComponent(fillerSql)}`),
  );
  const hasFiller = tables.results[0].values !== undefined;
  const sql = `SELECT count(*) FROM ${hasFiller ? fillerTable : readTable}`;
  await call(endpoint, `GET /db/query?q=${encodeURIComponent(sql)}`, { timeoutMs: longMsMax });
}

const fillerSql = `SELECT 1 FROM sqlite_schema WHERE name = '${fillerTable}'`;

function nodeAt({ nodes }: StartedCluster, at: Endpoint): StartedNode {
  const node = nodes.find(({ endpoint }) => endpoint === at);
  if (node === undefined) throw new Error("The leader is none of the nodes that were started");
  return node;
}

function startedOf(target: Target): StartedCluster {
  if (target instanceof StartedCluster) return target;
  throw new Error("This needs nodes that -start has started");
}

/** Takes the members that joined in a measurement out again, and waits for that. */
export async function dropJoined(cluster: StartedCluster, size: number): Promise<void> {
  for (const node of cluster.nodes.slice(size)) {
    await call(await leaderOf(cluster), "DELETE /remove", {
      json: JSON.stringify({ id: node.id }),
      timeoutMs: longMsMax,
    });
    await cluster.drop(node);
  }
}

/** Reads a backup to its end and keeps nothing of it. */
async function backUp(endpoint: Endpoint): Promise<void> {
  const stream = await openStream(endpoint);
  try {
    const request = requestBytes(endpoint, "GET /db/backup", undefined, ["Connection: close"]);
    await writeAll(stream, request);
    const buffer = new Uint8Array(256 * 1024);
    let head = "";
    for (let count = await stream.read(buffer); count !== null; count = await stream.read(buffer)) {
      if (head.length < 12) head += new TextDecoder("latin1").decode(buffer.subarray(0, count));
    }
    if (!/^HTTP\/1\.1 200/.test(head)) throw new Error(`Backup: ${head.split("\r\n")[0]}`);
  } finally {
    stream.close();
  }
}
