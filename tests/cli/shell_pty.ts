import { stripVTControlCharacters } from "node:util";

/** A program at a terminal of its own, which `script` of util-linux makes. */
export class Pty {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  #output = "";
  #seen = 0;
  #arrived = Promise.withResolvers<void>();

  constructor(command: readonly string[], env: Readonly<Record<string, string>>) {
    const line = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
    // Whoever runs the tests may want no colours; the terminal here has them.
    const { NO_COLOR: _, ...inherited } = Deno.env.toObject();
    this.#child = new Deno.Command("script", {
      args: ["-qefc", `stty cols 120 rows 50; exec ${line}`, "/dev/null"],
      clearEnv: true,
      env: { ...inherited, TERM: "xterm", SHELL: "/bin/sh", ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#output += text;
      this.#arrived.resolve();
      this.#arrived = Promise.withResolvers();
    }
    this.#arrived.resolve();
  }

  /** All that was shown, with what colours it. */
  get raw(): string {
    return this.#output;
  }

  /** Types. */
  async send(text: string): Promise<void> {
    await this.#writer.write(new TextEncoder().encode(text));
  }

  /** Waits until `pattern` is shown, behind what the last call found, and returns the match. */
  async see(pattern: RegExp, timeoutMs = 120_000): Promise<string> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const text = stripVTControlCharacters(this.#output.slice(this.#seen)).replaceAll("\r", "");
      const match = pattern.exec(text);
      if (match !== null) {
        this.#seen = this.#output.length;
        return match[0];
      }
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`Waited in vain for ${pattern} in:\n${text}`);
      await this.#arrives(left);
    }
  }

  async #arrives(timeoutMs: number): Promise<void> {
    const timedOut = Promise.withResolvers<void>();
    const timer = setTimeout(timedOut.resolve, timeoutMs);
    await Promise.race([this.#arrived.promise, timedOut.promise]);
    clearTimeout(timer);
  }

  /** The exit code, once the program has ended by itself. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#child.status;
    await this.#writer.abort().catch(() => {});
    await this.#reading;
  }
}

/** Whether this machine can make terminals. */
export function hasPty(): boolean {
  try {
    return new Deno.Command("script", { args: ["--version"], stdout: "null" }).outputSync().success;
  } catch {
    return false;
  }
}
