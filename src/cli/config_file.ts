import { readFileSync } from "node:fs";
import { messageOf } from "../base/message_of.ts";
import { FlagError } from "./flag_error.ts";

/** Far above what all flags take. */
const bytesMax = 1024 * 1024;

/** A flag as a file gives it. */
export interface ConfigLine {
  readonly name: string;
  /** Undefined for a name alone, which sets a switch. */
  readonly text: string | undefined;
  /** `FILE:LINE`. */
  readonly place: string;
}

/** Reads the file of -config; throws a FlagError, which names the place and repeats no values. */
export function readConfigFile(path: string): readonly ConfigLine[] {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new FlagError(1, `File of -config cannot be read: ${messageOf(error)}`);
  }
  if (bytes.length > bytesMax) {
    throw new FlagError(1, `File of -config has more than ${bytesMax} bytes: ${path}`);
  }
  return parseConfig(textOf(bytes, path), path);
}

function textOf(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new FlagError(1, `File of -config is no text in UTF-8: ${path}`);
  }
}

/**
 * One flag a line: `flag = value`, `flag value`, or `flag` alone for a switch, with its dashes or
 * without. `#` begins a comment at the start of a line and behind a space; a value in quotes is taken
 * as it stands between them. Each flag once: what a second one means, nobody can see.
 */
export function parseConfig(text: string, path: string): readonly ConfigLine[] {
  const found = new Map<string, ConfigLine>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const place = `${path}:${index + 1}`;
    if (/^\s*(?:#|$)/.test(line)) continue;
    const [, name, rest = ""] = /^\s*-{0,2}([A-Za-z][\w-]*)(?=[\s=]|$)(.*)$/.exec(line) ?? [];
    if (name === undefined) {
      throw new FlagError(
        2,
        `${place}: write one flag a line, as flag = value, or # and a comment`,
      );
    }
    const earlier = found.get(name);
    if (earlier !== undefined) {
      throw new FlagError(2, `${place}: Flag -${name} stands in ${earlier.place} already`);
    }
    found.set(name, { name, text: valueOf(rest, name, place), place });
  }
  return [...found.values()];
}

/** What stands behind a flag's name; undefined for nothing. */
function valueOf(rest: string, name: string, place: string): string | undefined {
  const [, equals, value = ""] = /^\s*(=)?\s*(.*)$/.exec(rest) ?? [];
  const quote = value[0];
  if (quote === '"' || quote === "'") {
    const end = value.indexOf(quote, 1);
    if (end < 0 || !/^\s*(?:#|$)/.test(value.slice(end + 1))) {
      throw new FlagError(2, `${place}: the quotes around the value of -${name} do not enclose it`);
    }
    return value.slice(1, end);
  }
  const bare = value.replace(/(?:^|\s+)#.*$/, "").trimEnd();
  return bare === "" && equals === undefined ? undefined : bare;
}
