import { fileURLToPath } from "node:url";
import type { ClientAccess } from "../client_access.ts";
import { FlagError } from "../flag_error.ts";
import type { Endpoint } from "./endpoint.ts";
import { call, type Target } from "./target.ts";

/** How long a node may take to start, with a large database to fetch, and to end by itself, in ms. */
const readyMsMax = 1_200_000;
const stopMsMax = 60_000;

/** A command line to which the flags of a node are added. */
type Program = readonly [command: string, ...args: string[]];

/** What is to be started: so many nodes of a program. */
export interface StartedTarget {
  readonly name: string;
  readonly program: Program;
  readonly size: number;
}

/** Reads `name=program[*nodes]`; throws a FlagError. */
export function parseStarted(text: string): StartedTarget {
  const [, name = "", what = "", nodes = "3"] = /^([^=/]+)=(.+?)(?:\*([1-9]))?$/.exec(text) ?? [];
  if (what === "") {
    throw new FlagError(2, `Invalid value ${text} for flag -start: write it as name=program*3`);
  }
  return { name, program: programOf(what), size: Number(nodes) };
}

/** `raftlite` is this very program; a directory has the sources of another, anything else is one. */
function programOf(what: string): Program {
  const sources = (directory: string): Program => [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    `--config=${directory}/deno.json`,
    `${directory}/main.ts`,
  ];
  if (what === "raftlite") {
    if (Deno.build.standalone) return [Deno.execPath()];
    return sources(fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, ""));
  }
  try {
    const path = Deno.realPathSync(what);
    return Deno.statSync(path).isDirectory ? sources(path) : [path];
  } catch {
    throw new FlagError(2, `Flag -start: there is no program ${what}; raftlite is this one`);
  }
}

/** One node: its process, and how it is asked. */
export interface StartedNode {
  readonly id: string;
  readonly endpoint: Endpoint;
  readonly flags: readonly string[];
  child: Deno.ChildProcess | undefined;
}

/**
 * Nodes on this machine, in a temporary directory of their own, that are there for a benchmark. They
 * may be of any program with this one's flags, as rqlited is.
 */
export class StartedCluster implements Target, AsyncDisposable {
  readonly name: string;
  readonly nodes: StartedNode[] = [];
  readonly #program: Program;
  readonly #directory: string;
  readonly #access: ClientAccess;
  #ending: Promise<void> | undefined;
  #joinAt: string | undefined;
  #started = 0;

  private constructor({ name, program }: StartedTarget, directory: string, access: ClientAccess) {
    this.name = name;
    this.#program = program;
    this.#directory = directory;
    this.#access = access;
  }

  /**
   * Starts them, and waits until each is ready; throws a FlagError when one never is.
   *
   * @param begun Called with it before any node is started.
   */
  static async start(
    target: StartedTarget,
    access: ClientAccess,
    begun: (cluster: StartedCluster) => void = () => {},
  ): Promise<StartedCluster> {
    const directory = await Deno.makeTempDir({ prefix: "raftlite-bench-" });
    const cluster = new StartedCluster(target, directory, access);
    begun(cluster);
    try {
      for (let i = 0; i < target.size; i++) await cluster.add();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  get endpoints(): readonly Endpoint[] {
    return this.nodes.map(({ endpoint }) => endpoint);
  }

  /** Starts one more node, and waits until it is ready. */
  async add(): Promise<StartedNode> {
    const id = `${++this.#started}`;
    const [http = 0, raft = 0] = freePorts(2);
    const raftAddress = `127.0.0.1:${raft}`;
    const node: StartedNode = {
      id,
      endpoint: {
        address: { host: "127.0.0.1", port: http },
        tls: undefined,
        authorization: this.#access.authorization,
      },
      flags: [
        ...["-node-id", id, "-http-addr", `127.0.0.1:${http}`, "-raft-addr", raftAddress],
        ...(this.#joinAt === undefined ? [] : ["-join", this.#joinAt]),
        `${this.#directory}/${id}`,
      ],
      child: undefined,
    };
    this.#joinAt ??= raftAddress;
    this.nodes.push(node);
    await this.run(node);
    return node;
  }

  /** Starts a node that is not running, and waits until it is ready. */
  async run(node: StartedNode): Promise<void> {
    const [command, ...args] = this.#program;
    const log = await Deno.open(`${this.#directory}/${node.id}.log`, {
      create: true,
      append: true,
    });
    const child = new Deno.Command(command, {
      args: [...args, ...node.flags],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    node.child = child;
    child.stderr.pipeTo(log.writable).catch(() => {});
    let exited = false;
    child.status.then(() => exited = true);
    const deadline = performance.now() + readyMsMax;
    while (!await isReady(node)) {
      if (exited || performance.now() > deadline) {
        const said = (await Deno.readTextFile(`${this.#directory}/${node.id}.log`)).trim();
        throw new FlagError(1, `A node of ${this.name} did not start:\n${said.slice(-2000)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends a node at once, as kill -9 does. */
  async kill(node: StartedNode): Promise<void> {
    const { child } = node;
    node.child = undefined;
    if (child === undefined) return;
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await child.status;
  }

  /** Asks a node to end, and waits until it has; it is ended when that takes too long. */
  async stop(node: StartedNode): Promise<void> {
    const { child } = node;
    if (child === undefined) return;
    child.kill("SIGTERM");
    const late = setTimeout(() => void this.kill(node), stopMsMax);
    await child.status;
    clearTimeout(late);
    node.child = undefined;
  }

  /** Ends a node for good; it must be no member any more. */
  async drop(node: StartedNode): Promise<void> {
    await this.kill(node);
    this.nodes.splice(this.nodes.indexOf(node), 1);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#ending ??= this.#end();
  }

  async #end(): Promise<void> {
    await Promise.all(this.nodes.map((node) => this.kill(node)));
    await Deno.remove(this.#directory, { recursive: true });
  }
}

async function isReady({ endpoint }: StartedNode): Promise<boolean> {
  try {
    await call(endpoint, "GET /readyz");
    return true;
  } catch {
    return false;
  }
}

/** Ports on which nothing listens now, all different. */
function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map((listener) => listener.addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}
