import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import process from "node:process";
import { complete } from "./completion.ts";
import type { Completion } from "./completion.ts";
import type { History } from "./history.ts";
import { Input } from "./input.ts";
import { SchemaSource } from "./schema.ts";
import type { Session } from "./session.ts";

/** A person at a terminal: prompts, edits lines, and cancels with Ctrl-C. */
export class Terminal {
  readonly #session: Session;
  readonly #history: History;
  readonly #schema: SchemaSource;
  readonly #readline: Interface;
  readonly #lines: string[] = [];
  #input = new Input();
  #running: AbortController | undefined;
  #isClosed = false;
  #wake: () => void = () => {};
  /** readline's own list, which is made to follow ours. */
  #shownHistory: string[] = [];

  constructor(session: Session, history: History) {
    this.#session = session;
    this.#history = history;
    this.#schema = new SchemaSource(session.client);
    this.#readline = createInterface({
      input: process.stdin,
      output: Deno.stdout.isTerminal() ? process.stdout : process.stderr,
      terminal: true,
      history: [...history.entries],
      historySize: Math.max(history.entries.length, 1_000),
      completer: (line: string, done: (error?: null | Error, result?: Completion) => void) => {
        this.#schema.schema().then((schema) => done(null, complete(line, schema)));
      },
    });
    this.#readline.on("history", (shown: string[]) => {
      this.#shownHistory = shown;
      this.#syncHistory();
    });
    this.#readline.on("line", (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    this.#readline.on("SIGINT", () => this.#interrupt());
    this.#readline.on("close", () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  /** Resolves when the user leaves. */
  async run(): Promise<void> {
    this.#prompt();
    for (;;) {
      const line = await this.#nextLine();
      if (line === undefined || !await this.#handle(line)) break;
      this.#prompt();
    }
    this.#readline.close();
  }

  async #nextLine(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#lines.shift();
  }

  /** False when the shell is to end. */
  async #handle(line: string): Promise<boolean> {
    const requests = this.#input.pushTyped(line);
    for (const request of requests) this.#history.add(request.text);
    this.#syncHistory();
    const running = new AbortController();
    this.#running = running;
    try {
      for (const request of requests) {
        if (!await this.#session.run(request, running.signal)) return false;
        if (running.signal.aborted) break;
      }
    } finally {
      this.#running = undefined;
    }
    return true;
  }

  /** Ctrl-C: ends what runs, and throws away what was typed. */
  #interrupt(): void {
    const hadLines = this.#lines.length > 0;
    this.#lines.length = 0;
    this.#input = new Input();
    if (this.#running !== undefined) {
      this.#running.abort();
      return;
    }
    this.#readline.write(null, { ctrl: true, name: "e" });
    this.#readline.write(null, { ctrl: true, name: "u" });
    // A line may have come in with the Ctrl-C behind it: it does not even begin.
    process.stdout.write(hadLines ? "^C\nCancelled\n" : "^C\n");
    this.#prompt();
  }

  #prompt(): void {
    if (this.#isClosed) return;
    const prompt = `${this.#session.client.host}> `;
    const continued = "...> ".padStart(prompt.length);
    this.#readline.setPrompt(this.#input.isPending ? continued : prompt);
    this.#readline.prompt();
  }

  /** readline keeps lines; the history has whole statements. */
  #syncHistory(): void {
    this.#shownHistory.splice(0, this.#shownHistory.length, ...this.#history.entries);
  }
}
