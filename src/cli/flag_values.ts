import { parseArgs } from "node:util";
import { AddressError, parseAddress } from "../io/address.ts";
import type { LogLevel } from "../io/types.ts";
import { withTwoDashes } from "./dashes.ts";
import { DurationError, parseDuration } from "../base/duration.ts";
import { readConfigFile } from "./config_file.ts";
import { flagsOf, misspelt, variableOf, type Variables } from "./environment_flags.ts";
import { FlagError } from "./flag_error.ts";
import { type FlagName, flagTable } from "./flag_table.ts";
import { type FlagKind, type FlagSpec, logLevels } from "./flag_spec.ts";
import { foreignFlags } from "./foreign_flags.ts";
import { nearest } from "./suggestion.ts";
import { parseSwitch } from "./switches.ts";

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
  /** The flags that the command line gives and that mean something here, as they can be given again. */
  readonly given: ReadonlyMap<FlagName, string>;
  /** What all flags are given, wherever; the others have their defaults. */
  readonly texts: ReadonlyMap<FlagName, string>;
  /** Where flags come from that the command line does not give: a variable, or a file's line. */
  readonly elsewhere: ReadonlyMap<string, string>;
  /** Flags that were passed over. */
  readonly warnings: readonly string[];
}

/** A flag's text, and what an error calls the flag. */
interface Given {
  readonly text: string;
  readonly label: string;
  /** Undefined for the command line. */
  readonly source?: string;
}

/** Flags that mean something here, or to rqlite. */
const knownNames: readonly string[] = [...Object.keys(flagTable), ...foreignFlags.keys()];

/** Flags that ask for a page in place of a node. */
const commandLineOnly: ReadonlySet<string> = new Set(["help", "version"]);

/**
 * Reads flags as Go's flag package does, since scripts for rqlite rely on it: one dash or two,
 * `-flag value`, `-flag=value`, switches without a value or with `=true` and `=false`, the last of
 * several counts. Unlike there, flags may also follow the data directory. What the command line does
 * not give is taken from the environment, then from the file of -config. Throws a FlagError.
 */
export function readFlags(args: readonly string[], variables: Variables = {}): CommandLine {
  const { tokens } = parseArgs({
    args: withTwoDashes(args, takesValue),
    strict: false,
    tokens: true,
  });
  const onCommandLine = new Map<string, Given>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") {
      positionals.push(token.value);
    } else if (token.kind === "option") {
      onCommandLine.set(token.name, {
        text: token.value ?? "true",
        label: `flag -${token.name}`,
      });
    }
  }
  const warnings: string[] = [];
  const elsewhere = asksForPage(onCommandLine)
    ? new Map<string, Given>()
    : givenElsewhere(onCommandLine.get("config")?.text, variables, warnings);
  const all = new Map([...elsewhere, ...onCommandLine]);
  for (const [name, given] of all) {
    if (!isFlagName(name)) judgeForeignFlag(name, given, warnings);
  }
  const entries = Object.entries<FlagSpec>(flagTable).map(([name, spec]) => {
    const given = all.get(name) ?? { text: spec.default, label: `flag -${name}` };
    const value = valueOf(given, (text) => readValue(spec, text));
    if (spec.cutAt === undefined || Number(value) <= spec.cutAt) return [name, value];
    warnings.push(`Flag -${name} counts as its most, ${spec.cutAt}ms`);
    return [name, spec.cutAt];
  });
  const textsOf = (given: ReadonlyMap<string, Given>) =>
    new Map(
      [...given].flatMap(([name, { text }]): [FlagName, string][] =>
        isFlagName(name) ? [[name, text]] : []
      ),
    );
  const sources = [...all].flatMap(([name, { source }]): [string, string][] =>
    source === undefined ? [] : [[name, source]]
  );
  return {
    values: Object.fromEntries(entries) as FlagValues,
    positionals,
    given: textsOf(onCommandLine),
    texts: textsOf(all),
    elsewhere: new Map(sources),
    warnings,
  };
}

