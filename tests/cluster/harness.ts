import { strict as assert } from "node:assert";
import { fileURLToPath } from "node:url";
import { takePort } from "../ports.ts";
import { Proxy } from "./proxy.ts";

const mainPath = fileURLToPath(new URL("../../main.ts", import.meta.url));
/** Longest wait for anything a healthy cluster does: a machine under load may be slow. */
const patienceMs = 240_000;
/** Longest wait for an answer: those of tests that expect none are said there. */
const answerMs = 120_000;
/**
 * What nodes are started with where neither the cluster nor the test says anything else: on a busy
 * machine nobody takes a node that waits for its turn of the processor for one that is gone, nor a
 * transaction whose client waits for it for one that is forgotten.
 */
const patient = {
  RAFTLITE_RAFT_HEARTBEAT_TIMEOUT: "5s",
  RAFTLITE_TX_IDLE_TIMEOUT: "15s",
};

/** A Deno for another system: how it is started here, and the environment that it needs. */
export interface ForeignDeno {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** Whether a signal of this system asks it to end, as it does here. */
  readonly endsOnSignal: boolean;
  /** A path of this machine as that system has it. */
  pathOf(path: string): string;
}

/** Another program's main.ts, or the one to test: RAFTLITE_BINARY, or main.ts under this Deno. */
function program(
  other: string | undefined,
  foreign: ForeignDeno | undefined,
): { readonly command: string; readonly args: readonly string[] } {
  if (foreign !== undefined) {
    const [command, ...args] = foreign.command;
    return { command, args: [...args, "run", "-A", "--quiet", foreign.pathOf(mainPath)] };
  }
  const binary = Deno.env.get("RAFTLITE_BINARY");
  if (binary && other === undefined) return { command: binary, args: [] };
  return { command: Deno.execPath(), args: ["run", "-A", "--quiet", other ?? mainPath] };
}

/** Runs a program of root's without the power to pass over the permissions of files. */
const withoutPower = Deno.uid() === 0 ? ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] : [];

