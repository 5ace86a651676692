import { assert } from "../../../base/assert.ts";
import { messageOf } from "../../../base/message_of.ts";
import type { Endpoint } from "../endpoint.ts";
import { HttpConnection } from "../http_connection.ts";
import { succeed, Unsuccessful } from "../measure.ts";
import { Pace } from "./pace.ts";

/** Pause before a request that failed is sent again, to another node, in ms. */
const pauseBeforeAgainMs = 5;
/** How long one answer may take before the request is sent again, in ms. */
const answerMsMax = 10_000;

export interface RateLoad {
  readonly endpoints: readonly Endpoint[];
  /** Whole requests for each endpoint, one after the other. */
  readonly requests: readonly (readonly Uint8Array[])[];
  /** Requests under way at most: what is due beyond waits, and its wait counts. */
  readonly connections: number;
  readonly perSecond: number;
  readonly durationMs: number;
  /** How long a request may take from when it was due; 30 s by default. */
  readonly patienceMs?: number;
}

/** Requests that succeeded, as they came to their end, in two columns. */
export interface RateOutcome {
  /** When they should have been sent, in ms since the first. */
  readonly dueMs: readonly number[];
  /** How long after that they were answered, in ms. */
  readonly latenciesMs: readonly number[];
  /** How many times a request was sent again, as it had failed. */
  readonly again: number;
  /** Requests that were given up. */
  readonly errors: number;
  readonly firstError: string | undefined;
  /** From the first request to the last answer, in ms. */
  readonly elapsedMs: number;
}

/**
 * Sends requests at a fixed rate, whatever becomes of them, and counts from when each should have
 * been sent: a server that stands still for a second has kept all of that second's requests waiting,
 * not only those that were under way ("coordinated omission"). A request that fails is sent again
 * to the next node until it succeeds, all of which counts as its time.
 *
 * @param begun Called with the moment of the first request, in ms of performance.now().
 */
export async function sendAtRate(
  load: RateLoad,
  begun: (start: number) => void = () => {},
): Promise<RateOutcome> {
  const { endpoints, perSecond, durationMs, patienceMs = 30_000 } = load;
  const count = Math.max(1, Math.floor(perSecond * durationMs / 1000));
  const clients = Array.from({ length: load.connections }, (_, i) => new Client(endpoints, i));
  // Who connects is not measured, as long as nothing fails; who cannot now tries it again.
  await Promise.all(clients.map((client) => client.open().catch(() => {})));
  using pace = await Pace.start(perSecond, count);
  begun(pace.start);
  const dueMs: number[] = [];
  const latenciesMs: number[] = [];
  let again = 0;
  let errors = 0;
  let firstError: string | undefined;
  let lastAnswer = pace.start;
  const sweep = setInterval(() => clients.forEach((client) => client.endOverdue()), 500);

  const send = async (client: Client, request: number) => {
    const due = pace.dueAt(request);
    for (;;) {
      try {
        // Also one that has never been sent: else a server that hangs is waited for once a request.
        if (performance.now() - due > patienceMs) throw new Error(`Not sent in ${patienceMs} ms`);
        await client.send(load.requests, request);
        lastAnswer = performance.now();
        dueMs.push(due - pace.start);
        latenciesMs.push(lastAnswer - due);
        return;
      } catch (error) {
        firstError ??= messageOf(error);
        client.turn(error);
        if (performance.now() - due > patienceMs) {
          errors++;
          return;
        }
        again++;
        await new Promise((resolve) => setTimeout(resolve, pauseBeforeAgainMs));
      }
    }
  };

  await Promise.all(clients.map(async (client) => {
    for (let next = await pace.next(); next !== undefined; next = await pace.next()) {
      await send(client, next);
    }
    client.close();
  }));
  clearInterval(sweep);
  const elapsedMs = Math.max(lastAnswer - pace.start, durationMs);
  return { dueMs, latenciesMs, again, errors, firstError, elapsedMs };
}

/** One connection at a time, to a node that changes when one fails. */
class Client {
  readonly #endpoints: readonly Endpoint[];
  #at: number;
  #connection: HttpConnection | undefined;
  #sentAt: number | undefined;

  constructor(endpoints: readonly Endpoint[], at: number) {
    this.#endpoints = endpoints;
    this.#at = at;
  }

  async open(): Promise<HttpConnection> {
    const endpoint = this.#endpoints[this.#at % this.#endpoints.length];
    assert(endpoint !== undefined, "There is no node to connect to");
    return this.#connection ??= await HttpConnection.open(endpoint);
  }

  async send(requests: RateLoad["requests"], nth: number): Promise<void> {
    const own = requests[this.#at % this.#endpoints.length] ?? [];
    const bytes = own[nth % own.length];
    assert(bytes !== undefined, "There is nothing to send");
    this.#sentAt = performance.now();
    try {
      await succeed(await this.open(), bytes);
    } finally {
      this.#sentAt = undefined;
    }
  }

  /** Goes on to the next node, after a failure of this one. */
  turn(error: unknown): void {
    if (!(error instanceof Unsuccessful)) this.close();
    if (this.#endpoints.length === 1) return;
    this.close();
    this.#at++;
  }

  /** Ends a connection that has kept its answer for too long: what waits for it then fails. */
  endOverdue(): void {
    if (this.#sentAt !== undefined && performance.now() - this.#sentAt > answerMsMax) this.close();
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}
