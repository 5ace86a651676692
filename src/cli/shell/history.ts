import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { SqlTokens } from "../../sqlite/mod.ts";

const fileName = ".raftlite_history";
const entriesDefault = 100;

/**
 * What was typed, newest first, as readline wants it. Every entry is a line, and is appended to the
 * file at once: several shells may share it, and none loses what it has by being killed. A file that
 * cannot be read or written costs the history, not the shell.
 */
export class History {
  readonly #path: string;
  readonly #max: number;
  readonly #entries: string[] = [];

  /** `max` entries are kept; 0 for no history and no file. */
  constructor(path: string, max: number) {
    this.#path = path;
    this.#max = max;
    if (max > 0) this.#load();
  }

  /** The user's, in the home directory; RQLITE_HISTFILESIZE says how long it is. */
  static ofUser(): History {
    const size = Deno.env.get("RQLITE_HISTFILESIZE") ?? "";
    const max = /^\d{1,9}$/.test(size) ? Number(size) : entriesDefault;
    return new History(join(homedir(), fileName), max);
  }

  get entries(): readonly string[] {
    return this.#entries;
  }

  /** Adds a request; what has line ends becomes one line where that changes nothing. */
  add(text: string): void {
    const lines = asOneLine(text) ?? text;
    for (const line of lines.split("\n")) this.#addLine(line.trim());
  }

  #addLine(line: string): void {
    if (this.#max === 0 || line === "" || line === this.#entries[0]) return;
    this.#entries.unshift(line);
    this.#entries.length = Math.min(this.#entries.length, this.#max);
    try {
      appendFileSync(this.#path, `${line}\n`, { mode: 0o600 });
    } catch {
      // Typed lines stay in memory then.
    }
  }

  #load(): void {
    try {
      const lines = readFileSync(this.#path, "utf8").split("\n").filter((line) => line !== "");
      this.#entries.push(...lines.slice(-this.#max).reverse());
      if (lines.length > 2 * this.#max) {
        const kept = lines.slice(-this.#max).map((line) => `${line}\n`).join("");
        writeFileSync(this.#path, kept, { mode: 0o600 });
      }
    } catch {
      // There is none yet.
    }
  }
}

/** SQL on one line; undefined when a quote or a comment reaches over, or up to, a line's end. */
function asOneLine(sql: string): string | undefined {
  const tokens = SqlTokens.of(sql);
  let line = "";
  while (tokens.next()) {
    const { text } = tokens;
    const isSpace = tokens.kind === "blank" && text.trim() === "";
    if (text.includes("\n") && !isSpace || tokens.kind === "blank" && !isSpace) return undefined;
    line += text.includes("\n") ? " " : text;
  }
  return line;
}
