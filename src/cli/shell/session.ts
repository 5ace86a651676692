import { messageOf } from "../../base/message_of.ts";
import { SqlTokens } from "../../sqlite/mod.ts";
import { printError } from "../output.ts";
import { parseAnswer, type Result } from "./answer.ts";
import type { Client } from "./client.ts";
import { runCommand } from "./dot_commands.ts";
import type { Request } from "./input.ts";
import { Output } from "./output.ts";
import { writeResult } from "./result_writer.ts";
import { Quit, ShellError } from "./shell_error.ts";
import { styleFor } from "./style.ts";
import type { Settings } from "./settings.ts";

/** What a shell has between one request and the next. */
export class Session {
  readonly client: Client;
  readonly settings: Settings;
  readonly output = new Output();
  readonly #errorStyle = styleFor(Deno.stderr);
  #failures = 0;

  constructor(client: Client, settings: Settings) {
    this.client = client;
    this.settings = settings;
  }

  /** How many statements and commands have failed. */
  get failures(): number {
    return this.#failures;
  }

  /** Does what was asked for and tells of a failure; false when the shell is to end. */
  async run(request: Request, signal: AbortSignal): Promise<boolean> {
    this.client.learn();
    try {
      if (request.type === "sql") await this.#runStatement(request.text, signal);
      else await runCommand(this, request.text, signal);
    } catch (error) {
      if (error instanceof Quit) return false;
      this.#report(request, error, signal);
    }
    return true;
  }

  /** Runs a query of the shell's own, at the level of the user's, and shows its rows. */
  async query(sql: string, signal: AbortSignal): Promise<void> {
    const text = await this.client.text({
      method: "GET",
      path: "db/query",
      parameters: { ...this.#parameters(), q: sql },
      repeatable: true,
    }, signal);
    await this.show(parseAnswer(text), signal);
  }

  async #runStatement(sql: string, signal: AbortSignal): Promise<void> {
    const text = await this.client.text({
      method: "POST",
      path: this.settings.forceWrites ? "db/execute" : "db/request",
      parameters: this.#parameters(),
      body: JSON.stringify([sql]),
      contentType: "application/json",
      repeatable: isRead(sql),
    }, signal);
    await this.show(parseAnswer(text), signal);
  }

  /** Shows a result as the user wants results. */
  async show(result: Result, signal: AbortSignal): Promise<void> {
    const { settings, output } = this;
    await writeResult(result, { settings, output, note: printError }, signal);
  }

  #parameters(): Record<string, string> {
    const { level, timer, blobArray } = this.settings;
    return {
      level,
      ...(timer ? { timings: "" } : {}),
      ...(blobArray ? { blob_array: "" } : {}),
    };
  }

  #report(request: Request, error: unknown, signal: AbortSignal): void {
    this.#failures++;
    if (signal.aborted) {
      const mayWrite = request.type === "sql" && !isRead(request.text);
      printError(mayWrite ? "Cancelled: if it writes, that may still be done\n" : "Cancelled\n");
      return;
    }
    if (!(error instanceof ShellError)) throw error;
    printError(`${this.#errorStyle.error("Error:")} ${messageOf(error)}\n`);
  }
}

/** Whether a statement only reads, for sure: such a one may be sent twice. */
function isRead(sql: string): boolean {
  const tokens = SqlTokens.of(sql);
  return tokens.nextMeaning() && ["SELECT", "VALUES", "EXPLAIN"].includes(tokens.keyword);
}
