import { messageOf } from "../base/message_of.ts";
import type { Clock, Logger } from "../io/types.ts";
import type { Discovery } from "./types.ts";

/** Between two looks, in ms: doubles from the first to the second while nothing is found. */
const pauseMsMin = 1_000;
const pauseMsMax = 10_000;

interface Parts {
  /** What the operator named. */
  readonly named: readonly string[];
  readonly discovery?: Discovery | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Where this node may find others: what the operator named, and what discovery says as of now. */
export class Seeds {
  readonly #parts: Parts;
  #found: readonly string[] = [];
  /** What was last said of the looks. */
  #said = "";
  #vain = 0;
  #nextAt = 0;
  #looking: Promise<boolean> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Whether there is anything to begin with. */
  get none(): boolean {
    return this.#parts.named.length === 0 && this.#parts.discovery === undefined;
  }

  /**
   * The addresses, after a look if one is due. Never rejects: what discovery could not say goes to
   * the log, and what it said before counts on.
   */
  async addresses(): Promise<readonly string[]> {
    await this.look();
    return [...new Set([...this.#parts.named, ...this.#found])];
  }

  /** True unless the last look failed. Asks at most once in a while, however often it is called. */
  async look(): Promise<boolean> {
    const { discovery, clock } = this.#parts;
    if (discovery === undefined) return true;
    if (this.#looking === undefined && clock.now() < this.#nextAt) return this.#vain === 0;
    this.#looking ??= this.#ask(discovery);
    try {
      return await this.#looking;
    } finally {
      this.#looking = undefined;
    }
  }

  async #ask(discovery: Discovery): Promise<boolean> {
    try {
      this.#found = await discovery.look();
      this.#vain = 0;
      const found = this.#found.join(", ");
      this.#say("INFO", `Discovery by ${discovery.mode} found ${found === "" ? "nobody" : found}`);
    } catch (error) {
      this.#vain++;
      this.#say("WARN", `${messageOf(error)}; it is tried again until there is an answer`);
    }
    const { clock } = this.#parts;
    this.#nextAt = clock.now() +
      Math.min(pauseMsMax, pauseMsMin * 2 ** Math.max(0, this.#vain - 1));
    return this.#vain === 0;
  }

  #say(level: "INFO" | "WARN", text: string): void {
    this.#parts.logger.log(text === this.#said ? "DEBUG" : level, "discovery", text);
    this.#said = text;
  }
}
