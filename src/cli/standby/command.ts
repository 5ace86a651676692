import { DurationError, parseDuration } from "../../base/duration.ts";
import { FlagError } from "../flag_error.ts";
import { flagTable } from "../flag_table.ts";
import { readFlags } from "../flag_values.ts";
import { configurationOf } from "../flags.ts";
import { print } from "../output.ts";
import { serve } from "../serve.ts";
import type { StandbyOptions } from "./past_standby.ts";

const page = `Usage: raftlite standby -from TARGET [-poll TIME] [flags] [DATA_DIR]

Follows the archive of a cluster (-archive) from afar, without a connection to its nodes, and serves
reads at level none. It goes on where it was when it is started again. When the cluster is gone, make
a new one of it by raftlite promote: it is then a node like any other, with this same command line.

  -from TARGET   The archive: a directory, or a file as -archive takes it
  -poll TIME     Between two looks at an archive that had nothing new (default 1s)

All other flags are a node's (raftlite -help), but for those by which nodes find a cluster to join.
-auto-backup and -archive, to another target, take effect once it is promoted.
`;

/** The flags of raftlite standby beside a node's, as parseArgs would take them. */
export const standbyOptions = { from: { type: "string" }, poll: { type: "string" } } as const;

type OwnFlags = Partial<Record<keyof typeof standbyOptions, string>>;

const pollMsMin = 10;
const pollMsMax = 3_600_000;

/** What makes no sense for a node that is no cluster's. */
const unfit = [
  "join",
  "bootstrap-expect",
  "raft-non-voter",
  "raft-standby",
  "auto-restore",
  "disco-mode",
] as const;

/** raftlite standby: a node that follows an archive until it is promoted. */
export async function standby(args: readonly string[]): Promise<number> {
  const { own, others } = takeOwn(args);
  const commandLine = readFlags(others, Deno.env.toObject());
  const { values } = commandLine;
  if (values.help) {
    print(page);
    return 0;
  }
  const options = optionsOf(own);
  for (const name of unfit) {
    if (String(values[name]) === flagTable[name].default) continue;
    throw new FlagError(
      2,
      `Flag -${name} is not for a standby, which belongs to no cluster until it is promoted`,
    );
  }
  if (values["archive"] === options.from) {
    throw new FlagError(
      2,
      "-archive and -from name one target: what a standby is promoted to is another cluster, which needs an archive of its own",
    );
  }
  return await serve(configurationOf(commandLine), commandLine.warnings, { standby: options });
}

/** Takes the flags of its own out of the arguments. */
function takeOwn(args: readonly string[]): { readonly own: OwnFlags; readonly others: string[] } {
  const own: OwnFlags = {};
  const others: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    const [, name, value] = /^--?(from|poll)(?:=(.*))?$/s.exec(arg) ?? [];
    if (name === "from" || name === "poll") own[name] = value ?? args[++at] ?? "";
    else others.push(arg);
  }
  return { own, others };
}

function optionsOf({ from = "", poll = "1s" }: OwnFlags): StandbyOptions {
  if (from.trim() === "") throw new FlagError(2, "standby needs -from with the archive");
  try {
    const pollMs = parseDuration(poll);
    if (pollMs >= pollMsMin && pollMs <= pollMsMax) return { from: from.trim(), pollMs };
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
  }
  throw new FlagError(
    2,
    `Invalid value ${JSON.stringify(poll)} for flag -poll: a time from ${pollMsMin}ms to 1h`,
  );
}
