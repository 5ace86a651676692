import { Deadline } from "./deadline.ts";
import {
  Conflict,
  type RaftliteError,
  Refused,
  TransactionOver,
  Unavailable,
  UnknownOutcome,
} from "./errors.ts";
import { type Answer, type Call, type Exchange, Lost } from "./exchange.ts";
import type { Nodes } from "./nodes.ts";

/** How long the cluster is left alone when none of its nodes could do it: at first, and at most, in ms. */
const pauses = { firstMs: 25, mostMs: 400 };
const learnTimeoutMs = 2_000;
/** How old may be what is known of the cluster's nodes, in ms. */
const learnedForMs = 60_000;

/** Errors that come with a time that may pass, and say that nothing was done. */
const passing: ReadonlySet<string | undefined> = new Set([
  "no_leader",
  "overloaded",
  "unavailable",
  "behind",
  "stale",
]);

/** What became of a request at one node. */
type Fate =
  /** It is answered, if only by a refusal. */
  | "settled"
  /** Nothing was done, and may be elsewhere or later. */
  | "nothing"
  /** It may have been done. */
  | "unknown";

export interface SettledAnswer {
  readonly answer: Answer;
  readonly node: string;
}

/** Sends requests to whichever node is there, until one has settled them or the time is over. */
export class Failover {
  readonly #nodes: Nodes;
  readonly #exchange: Exchange;
  readonly #discover: boolean;
  readonly #closing = new AbortController();
  #learning: Promise<void> | undefined;
  #learnedAt = -Infinity;

  constructor(
    parts: { readonly nodes: Nodes; readonly exchange: Exchange; readonly discover: boolean },
  ) {
    this.#nodes = parts.nodes;
    this.#exchange = parts.exchange;
    this.#discover = parts.discover;
  }

  /**
   * The answer that settles a read, or a write that has a key. Throws Unavailable, UnknownOutcome,
   * or the reason of the deadline's signal.
   */
  async send(call: Call, deadline: Deadline): Promise<Answer> {
    return (await this.sendTo(call, deadline)).answer;
  }

  /** The same, with the node that answered. */
  async sendTo(call: Call, deadline: Deadline): Promise<SettledAnswer> {
    const { key } = call;
    this.#learnInTime();
    let doubt: string | undefined;
    let last = "";
    try {
      for (let failures = 1;; failures++) {
        const node = this.#nodes.current;
        // Until it is known: whatever ends this, it may have been done.
        const before = doubt;
        doubt = `${node} did not answer`;
        const { fate, answer, reason } = await this.#attempt(node, call, deadline);
        if (fate === "settled" && answer !== undefined) {
          if (before !== undefined && key !== undefined && isHalfTold(answer, call)) {
            doubt = before;
            throw refusal(answer);
          }
          return { answer, node };
        }
        last = `${node}: ${reason}`;
        doubt = fate === "unknown" ? last : before;
        this.#nodes.failed(node);
        const count = this.#nodes.all.length;
        if (!deadline.isOver && failures % count === 0) {
          await this.relearn();
          await deadline.backOff(failures / count, pauses);
        }
        // One that begins now would be cut off, and what became of it not be known.
        if (deadline.isOver) break;
      }
    } catch (error) {
      if (key === undefined || doubt === undefined) throw error;
      throw new UnknownOutcome(`Outcome unknown: given up while ${doubt}`, key, { cause: error });
    }
    if (key !== undefined && doubt !== undefined) {
      throw new UnknownOutcome(`Outcome unknown: no node has told it in time: ${doubt}`, key);
    }
    throw new Unavailable(`No node could do it in time: ${last}`);
  }

  async #attempt(
    node: string,
    call: Call,
    deadline: Deadline,
  ): Promise<{ readonly fate: Fate; readonly answer?: Answer; readonly reason: string }> {
    const timeout = `${deadline.attemptMs}ms`;
    const { parameters } = call;
    const asked: Call = {
      ...call,
      parameters: {
        ...parameters,
        timeout,
        linearizable_timeout: parameters?.["level"] === "linearizable" ? timeout : undefined,
      },
    };
    try {
      const answer = await this.#exchange.send(node, asked, deadline);
      const reason = `${answer.status} ${answer.text.trim().slice(0, 300)}`;
      return { fate: fateOf(answer, call), answer, reason };
    } catch (error) {
      if (!(error instanceof Lost)) throw error;
      return { fate: error.sent ? "unknown" : "nothing", reason: error.message };
    }
  }

  /** The URLs of the cluster's nodes, asked for now. */
  async learn(deadline: Deadline): Promise<readonly string[]> {
    this.#learnedAt = performance.now();
    const answer = await this.send(nodesCall, deadline);
    if (answer.status !== 200) throw refusal(answer);
    this.#nodes.learn(urlsIn(answer.text));
    return this.#nodes.all;
  }

  /** Ends what goes on beside the requests. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#learning;
  }

  /** Asks for the cluster's nodes beside whatever else goes on, unless that was done of late. */
  #learnInTime(): void {
    if (performance.now() - this.#learnedAt < learnedForMs) return;
    this.#learnedAt = performance.now();
    this.relearn();
  }

  /** Asks one node for the others; what is known stays as it is when that fails. */
  relearn(): Promise<void> {
    if (!this.#discover || this.#closing.signal.aborted) return Promise.resolve();
    const ask = async () => {
      const deadline = new Deadline(learnTimeoutMs, this.#closing.signal);
      const { status, text } = await this.#exchange.send(this.#nodes.current, nodesCall, deadline);
      if (status === 200) this.#nodes.learn(urlsIn(text));
    };
    this.#learning ??= ask().catch(() => {}).finally(() => {
      this.#learning = undefined;
    });
    return this.#learning;
  }
}

const nodesCall: Call = {
  method: "GET",
  path: "/nodes",
  parameters: { ver: "2", nonvoters: "" },
};

/** In an answer of /nodes; nothing of one that is not understood. */
function urlsIn(text: string): string[] {
  const { nodes } = JSON.parse(text) as {
    readonly nodes?: readonly { readonly api_addr?: unknown }[];
  };
  if (!Array.isArray(nodes)) return [];
  return nodes.flatMap(({ api_addr: url }) => typeof url === "string" ? [url] : []);
}

/** The error of an answer that is neither a success nor to be tried again. */
export function refusal({ status, text, kind }: Answer): RaftliteError {
  const reason = text.trim().slice(0, 2_000);
  if (kind === "conflict") return new Conflict(reason);
  if (kind === "transaction_over" || kind === "no_transaction") return new TransactionOver(reason);
  if (status === 401) {
    return new Refused("Nobody is known by these credentials, or they do not permit this", status);
  }
  if (status === 429) {
    return new Refused("Too many wrong passwords came from here: try again later", status);
  }
  return new Refused(reason === "" ? `The answer is ${status}` : reason, status);
}

/** Whether it says nothing of an earlier sending of the same write, as one that is refused for its user. */
function isHalfTold({ status, kind }: Answer, { method }: Call): boolean {
  return method === "POST" && status >= 400 && kind !== "key_reused";
}

function fateOf({ status, kind }: Answer, { key }: Call): Fate {
  if (status < 500 && status !== 408) return "settled";
  if (passing.has(kind)) return "nothing";
  // A read that failed will fail again. Of a write, only its result may be lost, and its key brings that back.
  if (kind === "failed" && key === undefined) return "settled";
  return "unknown";
}
