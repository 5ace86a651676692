import { flagTable } from "./flag_table.ts";
import type { FlagSpec } from "./flag_spec.ts";
import { foreignFlags } from "./foreign_flags.ts";
import { dataDirectoryDefault } from "./flags.ts";

/** What the page begins with: the sub-commands, and how flags are written. */
export const helpHead = `raftlite keeps one SQLite database identical on several machines.

Usage:
  raftlite [flags] [DATA_DIR]                Run a node (DATA_DIR: ${dataDirectoryDefault})
  raftlite shell [flags]                     Work with a node, from a terminal or a pipe
  raftlite import FILE -table TABLE [flags]  Add the rows of a CSV, NDJSON or SQLite file
  raftlite bench -target NAME=URL …          Measure servers that speak this HTTP API
  raftlite restore -from TARGET FILE         Make the database of any moment (-archive)
  raftlite standby -from TARGET [flags]      Follow an archive from afar, to take over one day
  raftlite promote [flags]                   Make a cluster of such a standby
  raftlite hash-password                     Make a password's hash for the file of users (-auth)
  raftlite new-token NAME [EXPIRES]          Make a token and its line for that file
  raftlite doctor DATA_DIR|URL…              Look for what is wrong, and say what to change
  raftlite verify URL                        Have all nodes compare their copies of the database
  raftlite recover DATA_DIR…                 Go on without a majority that is lost for good
  raftlite completion bash|zsh|fish          Print what completes all this in that shell
  raftlite systemd-unit [flags] [DATA_DIR]   Print a unit file that runs a node
  raftlite windows-service LOG [flags] DIR   Run a node as a service of Windows

A node takes each flag from the environment, too, as RAFTLITE_NODE_ID for -node-id, and from the
file of -config. The command line counts more than the environment, that more than the file.

Each sub-command answers -help. Flags take one dash or two: -flag value, -flag=value; switches are
-fk, -fk=true or -fk=false. Durations are written 500ms, 1s or 1m30s. A data directory that has the
name of a sub-command is written with a path: ./bench.
`;

const examples = `Examples:
  One node:
    raftlite data

  Three nodes, each started with the same -bootstrap-expect and -join:
    raftlite -node-id 1 -http-addr 10.0.0.1:4001 -raft-addr 10.0.0.1:4002 \\
      -bootstrap-expect 3 -join 10.0.0.1:4002,10.0.0.2:4002,10.0.0.3:4002 data

  One more node for a cluster that runs:
    raftlite -node-id 4 -http-addr 10.0.0.4:4001 -raft-addr 10.0.0.4:4002 -join 10.0.0.1:4002 data

  Write and read:
    curl -d '["CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)"]' 127.0.0.1:4001/db/execute
    curl -G 127.0.0.1:4001/db/query --data-urlencode 'q=SELECT * FROM t'
`;

/** The page that -help prints. */
export function helpText(): string {
  const sections = flagGroups().map(([group, flags]) =>
    [`${group}:`, ...flags.map((flag) => flagHelp(flag))].join("\n")
  );
  return [
    helpHead,
    ...sections.map((section) => `${section}\n`),
    "Flags of rqlite that have no effect here and are passed over with a warning:",
    `${wrap(Array.from(foreignFlags.keys(), (name) => `-${name}`).join(", "), "  ")}\n`,
    examples,
  ].join("\n");
}

/** A flag as a page shows it. */
interface ShownFlag {
  /** With the name of its value: `-node-id ID`. */
  readonly usage: string;
  readonly text: string;
}

/** All flags, by their groups, in the order of the page. */
export function flagGroups(): readonly (readonly [group: string, readonly ShownFlag[]])[] {
  const specs = Object.entries<FlagSpec>(flagTable);
  const groups = Map.groupBy(specs, ([, spec]) => spec.group);
  return [...groups].map(([group, flags]) => [group, flags.map(shown)]);
}

function shown([name, { value, help, default: standard }]: [string, FlagSpec]): ShownFlag {
  const isOff = standard === "" || standard === "false";
  return {
    usage: value === "" ? `-${name}` : `-${name} ${value}`,
    text: isOff ? help : `${help} (default ${standard})`,
  };
}

function flagHelp({ usage, text }: ShownFlag): string {
  return `  ${usage}\n${wrap(text, "      ")}`;
}

/** Breaks text into indented lines of at most 100 characters. */
function wrap(text: string, indent: string): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    if (line !== indent && line.length + 1 + word.length > 100) {
      lines.push(line);
      line = indent;
    }
    line += line === indent ? word : ` ${word}`;
  }
  return [...lines, line].join("\n");
}
