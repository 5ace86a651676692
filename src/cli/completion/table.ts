import { benchLongNames, benchOptions } from "../bench/command.ts";
import { scenarios } from "../bench/scenarios.ts";
import type { CommandName } from "../commands.ts";
import { doctorLongNames, doctorOptions } from "../doctor/command.ts";
import type { FlagSpec } from "../flag_spec.ts";
import { flagTable } from "../flag_table.ts";
import { importLongNames, importOptions } from "../import/flags.ts";
import { conflictWords, formats } from "../import/types.ts";
import { recoverOptions } from "../recover/command.ts";
import { promoteLongNames, promoteOptions } from "../promote.ts";
import { standbyOptions } from "../standby/command.ts";
import { restoreOptions } from "../restore/flags.ts";
import { shellLongNames, shellOptions } from "../shell/flags.ts";
import { verifyLongNames, verifyOptions } from "../verify.ts";
import { modes } from "../shell/settings.ts";

/** What may stand behind a flag, or beside the flags. */
export type Values =
  /** Nothing: a switch. */
  | { readonly type: "none" }
  /** Something that nobody can guess. */
  | { readonly type: "any" }
  | { readonly type: "words"; readonly words: readonly string[] }
  | { readonly type: "files"; readonly words: readonly string[] }
  | { readonly type: "directories" };

/** A flag, without its dashes. */
export interface CompletedFlag {
  readonly name: string;
  /** One line; "" where there is none. */
  readonly help: string;
  readonly values: Values;
}

export interface CompletedCommand {
  /** "" for a node, which has no name before its flags. */
  readonly name: CommandName | "";
  /** One line. */
  readonly help: string;
  readonly flags: readonly CompletedFlag[];
  readonly beside: Values;
}

export const shells = ["bash", "zsh", "fish"] as const;

const none: Values = { type: "none" };
const any: Values = { type: "any" };
const directories: Values = { type: "directories" };
const files: Values = { type: "files", words: [] };

const serverFlags = Object.entries<FlagSpec>(flagTable).map(([name, spec]) => ({
  name,
  help: spec.help,
  values: valuesOf(spec),
}));

function valuesOf({ kind, value, words }: FlagSpec): Values {
  if (kind === "switch") return none;
  if (words !== undefined) return { type: "words", words };
  const kinds = value.split("|");
  return kinds.some((what) => what === "FILE" || what === "TARGET" || what === "PATH,…")
    ? { type: "files", words: kinds.filter((word) => word === word.toLowerCase()) }
    : any;
}

/** Values of the flags that sub-commands have of their own, where they can be guessed. */
const ownValues = new Map<string, Values>([
  ["ca-cert", files],
  ["client-cert", files],
  ["client-key", files],
  ["extensions-path", files],
  ["from", files],
  ["format", { type: "words", words: formats }],
  ["on-conflict", { type: "words", words: conflictWords }],
  ["mode", { type: "words", words: modes }],
  ["scheme", { type: "words", words: ["http", "https"] }],
  ["only", { type: "words", words: scenarios.map(({ name }) => name) }],
  ["draw", files],
]);

type Options = Readonly<Record<string, { readonly type: "string" | "boolean" }>>;

function flagsOf(
  options: Options,
  longNames: ReadonlyMap<string, string> = new Map(),
): readonly CompletedFlag[] {
  const long = new Map(
    Object.entries(options).map(([name, { type }]): [string, Values] => [
      name,
      type === "boolean" ? none : ownValues.get(name) ?? any,
    ]),
  );
  const short = [...longNames].map(([name, meant]): [string, Values] => [
    name,
    long.get(meant) ?? any,
  ]);
  return [...long, ...short].map(([name, values]) => ({
    name,
    values,
    help: longNames.has(name) ? `The same as -${longNames.get(name)}` : "",
  }));
}

const helpFlag: readonly CompletedFlag[] = [{ name: "help", help: "", values: none }];

/** Every sub-command by its name; what is missing here does not compile. */
const subCommands: Readonly<Record<CommandName, Omit<CompletedCommand, "name">>> = {
  bench: {
    help: "Measure servers that speak this HTTP API",
    flags: flagsOf(benchOptions, benchLongNames),
    beside: none,
  },
  completion: {
    help: "Print what completes command lines in a shell",
    flags: helpFlag,
    beside: { type: "words", words: shells },
  },
  doctor: {
    help: "Look for what is wrong, and say what to change",
    flags: flagsOf(doctorOptions, doctorLongNames),
    beside: directories,
  },
  "hash-password": {
    help: "Make a password's hash for the file of users",
    flags: helpFlag,
    beside: none,
  },
  import: {
    help: "Add the rows of a CSV, NDJSON or SQLite file to a table",
    flags: flagsOf(importOptions, importLongNames),
    beside: files,
  },
  "new-token": { help: "Make a token and its line for that file", flags: helpFlag, beside: any },
  promote: {
    help: "Make a cluster of a standby",
    flags: flagsOf(promoteOptions, promoteLongNames),
    beside: none,
  },
  verify: {
    help: "Have all nodes compare their copies of the database",
    flags: flagsOf(verifyOptions, verifyLongNames),
    beside: any,
  },
  recover: {
    help: "Go on without a majority that is lost for good",
    flags: flagsOf(recoverOptions),
    beside: directories,
  },
  restore: {
    help: "Make the database of any moment",
    flags: flagsOf(restoreOptions),
    beside: files,
  },
  shell: {
    help: "Work with a node, from a terminal or a pipe",
    flags: flagsOf(shellOptions, shellLongNames),
    beside: none,
  },
  standby: {
    help: "Follow an archive from afar, to take over one day",
    flags: [...flagsOf(standbyOptions), ...serverFlags],
    beside: directories,
  },
  "systemd-unit": {
    help: "Print a unit file that runs a node",
    flags: serverFlags,
    beside: directories,
  },
  "windows-service": {
    help: "Run a node as a service of Windows",
    flags: serverFlags,
    beside: files,
  },
};

/** All that can be completed: a node's flags first, then each sub-command's. */
export const completed: readonly CompletedCommand[] = [
  { name: "", help: "Run a node", flags: serverFlags, beside: directories },
  ...Object.entries(subCommands).map(([name, command]) => ({
    name: name as CommandName,
    ...command,
  })),
];
