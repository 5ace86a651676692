import { ShellError } from "./shell_error.ts";

/** A number as the server wrote it: a double would not hold every 64-bit integer. */
export class ExactNumber {
  constructor(readonly source: string) {}

  toString(): string {
    return this.source;
  }

  /** JSON.stringify writes the same digits again: https://tc39.es/proposal-json-parse-with-source/ */
  toJSON(): unknown {
    return rawJson(this.source);
  }
}

/** TypeScript's libraries do not declare JSON.rawJSON yet. */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(source: string): unknown };

type Reviver = (key: string, value: unknown) => unknown;

/** JSON.parse with an ExactNumber for every number; throws a ShellError for what is not JSON. */
export function parseExact(text: string): unknown {
  const revive = (_key: string, value: unknown, context: { readonly source?: string }) =>
    typeof value === "number" ? new ExactNumber(context.source ?? String(value)) : value;
  try {
    return JSON.parse(text, revive as Reviver);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ShellError(`Answer is not JSON: ${text.slice(0, 200)}`);
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof ExactNumber);
}
