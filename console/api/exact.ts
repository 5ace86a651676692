/** A number that JavaScript would not give back as it was written: a large integer, or 1.0. */
export class ExactNumber {
  constructor(readonly source: string) {}

  toString(): string {
    return this.source;
  }
}

/** What a cell holds: integers that fit, and reals, are numbers; blobs are bytes. */
export type Value =
  | null
  | string
  | number
  | boolean
  | ExactNumber
  | readonly number[];

/** Texts with a number that JSON.parse alone might change; also some without one, which costs time only. */
const riskyNumber = /\d{16}|\d\.0*[,\]}\s]|\d[eE]/;

type Context = { readonly source?: string };
type Reviver = (this: unknown, key: string, value: unknown) => unknown;

/** JSON.parse, but exact. */
export function parseExact(text: string): unknown {
  if (!riskyNumber.test(text)) return JSON.parse(text);
  const revive = (_key: string, value: unknown, context?: Context) => {
    const source = context?.source;
    if (typeof value !== "number" || source === undefined) return value;
    return String(value) === source ? value : new ExactNumber(source);
  };
  return JSON.parse(text, revive as Reviver);
}

/** JSON.stringify, with the digits of exact numbers. */
export function stringifyExact(value: unknown): string {
  if (value instanceof ExactNumber) return value.source;
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(stringifyExact).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([name, member]) => `${JSON.stringify(name)}:${stringifyExact(member)}`);
    return `{${members.join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
