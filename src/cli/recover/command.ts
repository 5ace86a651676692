import { resolve } from "node:path";
import { messageOf } from "../../base/message_of.ts";
import { AddressError, parseAddress } from "../../io/address.ts";
import { DenoClock } from "../../io/deno_clock.ts";
import { DenoDisk } from "../../io/deno_disk.ts";
import { StderrLogger } from "../../io/stderr_logger.ts";
import { writeFileAtomically } from "../../member/atomic_file.ts";
import { openers } from "../../member/openers.ts";
import { type NamedPeer, PeersFileError } from "../../member/peers_file.ts";
import { readSurvivor, type Survivor } from "../../member/survivor.ts";
import { parseOptionsAndNames } from "../command_options.ts";
import { takeDataDirectory } from "../data_directory.ts";
import { FlagError } from "../flag_error.ts";
import { print } from "../output.ts";
import { lossText, placeOf, survivorsText } from "./report.ts";

const page = `Usage: raftlite recover [flags] DATA_DIR…

For a cluster that has lost its majority for good: has the nodes that are left go on by themselves.
Stop them all first. Without flags it shows what the nodes have whose directories are here, and
changes nothing.

  -members ID=HOST:PORT,…     All nodes that are left, with their Raft addresses
  -non-voters ID=HOST:PORT,…  Those of them that have no vote
  -yes                        Do not ask

With -members it shows what could be lost, asks, and writes raft/peers.json into each directory. Do
the same, with the same -members, on each machine that is left; then start the nodes. The next start
of each takes the members from that file, and keeps the log of before in raft.before-recovery.
`;

/** The flags of raftlite recover, as parseArgs takes them. */
export const recoverOptions = {
  members: { type: "string", default: "" },
  "non-voters": { type: "string", default: "" },
  yes: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** raftlite recover: what editing peers.json by hand does, with a look before it. */
export async function recoverCommand(args: readonly string[]): Promise<number> {
  const { directories, peers, isAsking } = read(args);
  if (directories.length === 0) {
    print(page);
    return args.length === 0 ? 2 : 0;
  }
  const disk = new DenoDisk();
  const logger = new StderrLogger("WARN");
  const parts = { disk, clock: new DenoClock(), logger, openers };
  const survivors: Survivor[] = [];
  for (const directory of directories) {
    if (!await disk.exists(directory)) throw new FlagError(1, `No directory ${directory} is there`);
    survivors.push(await surviving(parts, directory));
  }
  print(survivorsText(survivors));
  checkTogether(survivors);
  const [first] = survivors;
  if (peers.length === 0 || first === undefined) {
    print(
      "\nTo go on without the others, name all that are left by -members; raftlite recover -help says how.\n",
    );
    return 0;
  }
  for (const survivor of survivors) checkPeers(survivor, peers);
  print(`\n${lossText(first, peers)}`);
  if (isAsking && !asks()) {
    print("Nothing was changed.\n");
    return 1;
  }
  const file = peers.map(({ id, address, nonVoter }) => ({ id, address, non_voter: nonVoter }));
  for (const { directory } of survivors) {
    const path = `${directory}/raft/peers.json`;
    await writeFileAtomically(disk, path, JSON.stringify(file, null, 2) + "\n");
    print(`Wrote ${path}\n`);
  }
  const here = new Set(survivors.map(({ nodeId }) => nodeId));
  const others = peers.filter(({ id }) => !here.has(id));
  if (others.length > 0) {
    print(
      `Do the same for ${
        others.map(placeOf).join(", ")
      }: run raftlite recover there with the same -members.\n`,
    );
  }
  print("Then start the nodes.\n");
  return 0;
}

/** What is in a directory that no node uses; whatever is wrong with it is told without a stack. */
async function surviving(
  parts: Parameters<typeof readSurvivor>[0],
  directory: string,
): Promise<Survivor> {
  try {
    const lock = await takeDataDirectory(parts.disk, directory);
    try {
      return await readSurvivor(parts, directory);
    } finally {
      lock.release();
    }
  } catch (error) {
    throw new FlagError(1, messageOf(error));
  }
}

function read(args: readonly string[]) {
  const { values, positionals } = parseOptionsAndNames(args, recoverOptions);
  const voters = peersOf("members", values.members, false);
  const others = peersOf("non-voters", values["non-voters"], true);
  const peers = [...voters, ...others];
  if (new Set(peers.map(({ id }) => id)).size < peers.length) {
    throw new FlagError(1, "-members and -non-voters name a node twice");
  }
  if (voters.length === 0 && others.length > 0) throw new FlagError(1, "-members names no voter");
  const directories = values.help ? [] : positionals.map((directory) => resolve(directory));
  return { directories, peers, isAsking: !values.yes };
}

function peersOf(flag: string, text: string, nonVoter: boolean): NamedPeer[] {
  return text === "" ? [] : text.split(",").map((part) => {
    const [, id = "", address = ""] = /^\s*([^=]+)=(.+?)\s*$/.exec(part) ?? [];
    try {
      if (id === "") throw new AddressError("write it as ID=HOST:PORT");
      parseAddress(address);
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      throw new FlagError(
        1,
        `Invalid value ${JSON.stringify(part)} for flag -${flag}: ${error.message}`,
      );
    }
    return { id, address, nonVoter };
  });
}

/** Throws a FlagError for directories of several clusters, or of one node. */
function checkTogether(survivors: readonly Survivor[]): void {
  if (new Set(survivors.map(({ clusterId }) => clusterId)).size > 1) {
    throw new FlagError(1, "These directories are of several clusters: recover one at a time");
  }
  if (new Set(survivors.map(({ nodeId }) => nodeId)).size < survivors.length) {
    throw new FlagError(1, "Two of these directories are of one node: only one may go on");
  }
}

function checkPeers({ nodeId, directory, check }: Survivor, peers: readonly NamedPeer[]): void {
  if (!peers.some(({ id }) => id === nodeId)) {
    throw new FlagError(1, `-members leaves out node ${nodeId}, whose data are in ${directory}`);
  }
  try {
    check(peers);
  } catch (error) {
    if (!(error instanceof PeersFileError)) throw error;
    throw new FlagError(1, error.message.replace(/^peers\.json/, "-members"));
  }
}

/** Whether the operator says yes. */
function asks(): boolean {
  if (!Deno.stdin.isTerminal()) {
    throw new FlagError(1, "Nobody can be asked, as standard input is no terminal: give -yes");
  }
  return prompt("Go on with these members? Type yes:")?.trim() === "yes";
}
