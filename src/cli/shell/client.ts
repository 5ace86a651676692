import { isObject, parseExact } from "./exact_json.ts";
import type { NodeAccess } from "../node_access.ts";
import { exchangeFor } from "./exchange_for.ts";
import { HostList } from "./host_list.ts";
import { indexHeader, Unreachable, versionHeader } from "./http_exchange.ts";
import type { HttpAnswer, HttpExchange } from "./http_exchange.ts";
import { ShellError } from "./shell_error.ts";

/** A request to whichever node is there. */
export interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  /** Without a slash in front, such as `db/query`. */
  readonly path: string;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly body?: string | (() => AsyncIterable<Uint8Array>);
  readonly contentType?: string;
  /** Whether doing it twice does no harm: a read. */
  readonly repeatable: boolean;
  /** Wait for the answer for as long as it takes. */
  readonly unhurried?: boolean;
}

/** A call that may have failed at one host, and the hosts that it failed at. */
interface Attempt {
  readonly host: string;
  readonly call: Call;
  readonly tried: ReadonlySet<string>;
}

export interface TextAnswer {
  readonly status: number;
  readonly text: string;
  readonly serverVersion: string | undefined;
}

/** An answer is held in memory, and a string of V8 is at most 512 MiB. */
const answerBytesMax = 256 * 1024 * 1024;
const probeTimeoutMs = 2_000;
/** How long a cluster that lost a node is given to elect a leader. */
const electionMs = 10_000;
const electionPollMs = 250;
const learnIntervalMs = 10_000;

/** Talks to one node of a cluster, and goes on with another one when that is lost. */
export class Client {
  readonly #options: NodeAccess;
  readonly #hosts: HostList;
  readonly #exchange: HttpExchange;
  readonly #moved: (lost: string, now: string) => void;
  #learnedAt = -Infinity;
  /** How far in the log the user has seen: whichever node reads next must have as much. */
  #seenIndex = 0;

  /** `moved` is told whenever a node is lost and another one takes its place. */
  constructor(options: NodeAccess, moved: (lost: string, now: string) => void) {
    this.#options = options;
    this.#hosts = new HostList(options.hosts);
    this.#exchange = exchangeFor(options.scheme, options.tls);
    this.#moved = moved;
  }

  /** The cluster, for whatever else works with it. */
  get access(): NodeAccess {
    const { host } = this;
    return {
      ...this.#options,
      hosts: [host, ...this.#options.hosts.filter((each) => each !== host)],
    };
  }

  /** The node in use, as `host:port`. */
  get host(): string {
    return this.#hosts.current;
  }

  get url(): string {
    return `${this.#options.scheme}://${this.host}`;
  }

  /** The answer whatever its status; throws a ShellError, or the signal's reason. */
  async call(call: Call, signal: AbortSignal): Promise<TextAnswer> {
    const hostBefore = this.host;
    const deadline = performance.now() + electionMs;
    for (;;) {
      const answer = await this.exchange(call, signal, textOf);
      const isElecting = answer.status === 503 && answer.text.startsWith("leader not found");
      if (!isElecting || this.host === hostBefore || performance.now() > deadline) return answer;
      await pause(electionPollMs, signal);
    }
  }

  /** The text of an answer that says success; throws a ShellError, or the signal's reason. */
  async text(call: Call, signal: AbortSignal): Promise<string> {
    const { status, text } = await this.call(call, signal);
    if (status < 200 || status > 299) throw refusal(status, text);
    return text;
  }

  /**
   * Has `consume` deal with the answer, from the start again if the node is lost on the way. Throws
   * a ShellError when no node answers or it is unknown what became of the call.
   */
  async exchange<T>(
    call: Call,
    signal: AbortSignal,
    consume: (answer: HttpAnswer) => Promise<T>,
  ): Promise<T> {
    const tried = new Set<string>();
    for (;;) {
      const host = this.host;
      try {
        const answer = await this.#exchange.send(this.#request(host, call), signal);
        this.#seenIndex = Math.max(this.#seenIndex, Number(answer.headers.get(indexHeader) ?? 0));
        return await consume(answer);
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
        tried.add(host);
        await this.#leave(error, { host, call, tried }, signal);
      }
    }
  }

  /** Asks the cluster for its nodes, unless that was done a moment ago. */
  async learn(): Promise<void> {
    if (performance.now() - this.#learnedAt < learnIntervalMs) return;
    this.#learnedAt = performance.now();
    try {
      const call: Call = {
        method: "GET",
        path: "nodes",
        parameters: { nonvoters: "" },
        repeatable: true,
      };
      const answer = await this.#exchange.send(
        this.#request(this.host, call, probeTimeoutMs),
        AbortSignal.timeout(2 * probeTimeoutMs),
      );
      const { status, text } = await textOf(answer);
      if (status === 200) this.#hosts.learn(apiAddresses(parseExact(text)));
    } catch {
      // What the shell knows of the cluster stays as it was.
    }
  }

  /** GETs an address that is a node's own, and no other one's. */
  async getDirect(url: string, signal: AbortSignal): Promise<HttpAnswer> {
    const { timeoutMs } = this.#options;
    return await this.#exchange.send(
      { method: "GET", url: new URL(url), headers: this.#headers(), timeoutMs },
      signal,
    );
  }

  /** Moves on to another node, or throws when there is none or the call must not be repeated. */
  async #leave(
    error: Unreachable,
    { host, call, tried }: Attempt,
    signal: AbortSignal,
  ): Promise<void> {
    if (error.timedOut && error.delivered === "perhaps" && await this.#isAlive(host, signal)) {
      const fate = call.repeatable ? "" : ", and what it asked for may still be done";
      throw new ShellError(`Node ${host} is slow: ${error.message} (-http-timeout)${fate}`);
    }
    const hasMoved = this.#hosts.moveOn(tried);
    if (hasMoved) this.#moved(host, this.host);
    if (error.delivered === "perhaps" && !call.repeatable) {
      throw new ShellError(
        `Outcome unknown: node ${host} was lost before it answered (${error.message}); look before trying again`,
      );
    }
    if (!hasMoved) {
      throw new ShellError(`No node answers at ${[...tried].join(", ")}: ${error.message}`);
    }
  }

