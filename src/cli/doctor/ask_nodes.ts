import { type ClockOffset, clockOffset } from "../../base/clock_offset.ts";
import { messageOf } from "../../base/message_of.ts";
import type { ClientAccess } from "../client_access.ts";
import { isObject } from "../shell/exact_json.ts";
import { exchangeFor } from "../shell/exchange_for.ts";
import type { HttpExchange } from "../shell/http_exchange.ts";
import { StatusTree } from "../../http/findings/status_tree.ts";
import { histogramQuantile, type NodeReport } from "./node_report.ts";

const timeoutMs = 5_000;
/** A node's answers are some kilobytes; beyond this it is none, in bytes. */
const answerBytesMax = 16 * 1024 * 1024;
/** The clock is asked for so often; what came back quickest says most. */
const clockRounds = 5;
/** More are no cluster. */
const nodesMax = 100;

/** Asks the node at `url` for all nodes, and each of them for what it says of itself. Throws an Error. */
export async function askNodes(url: URL, access: ClientAccess): Promise<NodeReport[]> {
  const caller = new Caller(url.protocol === "https:" ? "https" : "http", access);
  const listed = JSON.parse(await caller.text(new URL("/nodes?nonvoters&ver=2", url)));
  const nodes = isObject(listed) && Array.isArray(listed.nodes)
    ? listed.nodes.filter(isObject)
    : [];
  if (nodes.length === 0) throw new Error(`${url.origin} names no nodes: is it one?`);
  return await Promise.all(nodes.slice(0, nodesMax).map((node) => askNode(caller, node)));
}

async function askNode(
  caller: Caller,
  node: Readonly<Record<string, unknown>>,
): Promise<NodeReport> {
  // Of one that it cannot reach, a node knows the Raft address only.
  const { api_addr: url, addr, error } = node;
  const isReachable = typeof url === "string" && url !== "";
  const address = isReachable ? url : String(addr);
  const known = {
    id: String(node.id),
    address,
    voter: node.voter === true,
    leader: node.leader === true,
  };
  try {
    if (!isReachable) throw new Error(`the node that was asked does not reach it (${error ?? ""})`);
    const { status, clock } = await askStatus(caller, new URL("/status", address));
    const metrics = await caller.text(new URL("/metrics", address));
    const sync = histogramQuantile(metrics, {
      name: "raftlite_write_stage_duration_seconds",
      labels: 'stage="sync"',
      fraction: 0.99,
    });
    return { ...known, status, clock, syncP99Ms: sync === undefined ? undefined : sync * 1000 };
  } catch (error) {
    return { ...known, status: new StatusTree({}), failure: messageOf(error) };
  }
}

async function askStatus(caller: Caller, url: URL) {
  let clock: ClockOffset = { aheadMs: 0, errorMs: Infinity };
  let status = new StatusTree({});
  for (let round = 0; round < clockRounds; round++) {
    const began = performance.now();
    const text = await caller.text(url);
    const [ours, roundTripMs] = [Date.now(), performance.now() - began];
    status = new StatusTree(JSON.parse(text));
    const time = Date.parse(status.text("node.current_time") ?? "");
    if (Number.isNaN(time)) throw new Error(`${url} does not say what time it is: is it a node?`);
    const offset = clockOffset(time, ours, roundTripMs);
    if (offset.errorMs < clock.errorMs) clock = offset;
  }
  return { status, clock };
}

/** Gets texts from nodes. */
class Caller {
  readonly #exchange: HttpExchange;
  readonly #authorization: string | undefined;

  constructor(scheme: "http" | "https", { tls, authorization }: ClientAccess) {
    this.#exchange = exchangeFor(scheme, tls);
    this.#authorization = authorization;
  }

  /** Throws an Error that says why there is none. */
  async text(url: URL): Promise<string> {
    const headers = this.#authorization === undefined ? {} : { authorization: this.#authorization };
    const request = { method: "GET", url, headers, timeoutMs };
    const { status, body } = await this.#exchange.send(request, AbortSignal.timeout(2 * timeoutMs));
    const decoder = new TextDecoder();
    let text = "";
    for await (const piece of body) {
      text += decoder.decode(piece, { stream: true });
      if (text.length > answerBytesMax) throw new Error(`${url} answers with too much`);
    }
    if (status === 200) return text;
    if (status === 401) {
      throw new Error(`${url} asks for a user or token with the permission status (-user, -token)`);
    }
    throw new Error(`${url} answers with ${status} ${text.trim().slice(0, 200)}`);
  }
}
