import { fitsInt64 } from "../base/int64.ts";

/** A value as SQLite hands it out: integers are numbers where those are exact, else bigints. */
export type ColumnValue = null | number | bigint | string | Uint8Array<ArrayBuffer>;

/** A parameter: booleans, bigints and numbers without a fraction bind as integers, other numbers as reals. */
export type BindValue = null | undefined | number | bigint | boolean | string | Uint8Array;

/** Parameters by position, or by name with or without the `:`, `@` or `$` before it. */
export type BindParameters = readonly BindValue[] | Readonly<Record<string, BindValue>>;

/** As `Database.exec` takes them: one by one, or as one array or object. */
export type BindArguments = BindValue[] | [BindParameters];

/** Result of `columnType`. https://www.sqlite.org/c3ref/c_blob.html */
export const ColumnType = { integer: 1, float: 2, text: 3, blob: 4, null: 5 } as const;

/** `value` as SQLite's integer; throws when it does not fit in 64 bits. */
export function toInt64(value: bigint | number): bigint {
  const integer = BigInt(value);
  if (!fitsInt64(integer)) {
    throw new RangeError(`Integer does not fit in 64 bits: ${value}`);
  }
  return integer;
}

/** Whether a number is bound as an integer: it has no fraction and fits in 64 bits. */
export function isInt64(value: number): boolean {
  return Number.isInteger(value) && value >= -(2 ** 63) && value < 2 ** 63;
}

/** Splits what a call was given into parameters by position or by name. */
export function toParameters(given: BindArguments): BindParameters {
  const [first] = given;
  if (
    given.length === 1 && typeof first === "object" && first !== null &&
    !(first instanceof Uint8Array)
  ) return first;
  return given as BindValue[];
}

/** Whether parameters are given by position; otherwise they are by name. */
export function isPositional(parameters: BindParameters): parameters is readonly BindValue[] {
  return Array.isArray(parameters);
}
