import { DurationError, parseDuration } from "./duration.ts";
import { messageOf } from "./message_of.ts";

/** What is wrong with a configuration file. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Kinds of values as Go's encoding/json names them in its errors. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "object") return "object";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** The values of a JSON object by their keys, each of the type that it is asked for as. */
export class JsonFields {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #name: string;
  readonly #used = new Set<string>();

  /** @param name Of what the object configures, for errors. */
  constructor(value: unknown, name: string) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new ConfigError(
        `json: cannot unmarshal ${kindOf(value)} into Go value of type ${name}`,
      );
    }
    this.#fields = new Map(Object.entries(value));
    this.#name = name;
  }

  /** Keys that nobody has asked for. */
  get unknown(): string[] {
    return [...this.#fields.keys()].filter((key) => !this.#used.has(key));
  }

  /** Marks keys as known that are not read. */
  pass(...keys: readonly string[]): void {
    for (const key of keys) this.#used.add(key);
  }

  /** null is as if it were not there, as in Go. */
  get(key: string): unknown {
    this.#used.add(key);
    return this.#fields.get(key) ?? undefined;
  }

  text(key: string): string {
    const value = this.get(key) ?? "";
    if (typeof value !== "string") throw this.#mismatch(key, value, "string");
    return value;
  }

  flag(key: string): boolean {
    const value = this.get(key) ?? false;
    if (typeof value !== "boolean") throw this.#mismatch(key, value, "bool");
    return value;
  }

  whole(key: string): number {
    const value = this.get(key) ?? 0;
    if (typeof value !== "number" || !Number.isSafeInteger(value)) {
      throw this.#mismatch(key, value, "int");
    }
    return value;
  }

  /** In ms, of a Go duration or a number of nanoseconds; undefined when it is not there. */
  duration(key: string): number | undefined {
    const value = this.get(key);
    if (value === undefined) return undefined;
    if (typeof value === "number") return value / 1e6;
    if (typeof value !== "string") throw new ConfigError("invalid duration");
    try {
      return parseDuration(value);
    } catch (error) {
      throw error instanceof DurationError ? new ConfigError(`time: ${error.message}`) : error;
    }
  }

  #mismatch(key: string, value: unknown, type: string): ConfigError {
    const what = typeof value === "number" && type === "int" ? `number ${value}` : kindOf(value);
    return new ConfigError(
      `json: cannot unmarshal ${what} into Go struct field ${this.#name}.${key} of type ${type}`,
    );
  }
}

/** Throws a ConfigError with what is wrong. */
export function parseJson(text: string): unknown {
  if (text.trim() === "") throw new ConfigError("unexpected end of JSON input");
  try {
    return JSON.parse(text);
  } catch (error) {
    // What the engine cites of the text may be a secret.
    throw new ConfigError(messageOf(error).replace(/,? ?(\.\.\.)?".*$/s, "").replace(/ *$/, ""));
  }
}