  async #isAlive(host: string, signal: AbortSignal): Promise<boolean> {
    const call: Call = {
      method: "GET",
      path: "readyz",
      parameters: { noleader: "" },
      repeatable: true,
    };
    try {
      await textOf(await this.#exchange.send(this.#request(host, call, probeTimeoutMs), signal));
      return true;
    } catch (error) {
      if (error instanceof Unreachable) return false;
      throw error;
    }
  }

  #request(host: string, call: Call, timeoutMs = this.#options.timeoutMs) {
    const { scheme, prefix } = this.#options;
    const url = new URL(`${scheme}://${host}${prefix}${call.path}`);
    for (const [name, value] of Object.entries(call.parameters ?? {})) {
      url.searchParams.set(name, value);
    }
    const type: Record<string, string> = call.contentType === undefined
      ? {}
      : { "content-type": call.contentType };
    return {
      method: call.method,
      url,
      headers: { ...this.#headers(), ...type, ...this.#seen() },
      timeoutMs: call.unhurried === true ? 0 : timeoutMs,
      ...(call.body === undefined ? {} : { body: call.body }),
    };
  }

  #seen(): Record<string, string> {
    return this.#seenIndex === 0 ? {} : { [indexHeader]: String(this.#seenIndex) };
  }

  #headers(): Record<string, string> {
    const { authorization } = this.#options;
    return authorization === undefined ? {} : { authorization };
  }
}

/** What to tell of an answer that is no success. */
export function refusal(status: number, text: string): ShellError {
  if (status === 401) {
    return new ShellError(
      "Unauthorized: give a user who may do this with -user name:password, or a -token",
    );
  }
  const reason = text.trim();
  return new ShellError(`Server responded with ${status}${reason === "" ? "" : `: ${reason}`}`);
}

/** The whole of an answer, in memory. */
export async function textOf(answer: HttpAnswer): Promise<TextAnswer> {
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let length = 0;
  for await (const piece of answer.body) {
    length += piece.length;
    if (length > answerBytesMax) {
      throw new ShellError(`Answer is larger than ${answerBytesMax} bytes: ask for fewer rows`);
    }
    parts.push(decoder.decode(piece, { stream: true }));
  }
  return {
    status: answer.status,
    text: parts.join("") + decoder.decode(),
    serverVersion: answer.headers.get(versionHeader) ?? undefined,
  };
}

/** The `host:port` of every node in an answer of /nodes that has one. */
function apiAddresses(nodes: unknown): string[] {
  if (!isObject(nodes)) return [];
  return Object.values(nodes).flatMap((node) => {
    const address = isObject(node) ? node.api_addr : undefined;
    return typeof address === "string" && address !== ""
      ? [address.replace(/^https?:\/\//, "").replace(/\/.*$/, "")]
      : [];
  });
}

/** Waits; throws the signal's reason when that comes first. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", cancel);
      resolve();
    }, ms);
    signal.addEventListener("abort", cancel, { once: true });
  });
}
