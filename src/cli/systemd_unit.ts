import { dirname, isAbsolute, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isCdcEndpoint } from "../cdc/config.ts";
import { parseAddress } from "../io/address.ts";
import { auditToStderr } from "./audit_flags.ts";
import { FlagError } from "./flag_error.ts";
import type { FlagSpec } from "./flag_spec.ts";
import { flagTable } from "./flag_table.ts";
import { type CommandLine, readFlags } from "./flag_values.ts";
import { configurationOf } from "./flags.ts";
import { print, printError } from "./output.ts";
import { unitText } from "./unit_text.ts";

/** Where systemd keeps what a service stores: StateDirectory= is relative to it. */
const stateRoot = "/var/lib";

/** Where it keeps what a service logs: LogsDirectory= is relative to it. */
const logsRoot = "/var/log";

const help = `Usage: raftlite systemd-unit [flags] [DATA_DIR]

Prints a systemd unit that runs a node with these flags, which are checked first. The node runs as
a user of its own that systemd makes (DynamicUser). DATA_DIR lies in ${stateRoot} and is
${stateRoot}/raftlite when not given.

That user must be able to read the files that flags name, such as keys. Let it be a lasting one:
  useradd --system --user-group raftlite && chgrp raftlite FILE && chmod 0640 FILE
\`systemctl reload raftlite\` has the node read certificates and users again, and begin a new file for
the audit log if the old one was moved away. The unit takes the flags of the command line and of
-config FILE; RAFTLITE_* here are not the service's: give it some by \`systemctl edit raftlite\`.

  raftlite systemd-unit -node-id 1 > /etc/systemd/system/raftlite.service
  systemctl daemon-reload && systemctl enable --now raftlite
`;

/** The sub-command that prints a unit file. */
export function systemdUnit(args: readonly string[]): Promise<number> {
  const commandLine = readFlags(args);
  if (commandLine.values.help) {
    print(help);
    return Promise.resolve(0);
  }
  const [dataDirectory = `${stateRoot}/raftlite`] = commandLine.positionals;
  const { http, raft, audit, backups } = configurationOf({
    ...commandLine,
    positionals: [dataDirectory, ...commandLine.positionals.slice(1)],
  });
  const stateDirectory = relative(stateRoot, resolve(dataDirectory));
  if (stateDirectory.startsWith("..") || !/^[\w.][\w./-]*$/.test(stateDirectory)) {
    throw new FlagError(
      1,
      `Data directory ${dataDirectory} must lie in ${stateRoot}, under a name of letters, digits and ._-`,
    );
  }
  const program = programCommand();
  for (const warning of commandLine.warnings) printError(`warning: ${warning}\n`);
  const given = [...commandLine.given].filter(([name]) => name !== "version" && name !== "help")
    .map(([name, text]): [string, string] => [name, withWholePaths(name, text)]);
  const files = [
    ...given.flatMap(([name, text]) => filesIn(name, text)),
    ...filesOfConfig(commandLine),
  ];
  for (
    const path of [...program, ...files].filter((path) =>
      /^\/(home|root|tmp|var\/tmp)\//.test(path)
    )
  ) {
    printError(
      `warning: The service's user cannot see ${path}: move it, for example to ${
        files.includes(path) ? "/etc/raftlite" : "/usr/local"
      }\n`,
    );
  }
  const flags = given.map(([name, text]) => `-${name}=${text}`);
  const ports = [http.address, raft.address].map((address) => parseAddress(address).port);
  const command = [...program, ...flags, resolve(dataDirectory)];
  const places = [
    ...auditPlaces(audit?.target ?? auditToStderr),
    ...archivePlaces(backups.archive.target && resolve(backups.archive.target)),
  ];
  print(unitText({ command, stateDirectory, ports, settings: ["DynamicUser=yes", ...places] }));
  return Promise.resolve(0);
}

/** The files that flags in the file of -config name, with a warning for those that would not be found. */
function filesOfConfig({ values, elsewhere }: CommandLine): readonly string[] {
  const named = Object.entries(values).flatMap(([name, value]) =>
    elsewhere.has(name) && typeof value === "string"
      ? filesIn(name, value).map((path) => ({ name, path }))
      : []
  );
  for (const { name, path } of named) {
    if (isAbsolute(path)) continue;
    const place = elsewhere.get(name);
    printError(
      `warning: ${place}: A service starts in /: write the whole path of -${name}, not ${path}\n`,
    );
  }
  return named.map(({ path }) => path);
}

/** A service starts in /, and needs the whole paths of files. */
function withWholePaths(name: string, text: string): string {
  const files = filesIn(name, text);
  return files.length === 0 ? text : files.map((path) => resolve(path)).join(",");
}

/** The files, or folders of them, that the flag names. */
function filesIn(name: string, text: string): readonly string[] {
  const table: Readonly<Record<string, FlagSpec>> = flagTable;
  if (text === "") return [];
  switch (table[name]?.value) {
    case "FILE":
    case "TARGET":
      return [text];
    case "PATH,…":
      return text.split(",").filter((path) => path !== "");
    case `FILE|${auditToStderr}`:
      return text === auditToStderr ? [] : [text];
    case "FILE|JSON":
      // The file if there is one; else the text itself, where a variable may stand for all of it.
      return isRegularFile(text) || !/^\s*[{$]/.test(text) ? [text] : [];
    case "URL|FILE":
      return isCdcEndpoint(text) ? [] : [text];
    default:
      return [];
  }
}

/** What the unit needs so that the node can write its audit log; throws a FlagError. */
function auditPlaces(target: string): readonly string[] {
  if (target === auditToStderr) return [];
  const directory = dirname(target);
  if (!/^[\w./-]+$/.test(directory)) {
    throw new FlagError(
      1,
      `-audit-log must lie in a directory of letters, digits and ._-, not in ${directory}`,
    );
  }
  const below = relative(logsRoot, directory);
  if (below !== "" && !below.startsWith("..")) {
    return [`LogsDirectory=${below}`, "LogsDirectoryMode=0700"];
  }
  printError(
    `warning: The service's user must be able to write in ${directory}; in ${logsRoot}/raftlite it is, for -audit-log ${logsRoot}/raftlite/audit.log\n`,
  );
  return [`ReadWritePaths=-${directory}`];
}

/** The same for an archive in a directory; throws a FlagError. */
function archivePlaces(target: string): readonly string[] {
  if (target === "" || isRegularFile(target)) return [];
  if (!/^[\w./-]+$/.test(target)) {
    throw new FlagError(
      1,
      `-archive must name a directory of letters, digits and ._-, not ${target}`,
    );
  }
  printError(`warning: The service's user must be able to write in ${target}\n`);
  return [`ReadWritePaths=-${target}`];
}

function isRegularFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** How this very program is started: the compiled one by its path, else by deno and main.ts. */
function programCommand(): string[] {
  const executable = Deno.execPath();
  if (Deno.build.standalone) return [executable];
  const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
  return [executable, "run", "-A", `--config=${dirname(main)}/deno.json`, main];
}
