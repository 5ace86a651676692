import { accessVariablesHelp, givenSecrets, type Secrets } from "../client_access.ts";
import { parseOptions } from "../command_options.ts";
import { FlagError } from "../flag_error.ts";
import {
  hostVariableHelp,
  type NodeAccess,
  nodeAccessOf,
  nodeHelp,
  nodeLongNames,
  nodeOptions,
} from "../node_access.ts";
import { isMode, modes } from "./settings.ts";
import type { Mode } from "./settings.ts";

/** What the program prints for `raftlite shell -help`. */
export const shellHelp = `Usage: raftlite shell [flags]

Runs SQL on a node, from a terminal or a pipe. A statement ends with a semicolon and may take several
lines; at a terminal an empty line ends it too. Lines that begin with a dot are commands to the shell
itself: .help lists them. If the node is lost, the shell goes on with another one of its cluster.

${nodeHelp}
      -mode MODE            How results are shown: ${modes.join(", ")} (default column)
  -v, -version              Print the version

${hostVariableHelp}
${accessVariablesHelp}
Input lines of a terminal are kept in ~/.raftlite_history: 100 of them, or RQLITE_HISTFILESIZE.
The exit code of a shell in a pipe is 1 when a statement or a command failed.

Examples:
  raftlite shell -H 10.0.0.1 -u fiona:secret
  echo 'SELECT * FROM foo' | raftlite shell -mode json
`;

/** The flags of raftlite shell, as parseArgs takes them. */
export const shellOptions = {
  ...nodeOptions,
  mode: { type: "string", default: "column" },
  version: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

export const shellLongNames: ReadonlyMap<string, string> = new Map([
  ...nodeLongNames,
  ["v", "version"],
]);

/** What the command line asks of the shell. */
export interface ShellOptions extends NodeAccess {
  readonly mode: Mode;
}

/** Reads the shell's command line and, unless flags name a node, `hostVariable`; throws a FlagError. */
export function parseShellFlags(
  args: readonly string[],
  hostVariable: string | undefined,
  secrets: Secrets = givenSecrets,
): ShellOptions | "help" | "version" {
  const values = parseOptions(args, shellOptions, shellLongNames);
  if (values.help) return "help";
  if (values.version) return "version";
  const { mode } = values;
  if (!isMode(mode)) {
    throw new FlagError(2, `Invalid value ${mode} for flag -mode: ${modes.join(", ")}`);
  }
  return { mode, ...nodeAccessOf(values, hostVariable, secrets) };
}