/** Polls until `check` returns something other than undefined, false or a rejection. */
export async function eventually<T>(
  what: string | (() => string),
  check: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = patienceMs,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      const goal = typeof what === "string" ? what : what();
      throw new Error(`Waited ${timeoutMs} ms in vain for ${goal}${last ? `: ${last}` : ""}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One result of the API, loosely typed for tests. */
export interface Result {
  readonly values?: unknown[][];
  readonly error?: string;
  readonly rows_affected?: number;
  readonly last_insert_id?: number;
}

function resultsOf(path: string, { status, body }: Answer): Result[] {
  if (status !== 200) throw new Error(`${path}: ${status} ${body}`);
  return (JSON.parse(body) as { results: Result[] }).results;
}

/** The same of statements none of which may have failed. */
function writtenBy(path: string, answer: Answer): Result[] {
  const results = resultsOf(path, answer);
  for (const { error } of results) if (error !== undefined) throw new Error(error);
  return results;
}

/** One node as an operating system process. */
export class NodeProcess {
  readonly id: string;
  readonly directory: string;
  readonly httpPort: number;
  readonly raftPort: number;
  /** What other nodes dial: the proxy's address when there is one. */
  readonly raftAddress: string;
  /** To be started as one whom the permissions of files bind. */
  boundByPermissions = false;
  /** A command line that runs the one behind it: to be started inside that. */
  inside: readonly string[] = [];
  /** The sub-command to be started; "" for a node. */
  subCommand = "";
  /** Path of the main.ts to be started from; undefined: that of the program to test. */
  mainPath: string | undefined;
  /** To be started under a Deno of another system. */
  foreign: ForeignDeno | undefined;
  readonly #flags: readonly string[];
  readonly #asker: Asker;
  #child: Deno.ChildProcess | undefined;
  #exited: Promise<Deno.CommandStatus> | undefined;
  #log = "";
  /** The end of the process is wanted. */
  #ending = false;

  constructor(
    options: {
      readonly id: string;
      readonly directory: string;
      readonly flags: readonly string[];
      readonly httpPort: number;
      readonly raftPort: number;
      readonly raftAddress: string;
      readonly asker: Asker;
    },
  ) {
    this.#asker = options.asker;
    this.id = options.id;
    this.directory = options.directory;
    this.#flags = options.flags;
    this.httpPort = options.httpPort;
    this.raftPort = options.raftPort;
    this.raftAddress = options.raftAddress;
  }

  get url(): string {
    const scheme = this.#asker.client === undefined ? "http" : "https";
    return `${scheme}://127.0.0.1:${this.httpPort}`;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number {
    assert(this.#child, `${this.id} is not running`);
    return this.#child.pid;
  }

  /** What the process has written to standard error, over all its runs. */
  get log(): string {
    return this.#log;
  }

  /** Waits until its log has that: it comes by another way than what tells that it was written. */
  async logs(pattern: RegExp): Promise<void> {
    await eventually(() => `${pattern} in:\n${this.#log}`, () => pattern.test(this.#log));
  }

  start(extraFlags: readonly string[] = [], env: Readonly<Record<string, string>> = {}): void {
    assert(this.#child === undefined, `${this.id} is running already`);
    const { command, args } = program(this.mainPath, this.foreign);
    const power = this.boundByPermissions ? withoutPower : [];
    const line = [...this.inside, ...power, command, ...args];
    const child = new Deno.Command(line[0] ?? command, {
      args: [
        ...line.slice(1),
        ...(this.subCommand === "" ? [] : [this.subCommand]),
        "-node-id",
        this.id,
        "-http-addr",
        `127.0.0.1:${this.httpPort}`,
        "-raft-addr",
        `127.0.0.1:${this.raftPort}`,
        "-raft-adv-addr",
        this.raftAddress,
        ...this.#flags,
        ...extraFlags,
        this.foreign?.pathOf(this.directory) ?? this.directory,
      ],
      env: { ...patient, ...this.foreign?.environment, ...env },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    const reading = this.#readLog(child);
    this.#ending = false;
    this.#exited = child.status.then(async (status) => {
      await reading;
      if (!this.#ending) {
        console.error(`${this.id} ended by itself with code ${status.code}:\n${this.#log}`);
      }
      return status;
    });
  }

  async #readLog(child: Deno.ChildProcess): Promise<void> {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) this.#log += text;
  }

  /** Ends the process by a signal and waits for it to be gone. */
  async kill(signal: Deno.Signal = "SIGKILL"): Promise<Deno.CommandStatus> {
    assert(this.#child && this.#exited, `${this.id} is not running`);
    this.#ending = true;
    this.#child.kill(signal);
    return await this.exited();
  }

  /** Sees that the process is gone, whatever state it is in. */
  async end(): Promise<void> {
    try {
      this.#ending = true;
      this.#child?.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    if (this.#child !== undefined) await this.exited();
  }

  /** Waits for the process to end, by itself if it was not killed. */
  async exited(): Promise<Deno.CommandStatus> {
    this.#ending = true;
    assert(this.#exited, `${this.id} was never started`);
    const status = await this.#exited;
    this.#child = undefined;
    return status;
  }

  /** Stops the process without its knowing, and lets it go on. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  async fetch(path: string, init: RequestInit & { timeoutMs?: number } = {}): Promise<Answer> {
    const { timeoutMs = answerMs, headers, ...rest } = init;
    const { client, authorization } = this.#asker;
    const all = new Headers(headers);
    if (authorization !== undefined && !all.has("authorization")) {
      all.set("authorization", authorization);
    }
    const response = await fetch(this.url + path, {
      ...rest,
      headers: all,
      ...(client === undefined ? {} : { client }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, body: await response.text() };
  }

  #post(path: string, body: unknown, timeoutMs: number): Promise<Answer> {
    return this.fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      timeoutMs,
    });
  }

  /** Writes; throws unless the answer is 200 and no statement failed. */
  async execute(
    statements: readonly unknown[],
    parameters = "",
    timeoutMs = answerMs,
  ): Promise<Result[]> {
    const path = `/db/execute?${parameters}`;
    return writtenBy(path, await this.#post(path, statements, timeoutMs));
  }

  /** Writes, and tells the index of the entry; throws unless the answer is 200 and no statement failed. */
  async write(...statements: readonly string[]): Promise<number> {
    const path = "/db/execute?raft_index&timeout=20s";
    const answer = await this.#post(path, statements, 30_000);
    writtenBy(path, answer);
    return JSON.parse(answer.body).raft_index;
  }

  /**
   * Reads the rows of one statement; throws unless it succeeded. A read that the change of a leader
   * had no answer to is asked for again, as clients do.
   */
  async query(sql: string, level = "linearizable", timeoutMs = answerMs): Promise<unknown[][]> {
    const path = `/db/query?level=${level}&linearizable_timeout=10s&timeout=10s`;
    const deadline = Date.now() + timeoutMs;
    let answer = await this.#post(path, [sql], timeoutMs);
    while ((answer.status === 503 || answer.status === 504) && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      answer = await this.#post(path, [sql], timeoutMs);
    }
    const [result] = resultsOf(path, answer);
    if (result?.error !== undefined) throw new Error(result.error);
    return result?.values ?? [];
  }

  async status(): Promise<Record<string, unknown>> {
    return JSON.parse((await this.fetch("/status")).body);
  }

  async ready(): Promise<void> {
    await eventually(() => `${this.id} to be ready\n${this.#log}`, async () => {
      if (this.#child === undefined) throw new Error("not running");
      return (await this.fetch("/readyz", { timeoutMs: 10_000 })).status === 200;
    });
  }

  /** The id of the leader that this node knows, "" for none. */
  async leaderId(): Promise<string> {
    const { body } = await this.fetch("/nodes?nonvoters", { timeoutMs: 10_000 });
    const nodes = Object.values(JSON.parse(body)) as { id: string; leader: boolean }[];
    return nodes.find((node) => node.leader)?.id ?? "";
  }
}

/** A node with one of these does not vote by itself. */
const withoutVote: readonly string[] = ["-raft-non-voter", "-raft-standby"];

/** How a node is asked. */
export interface Asker {
  /** Over HTTPS, by this client; undefined for plain HTTP. */
  readonly client?: Deno.HttpClient;
  /** The Authorization header of requests that bring none. */
  readonly authorization?: string;
}

export interface ClusterOptions extends Asker {
  readonly size?: number;
  readonly flags?: readonly string[];
  /** Puts a proxy in front of every Raft port. */
  readonly proxies?: boolean;
  /** The cluster's `mainPath` to begin with. */
  readonly mainPath?: string;
}

/** Some nodes on this machine, in a temporary directory of their own. */
export class Cluster {
  readonly nodes: NodeProcess[] = [];
  readonly #directory: string;
  readonly #flags: readonly string[];
  readonly #asker: Asker;
  readonly #proxies = new Map<string, Proxy>();
  readonly #withProxies: boolean;
  /** As NodeProcess's, for nodes to be made from now on. */
  mainPath: string | undefined;
  #next = 1;

  private constructor(directory: string, options: ClusterOptions) {
    this.#directory = directory;
    this.#flags = options.flags ?? [];
    this.#asker = options;
    this.#withProxies = options.proxies ?? false;
    this.mainPath = options.mainPath;
  }

  /** Starts a cluster and waits until each node is ready. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(await Deno.makeTempDir({ prefix: "raftlite-test-" }), options);
    try {
      for (let i = 0; i < (options.size ?? 3); i++) await cluster.add();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** A node that is not started yet; `directory` inside the cluster's own. */
  create(
    flags: readonly string[] = [],
    id = `node-${this.#next++}-`,
    directory = id,
  ): NodeProcess {
    const raftPort = takePort();
    let proxy: Proxy | undefined;
    if (this.#withProxies) {
      const ids = Array.from({ length: 99 }, (_, i) => `node-${i + 1}-`);
      proxy = new Proxy(() => raftPort, ids);
      this.#proxies.set(id, proxy);
    }
    const node = new NodeProcess({
      id,
      directory: `${this.#directory}/${directory}`,
      flags: [...this.#flags, ...flags],
      httpPort: takePort(),
      raftPort,
      raftAddress: `127.0.0.1:${proxy?.port ?? raftPort}`,
      asker: this.#asker,
    });
    node.mainPath = this.mainPath;
    this.nodes.push(node);
    return node;
  }

  /** A node with another id and no data, to be started on the ports of one that has ended for good. */
  createInPlaceOf(old: NodeProcess): NodeProcess {
    const id = `node-${this.#next++}-`;
    const { httpPort, raftPort, raftAddress } = old;
    const directory = `${this.#directory}/${id}`;
    const node = new NodeProcess({
      id,
      directory,
      flags: this.#flags,
      httpPort,
      raftPort,
      raftAddress,
      asker: this.#asker,
    });
    this.nodes[this.nodes.indexOf(old)] = node;
    return node;
  }

  /** Starts one more node, joined to the first, and waits until it is ready. */
  async add(flags: readonly string[] = []): Promise<NodeProcess> {
    const node = this.create(flags);
    const first = this.nodes[0];
    node.start(first === node || first === undefined ? [] : ["-join", first.raftAddress]);
    await node.ready();
    const never = [...this.#flags, ...flags].some((flag) => withoutVote.includes(flag));
    if (!never && first?.running === true) await this.votes(node);
    return node;
  }

  /**
   * Waits until a node that has joined votes, by what the first one says. It is ready before that: who
   * takes others away then may leave no majority, or one of one.
   */
  async votes(node: NodeProcess): Promise<void> {
    const [first] = this.nodes;
    assert(first);
    await eventually(() => `${node.id} to vote\n${first.log}`, async () => {
      const { status, body } = await first.fetch("/nodes?nonvoters");
      // Whoever asks here may not be let in.
      if (status === 401 || status === 403) return true;
      const members = Object.values(JSON.parse(body)) as { id: string; voter: boolean }[];
      return members.some(({ id, voter }) => id === node.id && voter);
    });
  }

  /** The leader, once some running node knows one that runs. */
  async leader(but?: NodeProcess): Promise<NodeProcess> {
    return await eventually("a leader", async () => {
      for (const node of this.nodes) {
        if (!node.running || node === but) continue;
        const id = await node.leaderId().catch(() => "");
        const leader = this.nodes.find((other) => other.id === id && other.running);
        if (leader !== undefined && leader !== but && await leader.leaderId() === id) return leader;
      }
      return undefined;
    });
  }

  async follower(): Promise<NodeProcess> {
    const leader = await this.leader();
    const follower = this.nodes.find((node) => node.running && node !== leader);
    assert(follower, "No follower is running");
    return follower;
  }

  /** Cuts a node off from all others, both ways; `undefined` heals everything. */
  isolate(node: NodeProcess | undefined): void {
    for (const [id, proxy] of this.#proxies) {
      proxy.block((caller) => node !== undefined && (id === node.id || caller === node.id));
    }
  }

  /** What other nodes dial to reach this one, where there are proxies. */
  proxyOf(node: NodeProcess): Proxy | undefined {
    return this.#proxies.get(node.id);
  }

  /** Resets every connection between nodes. */
  resetConnections(): void {
    for (const proxy of this.#proxies.values()) proxy.reset(() => true);
  }

  /** Waits until all running nodes hold the same rows for each query, and returns them. */
  async converged(queries: readonly string[]): Promise<unknown[][][]> {
    const running = this.nodes.filter((node) => node.running);
    const first = running[0];
    assert(first, "No node is running");
    return await eventually("all nodes to be equal", async () => {
      const expected = await Promise.all(queries.map((sql) => first.query(sql)));
      for (const node of running) {
        for (const [i, sql] of queries.entries()) {
          assert.deepEqual(await node.query(sql, "none"), expected[i], `${node.id}: ${sql}`);
        }
      }
      return expected;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node.end();
    for (const proxy of this.#proxies.values()) proxy.close();
    await Deno.remove(this.#directory, { recursive: true });
  }
}
