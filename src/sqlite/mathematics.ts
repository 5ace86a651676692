import * as exponentials from "../base/exponentials.ts";
import * as trigonometry from "../base/trigonometry.ts";
import type { RawFunctionBody, RawFunctionParts } from "./callbacks.ts";
import type { Library } from "./library.ts";
import { ColumnType } from "./memory.ts";

type Symbols = Library["symbols"];

const { exp, ln, log2, log10, pow, sinh, cosh, tanh, asinh, acosh, atanh } = exponentials;
const { sin, cos, tan, asin, acos, atan, atan2 } = trigonometry;

const ofOne = {
  ...{ acos, acosh, asin, asinh, atan, atanh, cos, cosh, exp, sin, sinh, tan, tanh },
  ln: positive(ln),
  log: positive(log10),
  log10: positive(log10),
  log2: positive(log2),
} as const;

const ofTwo = { atan2, pow, power: pow } as const;

/**
 * What takes the place of SQLite's mathematical functions, where that has any: ones that give the
 * same double on every node. SQLite's own are the C library's, of which no two answer alike, and one
 * answers otherwise on another processor; V8's differ from one Deno to the next. What SQLite works
 * out by plain arithmetic stays: sqrt(), ceil(), floor(), trunc(), mod(), degrees(), radians(), pi().
 *
 * They take what SQLite's take (https://www.sqlite.org/lang_mathfunc.html): NULL comes of anything
 * that does not look like a number, and of what is out of a function's domain.
 */
export function mathematicalFunctions(c: Symbols): RawFunctionParts[] {
  const functions: RawFunctionParts[] = [];
  const add = (name: string, argumentCount: number, body: RawFunctionBody) =>
    functions.push({ name, argumentCount, body, deterministic: true, innocuous: true });
  for (const [name, body] of Object.entries(ofOne)) {
    add(name, 1, (context, _, argv) => {
      const x = numberAt(c, argv, 0);
      // Without a number NULL, which a result is until it is set; a NaN becomes NULL by itself.
      if (x !== undefined) c.sqlite3_result_double(context, body(x));
    });
  }
  for (const [name, body] of Object.entries(ofTwo)) {
    add(name, 2, (context, _, argv) => {
      const x = numberAt(c, argv, 0);
      const y = numberAt(c, argv, 1);
      if (x !== undefined && y !== undefined) c.sqlite3_result_double(context, body(x, y));
    });
  }
  add("log", 2, (context, _, argv) => {
    const base = numberAt(c, argv, 0);
    if (base === undefined) return;
    // SQLite looks at the type of the base alone, and takes "8 bits" for 8.
    const x = c.sqlite3_value_double(valueAt(argv, 1));
    const below = positive(ln)(base);
    if (below > 0 && x > 0) c.sqlite3_result_double(context, ln(x) / below);
  });
  return functions;
}

/** Where C's logarithm of 0 is -Infinity, SQLite's is NULL. */
function positive(logarithm: (x: number) => number): (x: number) => number {
  return (x) => x > 0 ? logarithm(x) : NaN;
}

function valueAt(argv: Deno.PointerValue, position: number): Deno.PointerValue {
  return argv === null ? null : new Deno.UnsafePointerView(argv).getPointer(position * 8);
}

/** undefined when the argument does not look like a number. */
function numberAt(c: Symbols, argv: Deno.PointerValue, position: number): number | undefined {
  const value = valueAt(argv, position);
  const type = c.sqlite3_value_numeric_type(value);
  if (type !== ColumnType.integer && type !== ColumnType.float) return undefined;
  return c.sqlite3_value_double(value);
}
