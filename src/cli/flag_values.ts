import { parseArgs } from "node:util";
import { AddressError, parseAddress } from "../io/address.ts";
import type { LogLevel } from "../io/types.ts";
import { withTwoDashes } from "./dashes.ts";
import { DurationError, parseDuration } from "../base/duration.ts";
import { FlagError } from "./flag_error.ts";
import { flagTable } from "./flag_table.ts";
import type { FlagName } from "./flag_table.ts";
import type { FlagKind, FlagSpec } from "./flag_spec.ts";
import { foreignFlags } from "./foreign_flags.ts";
import { nearest } from "./suggestion.ts";
import { parseSwitch } from "./switches.ts";

const levels: readonly LogLevel[] = ["DEBUG", "INFO", "WARN", "ERROR"];

type ValueOf<Kind extends FlagKind> = Kind extends "switch" ? boolean
  : Kind extends "duration" | "count" | "size" ? number
  : Kind extends "addresses" ? readonly string[]
  : Kind extends "level" ? LogLevel
  : string;

/** Every flag's value: durations in milliseconds, sizes in bytes. */
export type FlagValues = {
  readonly [Name in FlagName]: ValueOf<(typeof flagTable)[Name]["kind"]>;
};

export interface CommandLine {
  readonly values: FlagValues;
  /** What stands on the command line beside the flags. */
  readonly positionals: readonly string[];
  /** The flags that were given and mean something here, in a form that can be given again. */
  readonly given: ReadonlyMap<FlagName, string>;
  /** Flags that were passed over. */
  readonly warnings: readonly string[];
}

/**
 * Reads flags as Go's flag package does, since scripts for rqlite rely on it: one dash or two,
 * `-flag value`, `-flag=value`, switches without a value or with `=true` and `=false`, the last of
 * several counts. Unlike there, flags may also follow the data directory. Throws a FlagError.
 */
export function readFlags(args: readonly string[]): CommandLine {
  const { tokens } = parseArgs({
    args: withTwoDashes(args, takesValue),
    strict: false,
    tokens: true,
  });
  const given = new Map<FlagName, string>();
  const positionals: string[] = [];
  const warnings: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") {
      positionals.push(token.value);
    } else if (token.kind === "option") {
      const text = token.value ?? "true";
      if (isFlagName(token.name)) given.set(token.name, text);
      else judgeForeignFlag(token.name, text, warnings);
    }
  }
  const entries = Object.entries<FlagSpec>(flagTable).map(([name, spec]) => {
    const text = (isFlagName(name) ? given.get(name) : undefined) ?? spec.default;
    const value = valueOf(name, () => readValue(spec, text), text);
    if (spec.cutAt === undefined || Number(value) <= spec.cutAt) return [name, value];
    warnings.push(`Flag -${name} counts as its most, ${spec.cutAt}ms`);
    return [name, spec.cutAt];
  });
  return { values: Object.fromEntries(entries) as FlagValues, positionals, given, warnings };
}

function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(flagTable, name);
}

/** Whether the next argument belongs to the flag; throws a FlagError for a flag that nobody knows. */
function takesValue(name: string): boolean {
  if (isFlagName(name)) return flagTable[name].kind !== "switch";
  const foreign = foreignFlags.get(name);
  if (foreign !== undefined) return foreign.takesValue;
  const meant = nearest(name, [...Object.keys(flagTable), ...foreignFlags.keys()]);
  const suggestion = meant === undefined ? "see -help for all flags" : `did you mean -${meant}?`;
  throw new FlagError(2, `Unknown flag -${name}: ${suggestion}`);
}

function judgeForeignFlag(name: string, text: string, warnings: string[]): void {
  const foreign = foreignFlags.get(name);
  if (foreign === undefined) return;
  const asked = foreign.takesValue ? text : String(valueOf(name, () => parseSwitch(text), text));
  if (foreign.off.includes(asked) || (foreign.isPeriod && isNoTime(asked))) return;
  if (foreign.treatment === "refused") {
    throw new FlagError(2, `Flag -${name} is not supported yet: remove it to go on without`);
  }
  warnings.push(`Flag -${name} has no effect here and was passed over`);
}

function isNoTime(text: string): boolean {
  try {
    return parseDuration(text) === 0;
  } catch (error) {
    if (error instanceof DurationError) return false;
    throw error;
  }
}

/** Runs `read`, and says of which flag's text it was that something is wrong with. */
function valueOf<T>(name: string, read: () => T, text: string): T {
  try {
    return read();
  } catch (error) {
    const wrongAddress = error instanceof AddressError;
    if (!(wrongAddress || error instanceof RangeError || error instanceof DurationError)) {
      throw error;
    }
    const value = JSON.stringify(text);
    throw new FlagError(
      wrongAddress ? 1 : 2,
      `Invalid value ${value} for flag -${name}: ${error.message}`,
    );
  }
}

/** A flag's value from its text; throws a RangeError, DurationError or AddressError. */
function readValue(spec: FlagSpec, text: string): unknown {
  switch (spec.kind) {
    case "text":
      return text.trim();
    case "switch":
      return parseSwitch(text);
    case "address":
      if (text !== "") parseAddress(text);
      return text;
    case "addresses": {
      const addresses = text === "" ? [] : text.split(",").map((address) => address.trim());
      addresses.forEach(parseAddress);
      return addresses;
    }
    case "duration":
      return bounded(spec, parseDuration(text), (bound) => `${bound}ms`);
    case "count":
      if (!/^\+?\d{1,15}$/.test(text)) throw new RangeError("not a whole number");
      return bounded(spec, Number(text), String);
    case "size":
      return bounded(spec, parseSize(text), (bound) => `${bound} bytes`);
    case "level": {
      const level = levels.find((name) => name === text.toUpperCase());
      if (level === undefined) throw new RangeError(`not one of ${levels.join(", ")}`);
      return level;
    }
  }
}

function parseSize(text: string): number {
  const match = /^(\d{1,15})(|KiB|MiB|GiB)$/i.exec(text);
  if (match === null) throw new RangeError("not a number of bytes, such as 1048576 or 1MiB");
  const power = ["", "kib", "mib", "gib"].indexOf((match[2] ?? "").toLowerCase());
  return Number(match[1]) * 1024 ** power;
}

function bounded(spec: FlagSpec, value: number, name: (bound: number) => string): number {
  const { min = -Infinity, max = Infinity } = spec;
  if (value < min) throw new RangeError(`at least ${name(min)}`);
  if (value > max) throw new RangeError(`at most ${name(max)}`);
  return value;
}
