import { accessVariablesHelp, givenSecrets, type Secrets } from "../client_access.ts";
import { parseOptionsAndNames } from "../command_options.ts";
import { FlagError } from "../flag_error.ts";
import {
  hostVariableHelp,
  type NodeAccess,
  nodeAccessOf,
  nodeHelp,
  nodeLongNames,
  nodeOptions,
} from "../node_access.ts";
import type { FileImportOptions } from "./file_import.ts";
import { conflictWords, formats, separatorOf } from "./types.ts";

/** What the program prints for `raftlite import -help`. */
export const importHelp = `Usage: raftlite import FILE -table TABLE [flags]

Adds the rows of a file to a table, which is made if it is not there: CSV (RFC 4180), JSON with an
object a line, or a SQLite file. Shows first how it understands the file, and asks. A run that was
killed is gone on with by the same command: within 24 hours (-idempotency-key-ttl of the nodes), no
row is added twice, and an import that is done adds nothing.

  -table TABLE       Where the rows go
  -y, -yes           Do not ask
  -format FORMAT     ${formats.join(", ")}; by default by the file's name and beginning
  -types LIST        Types in place of those guessed from the first 10,000 rows: zip=TEXT,price=REAL
  -on-conflict WHAT  With a row whose key is there already: fail (default), ignore, replace
  -skip N            Pass over the first N rows
  -again             Add the rows even if an import of the same file has; not to go on with one
  -separator TEXT    Between the values of CSV (default a comma; a tab for .tsv)
  -no-header         The first row of CSV is data; the columns are the table's, in their order
  -from TABLE        The table of a SQLite file that has several

${nodeHelp}

In CSV an empty value is NULL, and "" an empty text. A file has to be UTF-8.
${hostVariableHelp}
${accessVariablesHelp}

Examples:
  raftlite import people.csv -table people
  raftlite import -H 10.0.0.1 -u fiona:secret -y events.ndjson -table events -on-conflict ignore
`;

/** The flags of raftlite import, as parseArgs takes them. */
export const importOptions = {
  table: { type: "string" },
  yes: { type: "boolean", default: false },
  format: { type: "string" },
  types: { type: "string", default: "" },
  "on-conflict": { type: "string", default: "fail" },
  skip: { type: "string", default: "0" },
  again: { type: "boolean", default: false },
  separator: { type: "string" },
  "no-header": { type: "boolean", default: false },
  from: { type: "string" },
  ...nodeOptions,
  help: { type: "boolean", default: false },
} as const;

export const importLongNames: ReadonlyMap<string, string> = new Map([
  ...nodeLongNames,
  ["y", "yes"],
]);

export interface ImportRequest {
  readonly path: string;
  readonly isSure: boolean;
  readonly access: NodeAccess;
  readonly options: FileImportOptions;
}

/** Reads the command line; throws a FlagError. */
export function parseImportFlags(
  args: readonly string[],
  hostVariable: string | undefined,
  secrets: Secrets = givenSecrets,
): ImportRequest | "help" {
  const { values, positionals } = parseOptionsAndNames(args, importOptions, importLongNames);
  if (values.help) return "help";
  const [path, another] = positionals;
  if (path === undefined) throw new FlagError(2, "No FILE is given");
  if (another !== undefined) throw new FlagError(2, `One FILE at a time: ${another} is another`);
  if (!values.table) throw new FlagError(2, "Flag -table is missing: it says where the rows go");
  const hasHeader = !values["no-header"];
  return {
    path,
    isSure: values.yes,
    options: {
      table: values.table,
      format: values.format === undefined ? undefined : wordIn("format", values.format, formats),
      from: values.from,
      types: typesIn(values.types),
      onConflict: wordIn("on-conflict", values["on-conflict"], conflictWords),
      byPosition: !hasHeader,
      hasHeader,
      separator: separatorIn(values.separator, path),
      skip: countIn(values.skip),
      again: values.again,
    },
    access: nodeAccessOf(values, hostVariable, secrets),
  };
}

function wordIn<T extends string>(name: string, text: string, words: readonly T[]): T {
  const word = words.find((known) => known === text);
  if (word !== undefined) return word;
  throw new FlagError(2, `Invalid value ${text} for flag -${name}: ${words.join(", ")}`);
}

function separatorIn(text: string | undefined, path: string): string {
  const separator = text ?? separatorOf(path);
  const meant = separator === "\\t" ? "\t" : separator;
  if (/^[^"\r\n]{1,8}$/.test(meant)) return meant;
  throw new FlagError(
    2,
    "Invalid value for flag -separator: 1 to 8 characters, and no quote in them",
  );
}

function countIn(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new FlagError(2, `Invalid value ${text} for flag -skip: a number of rows`);
}

/** A type goes into CREATE TABLE as it is. */
const typeForm = /^[A-Za-z][A-Za-z0-9 ()]*$/;

function typesIn(text: string): ReadonlyMap<string, string> {
  const pairs = text.split(",").filter((pair) => pair !== "").map((pair): [string, string] => {
    const at = pair.lastIndexOf("=");
    const [name, type] = [pair.slice(0, at), pair.slice(at + 1)];
    if (at > 0 && typeForm.test(type)) return [name, type];
    throw new FlagError(2, `Invalid value ${pair} for flag -types: write it as column=TYPE`);
  });
  return new Map(pairs);
}
