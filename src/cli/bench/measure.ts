import { messageOf } from "../../base/message_of.ts";
import { HttpConnection, type HttpResponse } from "./http_connection.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Work } from "./interactive.ts";

/** Pause of a client after an error, so that a server that is down is not hammered. */
const pauseAfterErrorMs = 10;

export interface Load {
  /** Where the clients connect, in turn. */
  readonly endpoints: readonly Endpoint[];
  /** Whole requests for each endpoint, or what takes several, which a client does round and round. */
  readonly requests: readonly (readonly (Uint8Array | Work)[])[];
  /** Clients at once, each with one connection and one request under way. */
  readonly clients: number;
  /** Whether each request has a connection of its own, whose making counts as part of it. */
  readonly newConnections: boolean;
  readonly durationMs: number;
  /** How long answers may take after the time is up before they count as errors; 10 s by default. */
  readonly graceMs?: number;
}

export interface Outcome {
  readonly requestsPerSecond: number;
  /** Of the requests that succeeded, not sorted. */
  readonly latenciesMs: readonly number[];
  readonly errors: number;
  /** What went wrong first. */
  readonly firstError: string | undefined;
}

/** Puts a load on a server for a while and measures its answers. */
export async function measure(load: Load): Promise<Outcome> {
  const { graceMs = 10_000 } = load;
  const latenciesMs: number[] = [];
  const connections = new Set<HttpConnection>();
  let errors = 0;
  let firstError: string | undefined;
  const start = performance.now();
  const deadline = start + load.durationMs;
  let lastAnswer = start;
  let isOver = false;
  /** Counts what is done in several requests. */
  let works = 0;

  const fail = (reason: string) => {
    if (isOver) return;
    errors++;
    firstError ??= reason;
  };

  const runClient = async (client: number) => {
    const target = client % load.endpoints.length;
    const endpoint = load.endpoints[target];
    const requests = load.requests[target] ?? [];
    if (endpoint === undefined) return;
    let connection: HttpConnection | undefined;
    const disconnect = () => {
      if (connection === undefined) return;
      connection.close();
      connections.delete(connection);
      connection = undefined;
    };
    for (let i = client; performance.now() < deadline && !isOver; i++) {
      const work = requests[i % requests.length] ?? new Uint8Array();
      const sent = performance.now();
      try {
        if (connection === undefined) {
          connection = await HttpConnection.open(endpoint);
          connections.add(connection);
          if (isOver) break;
        }
        const opened = connection;
        const send = (request: Uint8Array) => succeed(opened, request);
        if (work instanceof Uint8Array) await send(work);
        else await work(send, works++);
        lastAnswer = performance.now();
        latenciesMs.push(lastAnswer - sent);
        if (load.newConnections) disconnect();
      } catch (error) {
        fail(messageOf(error));
        if (!(error instanceof Unsuccessful)) disconnect();
        if (!isOver) await pause(pauseAfterErrorMs);
      }
    }
  };

  let waiting = load.clients;
  const clients = Array.from({ length: load.clients }, async (_, client) => {
    await runClient(client);
    waiting--;
    if (isOver) { for (const connection of connections) connection.close(); }
  });
  const expiry = Promise.withResolvers<void>();
  const timer = setTimeout(expiry.resolve, load.durationMs + graceMs);
  await Promise.race([Promise.all(clients), expiry.promise]);
  clearTimeout(timer);
  for (let i = 0; i < waiting; i++) fail(`No answer within ${graceMs}ms after the end`);
  isOver = true;
  for (const connection of connections) connection.close();
  const elapsedMs = Math.max(lastAnswer - start, load.durationMs);
  return {
    requestsPerSecond: latenciesMs.length / elapsedMs * 1000,
    latenciesMs,
    errors,
    firstError,
  };
}

/** All rounds of all that is compared, the order reversed in every other round. */
export async function inRounds<T, R>(
  compared: readonly T[],
  rounds: number,
  measureOne: (one: T) => Promise<R>,
): Promise<Map<T, R[]>> {
  const measured = new Map(compared.map((one): [T, R[]] => [one, []]));
  for (let round = 0; round < rounds; round++) {
    for (const one of round % 2 === 0 ? compared : compared.toReversed()) {
      measured.get(one)?.push(await measureOne(one));
    }
  }
  return measured;
}

export class Unsuccessful extends Error {}

/** Sends a request; throws an {@linkcode Unsuccessful} when the server's answer is an error. */
export async function succeed(
  connection: HttpConnection,
  request: Uint8Array,
): Promise<HttpResponse> {
  const response = await connection.request(request);
  const { status, body } = response;
  if (status === 200 && !body.includes('"error"')) return response;
  throw new Unsuccessful(`${status} ${body.toString().slice(0, 200)}`);
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

/** The value that `fraction` of all values do not exceed (nearest rank); NaN without values. */
export function percentile(values: readonly number[], fraction: number): number {
  return sortedPercentile(values.toSorted((a, b) => a - b), fraction);
}

/** The same of values that are sorted already. */
export function sortedPercentile(sorted: ArrayLike<number>, fraction: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? NaN;
}

/** The middle value, or the mean of the middle two; NaN without values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2;
}