function asksForPage(given: ReadonlyMap<string, Given>): boolean {
  return [...commandLineOnly].some((name) => {
    const asked = given.get(name);
    return asked !== undefined && valueOf(asked, parseSwitch);
  });
}

/** What the file of -config gives, and above it the environment. */
function givenElsewhere(
  pathOnCommandLine: string | undefined,
  variables: Variables,
  warnings: string[],
): Map<string, Given> {
  const names = knownNames.filter((name) => !commandLineOnly.has(name));
  warnings.push(...misspelt(variables, names));
  const given = new Map<string, Given>();
  const ofVariables = flagsOf(variables, names);
  const path = (pathOnCommandLine ?? ofVariables.get("config") ?? "").trim();
  for (const { name, text, place } of path === "" ? [] : readConfigFile(path)) {
    if (commandLineOnly.has(name) || name === "config") {
      throw new FlagError(2, `${place}: Flag -${name} stands on the command line only`);
    }
    if (isTakingValue(name, `${place}: `) && text === undefined) {
      throw new FlagError(2, `${place}: Flag needs a value: -${name}`);
    }
    given.set(name, { text: text ?? "true", label: `flag -${name} in ${place}`, source: place });
  }
  for (const [name, text] of ofVariables) {
    const variable = variableOf(name);
    given.set(name, { text, label: variable, source: variable });
  }
  return given;
}

/** Adds to an error about flags that do not fit together where they are given, if elsewhere. */
export function located(error: unknown, { elsewhere }: CommandLine): unknown {
  if (!(error instanceof FlagError)) return error;
  const named = new Set(
    error.message.matchAll(/(?<![\w-])-([a-z][a-z-]*)/g).map(([, name]) => name),
  );
  const places = [...elsewhere].filter(([name]) => named.has(name))
    .map(([name, source]) => `-${name} is set by ${source}`);
  if (places.length === 0) return error;
  return new FlagError(error.exitCode, `${error.message} (${places.join(", ")})`);
}

function isFlagName(name: string): name is FlagName {
  return Object.hasOwn(flagTable, name);
}

/** Whether the next argument belongs to the flag; throws a FlagError for a flag that nobody knows. */
function takesValue(name: string): boolean {
  return isTakingValue(name, "");
}

function isTakingValue(name: string, place: string): boolean {
  if (isFlagName(name)) return flagTable[name].kind !== "switch";
  const foreign = foreignFlags.get(name);
  if (foreign !== undefined) return foreign.takesValue;
  const meant = nearest(name, knownNames);
  const suggestion = meant === undefined ? "see -help for all flags" : `did you mean -${meant}?`;
  throw new FlagError(2, `${place}Unknown flag -${name}: ${suggestion}`);
}

function judgeForeignFlag(name: string, given: Given, warnings: string[]): void {
  const foreign = foreignFlags.get(name);
  if (foreign === undefined) return;
  const { text } = given;
  const asked = foreign.takesValue ? text : String(valueOf(given, parseSwitch));
  if (foreign.off.includes(asked)) return;
  const label = given.label.replace(/^f/, "F");
  warnings.push(`${label} has no effect here and was passed over`);
}

/** What `read` makes of a flag's text; an error says whose text it was that something is wrong with. */
function valueOf<T>({ text, label }: Given, read: (text: string) => T): T {
  try {
    return read(text);
  } catch (error) {
    const wrongAddress = error instanceof AddressError;
    if (!(wrongAddress || error instanceof RangeError || error instanceof DurationError)) {
      throw error;
    }
    const value = JSON.stringify(text);
    throw new FlagError(
      wrongAddress ? 1 : 2,
      `Invalid value ${value} for ${label}: ${error.message}`,
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
      const level = logLevels.find((name) => name === text.toUpperCase());
      if (level === undefined) throw new RangeError(`not one of ${logLevels.join(", ")}`);
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
