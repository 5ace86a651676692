import { type Parameter, Real } from "@raftlite/client";
import { fitsInt64 } from "../../base/int64.ts";
import type { Affinity } from "../../sqlite/affinity.ts";

/** As SQLite writes one: what is not so, `007` say, would come back as another text. */
const integer = /^(?:0|-?[1-9]\d{0,18})$/;
const real = /^-?(?:(?:0|[1-9]\d*)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?$/;
/** SQLite keeps so many digits of a real for sure: https://www.sqlite.org/datatype3.html#type_affinity */
const digitsMax = 15;

function isInteger(text: string): boolean {
  return integer.test(text) && fitsInt64(BigInt(text));
}

/** Whether it comes back from a REAL with all its digits. */
function keepsDigits(text: string): boolean {
  const digits = text.replace(/[eE].*$/, "").replace(/^[-0.]+/, "").replace(".", "");
  return digits.length <= digitsMax || String(Number(text)) === text;
}

/** Whether a double holds it. */
function isExact(value: bigint): boolean {
  return BigInt(Number(value)) === value;
}

/** Finds the type of a column by what is in it. */
export class TypeGuess {
  #integers = false;
  /** Integers that no REAL holds. */
  #long = false;
  #reals = false;
  #texts = false;

  add(value: Parameter): void {
    switch (typeof value) {
      case "bigint":
        this.#addInteger(value);
        break;
      case "number":
        if (Number.isInteger(value)) this.#integers = true;
        else this.#reals = true;
        break;
      case "string":
        this.#texts = true;
        break;
      case "boolean":
        this.#integers = true;
        break;
      default:
        if (value instanceof Real) this.#reals = true;
    }
  }

  /** A value that is a text in the file, whatever it means. */
  addText(text: string): void {
    if (isInteger(text)) this.#addInteger(BigInt(text));
    else if (real.test(text) && keepsDigits(text)) this.#reals = true;
    else this.#texts = true;
  }

  #addInteger(value: bigint): void {
    this.#integers = true;
    this.#long ||= !isExact(value);
  }

  /** `isText`: numbers are texts as well, and become that beside others. */
  type(isText: boolean): string {
    if (!this.#texts && !(this.#reals && this.#long)) {
      return this.#reals ? "REAL" : this.#integers ? "INTEGER" : "TEXT";
    }
    // Without a type each keeps its own.
    return isText || !(this.#integers || this.#reals) ? "TEXT" : "";
  }
}

/**
 * What stands for a value in a column, which is what SQLite would make of it there: a number for a
 * text that is one, which costs the nodes less. Undefined for what is not of the column's type, and
 * would be stored as a text, or as another number.
 */
export function stored(affinity: Affinity, value: Parameter): Parameter | undefined {
  if (affinity !== "INTEGER" && affinity !== "REAL") return value;
  if (typeof value === "bigint") {
    return affinity === "INTEGER" || isExact(value) ? value : undefined;
  }
  if (typeof value !== "string") return value;
  if (affinity === "INTEGER") return storedInteger(value);
  if (!real.test(value) || (integer.test(value) && !isExact(BigInt(value)))) return undefined;
  return new Real(Number(value));
}

/** So many digits are a number, and not too many for SQLite. */
const shortInteger = /^(?:0|-?[1-9]\d{0,14})$/;

function storedInteger(text: string): Parameter | undefined {
  if (shortInteger.test(text)) return Number(text);
  return isInteger(text) ? BigInt(text) : undefined;
}
