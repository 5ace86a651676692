/**
 * What SQLite has. Its integers are numbers where those are exact and bigints beyond, its reals are
 * numbers, its blobs bytes.
 */
export type Value = null | number | bigint | string | Uint8Array;

/** A REAL, where a number without a fraction would be an INTEGER. */
export class Real {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** What may be bound: booleans as 1 and 0, a bigint or a number without a fraction as an integer. */
export type Parameter = Value | boolean | Real;

/** By their positions, or by their names, without the sign in front. */
export type Parameters = readonly Parameter[] | Readonly<Record<string, Parameter>>;

/** A statement of several. */
export type Statement = string | { readonly sql: string; readonly params?: Parameters };

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/** The JSON of statements, as the API reads it with `exact`. */
export function statementsText(statements: readonly Statement[]): string {
  return `[${statements.map(statementText).join(",")}]`;
}

function statementText(statement: Statement): string {
  const { sql, params = [] } = typeof statement === "string" ? { sql: statement } : statement;
  const parts = [textOf(sql, "The SQL")];
  if (isList(params)) {
    params.forEach((value, i) => parts.push(valueText(value, i + 1)));
  } else {
    const named = Object.entries(params).map(([name, value]) => {
      if (!/^\p{L}/u.test(name)) {
        throw new TypeError(
          `Parameter ${JSON.stringify(name)} has no name: it is written without its sign`,
        );
      }
      return `${JSON.stringify(name)}:${valueText(value, name)}`;
    });
    if (named.length > 0) parts.push(`{${named.join(",")}}`);
  }
  return `[${parts.join(",")}]`;
}

function isList(params: Parameters): params is readonly Parameter[] {
  return Array.isArray(params);
}

/** Its name or its number, for errors. */
type ParameterName = string | number;

function valueText(value: Parameter, name: ParameterName): string {
  switch (typeof value) {
    case "string":
      if (value.isWellFormed()) return JSON.stringify(value);
      break;
    case "number":
      if (!Number.isNaN(value)) return numberText(value);
      break;
    case "bigint":
      if (value >= int64Min && value <= int64Max) return String(value);
      break;
    case "boolean":
      return value ? "1" : "0";
    default:
      if (value === null) return "null";
      if (value instanceof Uint8Array) return `[${value.join(",")}]`;
      if (value instanceof Real && !Number.isNaN(value.value)) return numberText(value.value, true);
  }
  throw unbindable(value, `Parameter ${name}`);
}

function unbindable(value: Parameter, what: string): Error {
  if (typeof value === "string") return halfPair(what);
  if (typeof value === "bigint") {
    return new RangeError(`${what} is ${value}: integers have 64 bits`);
  }
  if (typeof value === "number" || value instanceof Real) {
    return new TypeError(`${what} is NaN, which SQLite has no value for`);
  }
  return new TypeError(
    `${what} is ${
      describe(value)
    }: bind null, a number, a bigint, a string, a boolean or a Uint8Array`,
  );
}

/** What no SQL value is, for an error. */
function describe(value: unknown): string {
  return typeof value === "object" ? `a ${value?.constructor?.name ?? "object"}` : typeof value;
}

function textOf(value: string, what: string): string {
  if (!value.isWellFormed()) throw halfPair(what);
  return JSON.stringify(value);
}

function halfPair(what: string): TypeError {
  return new TypeError(`${what} has half of a surrogate pair in it, which UTF-8 has no bytes for`);
}

/** Integers have digits only, and reals a point or an exponent. */
function numberText(value: number, isReal = false): string {
  if (!Number.isFinite(value)) return value < 0 ? "-1e999" : "1e999";
  if (Object.is(value, -0)) return "-0.0";
  const text = String(value);
  if (/[.e]/.test(text)) return text;
  return Number.isSafeInteger(value) && !isReal ? text : `${text}.0`;
}
