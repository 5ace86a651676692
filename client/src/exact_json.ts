import type { Value } from "./values.ts";

/**
 * How integers come: as numbers where those are exact and as bigints beyond, or as bigints always.
 */
export type Integers = "exact" | "bigint";

/** Stands for a number that JSON.parse would not give back as it was written. */
type Marked = { readonly integer: string } | { readonly real: string };

const quote = 0x22;
const minus = 0x2d;
const longInteger = /\d{16}/;
const numberToken = /-?\d+(\.\d+)?([eE][-+]?\d+)?/y;

/**
 * JSON.parse, with a mark in place of each number that it would change: not every runtime lets a
 * reviver see how a number was written.
 */
export function parseExact(text: string, integers: Integers): unknown {
  const mayMark = integers === "bigint" ? /[.eE]|\d{16}/ : longInteger;
  return JSON.parse(mayMark.test(text) ? marked(text, integers) : text);
}

function marked(text: string, integers: Integers): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < text.length;) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = endOfString(text, at);
      continue;
    }
    if (code !== minus && !(code >= 0x30 && code <= 0x39)) {
      at++;
      continue;
    }
    numberToken.lastIndex = at;
    const number = numberToken.exec(text)?.[0] ?? text[at] ?? "";
    const mark = markFor(number, integers);
    if (mark !== undefined) {
      parts.push(text.slice(from, at), JSON.stringify(mark));
      from = at + number.length;
    }
    at += number.length;
  }
  return parts.join("") + text.slice(from);
}

function markFor(number: string, integers: Integers): Marked | undefined {
  if (/[.eE]/.test(number)) return integers === "bigint" ? { real: number } : undefined;
  return Number.isSafeInteger(Number(number)) ? undefined : { integer: number };
}

/** Behind the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
  return text.length;
}

/** Rows of an answer, as `parseExact` gave them. */
export function rowsOf(
  rows: readonly (readonly unknown[])[],
  integers: Integers,
): (readonly Value[])[] {
  return rows.map((row) => row.map((value) => valueOf(value, integers)));
}

/** A value of an answer, as `parseExact` gave it. */
export function valueOf(json: unknown, integers: Integers): Value {
  if (typeof json === "number") return integers === "bigint" ? BigInt(json) : json;
  if (typeof json === "string" || json === null) return json;
  if (Array.isArray(json)) return Uint8Array.from(json);
  const mark = json as Marked;
  return "integer" in mark ? BigInt(mark.integer) : Number(mark.real);
}
