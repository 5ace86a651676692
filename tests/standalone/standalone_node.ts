/** How long a node may take for what is asked of it, in ms. */
const timeoutMs = 180_000;

/** One node as a process of its own: the compiled program in a folder of its own. */
export class StandaloneNode {
  readonly id: string;
  #program: string;
  #folder: string;
  #url: string;
  #flags: readonly string[];
  #env: Readonly<Record<string, string>>;
  #process: Deno.ChildProcess | undefined;
  #drained: Promise<void> = Promise.resolve();
  #log = "";
  #hasEnded = false;

  constructor(
    program: string,
    folder: string,
    id: string,
    httpPort: number,
    flags: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.id = id;
    this.#program = program;
    this.#folder = folder;
    this.#url = `http://127.0.0.1:${httpPort}`;
    this.#flags = flags;
    this.#env = { HOME: folder, PATH: "/nonexistent", ...env };
  }

  start(): void {
    const process = new Deno.Command(this.#program, {
      args: [...this.#flags, `${this.#folder}/${this.id}`],
      cwd: this.#folder,
      clearEnv: true,
      env: this.#env,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#process = process;
    this.#hasEnded = false;
    process.status.then(() => this.#hasEnded = true);
    this.#drained = (async () => {
      for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
        this.#log += text;
      }
    })();
  }

  /** What the node has written on standard error. */
  log(): string {
    return this.#log;
  }

  /** Ends the process at once, as a crash does. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Asks the process to end and resolves with its exit code. */
  async stop(): Promise<number> {
    const timer = setTimeout(() => this.#process?.kill("SIGKILL"), timeoutMs);
    const code = await this.#end("SIGTERM");
    clearTimeout(timer);
    return code;
  }

  /** Resolves with the exit code of a node that ends by itself. */
  async ended(): Promise<number> {
    const process = this.#process;
    if (process === undefined) throw new Error(`Node ${this.id} is not started`);
    const timer = setTimeout(() => process.kill("SIGKILL"), timeoutMs);
    const { code } = await process.status;
    clearTimeout(timer);
    await this.#drained;
    return code;
  }

  /** Resolves when the node has written that. */
  async untilLogged(text: string): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!this.#log.includes(text)) {
      if (this.#hasEnded || performance.now() > deadline) {
        throw new Error(`Node ${this.id} has not written "${text}": ${this.#log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #end(signal: Deno.Signal): Promise<number> {
    const process = this.#process;
    if (process === undefined) return 0;
    try {
      process.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It has ended already.
    }
    const { code } = await process.status;
    await this.#drained;
    this.#process = undefined;
    return code;
  }

  /** Resolves when the node has a leader and can answer. */
  async untilReady(): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      let answer: string;
      try {
        const response = await fetch(`${this.#url}/readyz`, { signal: AbortSignal.timeout(5000) });
        answer = await response.text();
        if (response.ok) return;
      } catch (error) {
        answer = String(error);
      }
      if (this.#hasEnded || performance.now() > deadline) {
        throw new Error(`Node ${this.id} is not ready: ${answer}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async leaderId(): Promise<string> {
    const status = await this.#call("/status");
    return status?.store?.leader?.node_id ?? "";
  }

  async execute(sql: string): Promise<void> {
    const answer = await this.#call("/db/execute", JSON.stringify([sql]));
    const error = answer.error ?? answer.results?.[0]?.error;
    if (error !== undefined) throw new Error(`${sql}: ${error}`);
  }

  /** The rows of a linearizable read. */
  async query(sql: string): Promise<readonly unknown[]> {
    const q = encodeURIComponent(sql);
    const answer = await this.#call(`/db/query?level=linearizable&q=${q}`);
    const rows = answer.results?.[0]?.values;
    if (rows === undefined) throw new Error(`${sql}: ${JSON.stringify(answer)}`);
    return rows;
  }

  async #call(path: string, body?: string): Promise<Answer> {
    const response = await fetch(`${this.#url}${path}`, {
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined
        ? {}
        : { method: "POST", headers: { "content-type": "application/json" }, body }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  }
}

/** The parts of JSON answers that are looked at here. */
interface Answer {
  readonly error?: string;
  readonly results?: readonly { readonly error?: string; readonly values?: readonly unknown[] }[];
  readonly store?: { readonly leader?: { readonly node_id?: string } };
}
