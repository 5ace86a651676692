import { type Parameter, Real } from "@raftlite/client";
import { fitsInt64 } from "../../base/int64.ts";
import { messageOf } from "../../base/message_of.ts";
import { TypeGuess } from "./column_types.ts";
import { ExactNumber, parseExact } from "../shell/exact_json.ts";
import { ShellError } from "../shell/shell_error.ts";
import { type Line, linesOf } from "./lines.ts";
import { guessedRows, ImportError, rowsAtATime, type Source, type SourceRow } from "./types.ts";

/**
 * Opens a file of JSON objects, one a line; what a line does not name is NULL. `more`: columns that
 * its first rows may not have.
 */
export async function openNdjson(path: string, more: readonly string[]): Promise<Source> {
  const guesses = new Map(more.map((name) => [name, new TypeGuess()]));
  let rows = 0;
  let isEmpty = true;
  for await (const line of linesOf(path)) {
    const object = objectIn(line);
    if (object === undefined) continue;
    isEmpty = false;
    for (const [name, json] of Object.entries(object)) {
      const guess = guesses.get(name) ?? new TypeGuess();
      guesses.set(name, guess);
      guess.add(valueOf(json));
    }
    if (++rows >= guessedRows) break;
  }
  if (isEmpty || guesses.size === 0) throw new ImportError(`File ${path} has no JSON objects`);
  const columns = [...guesses].map(([name, guess]) => ({ name, type: guess.type(false) }));
  return {
    format: "JSON, an object a line",
    columns,
    primaryKey: [],
    notes: [],
    isText: false,
    rows: () => grouped(path, columns.map(({ name }) => name)),
    [Symbol.dispose]() {},
  };
}

async function* grouped(
  path: string,
  names: readonly string[],
): AsyncGenerator<readonly SourceRow[]> {
  const known = new Set(names);
  let group: SourceRow[] = [];
  for await (const line of linesOf(path)) {
    const object = objectIn(line);
    if (object === undefined) continue;
    const place = `Line ${line.number}`;
    for (const name of Object.keys(object)) {
      if (!known.has(name)) {
        throw new ImportError(
          `${place}, column ${
            JSON.stringify(name)
          }: none of the first ${guessedRows} rows has it; name it by -types`,
        );
      }
    }
    const values = names.map((name) => Object.hasOwn(object, name) ? valueOf(object[name]) : null);
    group.push({ values, place, bytes: line.bytes });
    if (group.length < rowsAtATime) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * What a number in JavaScript does not tell of how it was written: 1.0, 1e3, -0, and many digits, of
 * which those behind the point may come to 1.0.
 */
const lossy = /\d\.0+(?!\d)|\d[eE][-+\d]|-0(?![.\d])|\d{16}|\d[.\d]{16}/;

/**
 * The fields of a line where JavaScript's own JSON keeps all of them, which takes half of the time;
 * undefined for one that has to be looked at.
 */
function plainFields(text: string): Fields | undefined {
  if (lossy.test(text)) return undefined;
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
    const isFlat = Object.values(json).every((value) =>
      typeof value !== "object" || value === null
    );
    return isFlat ? json as Fields : undefined;
  } catch {
    return undefined;
  }
}

/** The object of a line; undefined for a blank one. */
function objectIn({ text, number }: Line): Fields | undefined {
  const plain = plainFields(text);
  if (plain !== undefined) return plain;
  if (text.trim() === "") return undefined;
  let json: unknown;
  try {
    json = parseExact(text);
  } catch (error) {
    if (!(error instanceof ShellError)) throw error;
    throw new ImportError(`Line ${number} is not JSON: ${reasonOf(text)}`);
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) {
    if (!(json instanceof ExactNumber)) return json as Fields;
  }
  throw new ImportError(`Line ${number} is no JSON object`);
}

/** In the words of the parser, which name the column. */
function reasonOf(text: string): string {
  try {
    JSON.parse(text);
    return "";
  } catch (error) {
    return messageOf(error).slice(0, 200);
  }
}

/** Numbers to the last digit; arrays and objects as their JSON. */
function valueOf(json: unknown): Parameter {
  if (json instanceof ExactNumber) return numberOf(json.source);
  if (typeof json === "object" && json !== null) return JSON.stringify(json);
  return json as Parameter;
}

function numberOf(source: string): Parameter {
  const exact = /^-?\d{1,19}$/.test(source) ? BigInt(source) : undefined;
  return exact !== undefined && fitsInt64(exact) ? exact : new Real(Number(source));
}
