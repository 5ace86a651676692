import { DiscoveryError, type DiscoveryMode } from "./types.ts";

/** What -disco-config may hold, in bytes. */
const bytesMax = 1024 * 1024;

/** A JSON object whose parts are read by their names and kinds; unknown ones are passed over, as in rqlite. */
export class JsonConfiguration {
  readonly #mode: DiscoveryMode;
  readonly #parts: ReadonlyMap<string, unknown>;
  readonly #path: string;

  private constructor(mode: DiscoveryMode, value: object, path: string) {
    this.#mode = mode;
    // As Go has it: keys match whatever their case.
    this.#parts = new Map(Object.entries(value).map(([key, part]) => [key.toLowerCase(), part]));
    this.#path = path;
  }

  /**
   * Reads -disco-config: the file of that name if there is one, else the text itself; $NAME and
   * ${NAME} stand for the environment's. Throws a DiscoveryError.
   */
  static read(mode: DiscoveryMode, given: string): JsonConfiguration {
    if (given === "") return new JsonConfiguration(mode, {}, "");
    const text = expandEnvironment(fileText(given) ?? given);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      // The error of the parser would show a piece of the text, where a password may be.
      throw new DiscoveryError(
        `-disco-config for ${mode} is neither a file nor JSON: give a file's name, or an object such as {"name": "…"}`,
      );
    }
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new DiscoveryError(`-disco-config for ${mode} must be a JSON object`);
    }
    return new JsonConfiguration(mode, value, "");
  }

  #part<T>(key: string, kind: string, is: (value: unknown) => value is T): T | undefined {
    const value = this.#parts.get(key.toLowerCase());
    if (value === undefined || value === null) return undefined;
    if (is(value)) return value;
    this.refuse(key, `must be ${kind}`);
  }

  /** "" when it is not there. */
  text(key: string): string {
    return this.#part(key, "a text", (value) => typeof value === "string") ?? "";
  }

  /** A whole number of at least 0. */
  count(key: string): number | undefined {
    return this.#part(
      key,
      "a whole number",
      (value): value is number => Number.isSafeInteger(value) && Number(value) >= 0,
    );
  }

  isOn(key: string): boolean {
    return this.#part(key, "true or false", (value) => typeof value === "boolean") ?? false;
  }

  texts(key: string): readonly string[] {
    const is = (value: unknown): value is string[] =>
      Array.isArray(value) && value.every((item) => typeof item === "string");
    return this.#part(key, "an array of texts", is) ?? [];
  }

  /** The object under `key`; undefined when it is not there. */
  object(key: string): JsonConfiguration | undefined {
    const is = (value: unknown): value is object =>
      typeof value === "object" && !Array.isArray(value);
    const value = this.#part(key, "an object", is);
    return value && new JsonConfiguration(this.#mode, value, `${this.#path}${key}.`);
  }

  /** Throws the DiscoveryError for a part that cannot be as it is. */
  refuse(key: string, why: string): never {
    throw new DiscoveryError(`-disco-config for ${this.#mode}: ${this.#path}${key} ${why}`);
  }
}

/** What is in the file; undefined when none can be opened. */
function fileText(path: string): string | undefined {
  try {
    if (!Deno.statSync(path).isFile) return undefined;
  } catch {
    return undefined;
  }
  const text = Deno.readTextFileSync(path);
  if (text.length > bytesMax) throw new DiscoveryError(`-disco-config ${path} is too long`);
  return text;
}

function expandEnvironment(text: string): string {
  return text.replace(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (_, braced?: string, plain?: string) => Deno.env.get(braced ?? plain ?? "") ?? "",
  );
}
