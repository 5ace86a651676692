import type { Audit } from "../audit/types.ts";
import { dirname } from "node:path";
import { type NamedPeer, readPeersFile, survivors } from "./peers_file.ts";
import type { Clock, Disk, Logger } from "../io/types.ts";
import { forceConfiguration } from "../node/forced_configuration.ts";
import { FileInstallMarker } from "../node/install_marker.ts";
import { recover, wayOutOf } from "../node/recovery.ts";
import { decodeConfiguration } from "../raft/configuration.ts";
import { type Configuration as Members, nodeName } from "../raft/types.ts";
import type { LogContents, RaftLog } from "../raft_log/types.ts";
import { asideName } from "../store/copy/set_aside.ts";
import type { Store } from "../store/types.ts";
import { AddressError, parseAddress } from "../io/address.ts";
import type { ClusterIdentity } from "./cluster_identity.ts";
import { letGo } from "./let_go.ts";
import type { Openers } from "./openers.ts";
import { StartError } from "./start_error.ts";

interface Surroundings {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openers: Pick<Openers, "logs">;
  /** Undefined: nobody wants to know who did what. */
  readonly audit?: Audit | undefined;
}

export interface OpenLog {
  log: RaftLog;
  contents: LogContents;
  /** There is nothing of a cluster in it: the node may form or join one. */
  fresh: boolean;
}

export interface OpenLogParts {
  readonly surroundings: Surroundings;
  /** With the data of the member; the log is in a directory below. */
  readonly directory: string;
  readonly identity: ClusterIdentity;
  readonly store: Store;
  /** The database is to come from the leader: none is expected to be there. */
  readonly replaced?: boolean;
}

/** Opens the log, and sees that it and the database belong together. */
export async function openLog(parts: OpenLogParts): Promise<OpenLog> {
  const { surroundings, directory, identity, store } = parts;
  const { disk, clock, logger, openers: { logs } } = surroundings;
  const path = logDirectory(directory);
  await finishRecovery(surroundings, path);
  await disk.makeDirectory(path);
  // Before there is a log, so that an empty one is always of the server that node.json names.
  if (store.applied.index === 0 && !await logs.exists(disk, path)) {
    await identity.begin(identity.clusterId);
  }
  const forced = await readPeersFile(disk, `${path}/peers.json`);
  forced?.forEach((peer) => checkPeer(`${path}/peers.json`, peer));
  const open = await logs.open({ disk, directory: path, clock, logger });
  const marker = new FileInstallMarker(disk, path);
  try {
    const found = {
      contents: open.contents,
      applied: store.applied,
      marker: await marker.read(),
      replaced: parts.replaced ?? false,
    };
    const recovery = recover(found, directory);
    if (forced !== undefined) {
      if (recovery.type === "fresh") {
        throw new StartError(
          `${path}/peers.json names the nodes that are left of a cluster, but ${directory} has no data of one: start it without the file`,
        );
      }
      if (store.applied.index < open.contents.compaction.index) {
        throw new StartError(
          `${path}/peers.json names the nodes that are left of a cluster, but the database of ${directory} was damaged and is set aside: begin with a node that has its own, or put the one in ${directory}/${asideName} back`,
        );
      }
      const members = survivors(forced, configurationsOf(open.contents), identity.serverId);
      await recoverPeers(parts, open, members);
      return await openLog(parts);
    }
    if (recovery.type === "reset") {
      logger.log(
        "WARN",
        "node",
        `Finishing the installation of a snapshot at index ${recovery.point.index}`,
      );
      await open.log.reset(recovery.point);
      await open.log.close();
      await marker.clear();
      return await openLog(parts);
    }
    await marker.clear();
    const fresh = recovery.type === "fresh" || (identity.unused && isUntouched(open.contents));
    if (!fresh && identity.unused) {
      throw new StartError(
        `${directory} has data of a cluster, but its node.json names none. ${wayOutOf(directory)}`,
      );
    }
    return { ...open, fresh };
  } catch (error) {
    await letGo(() => open.log.close(), surroundings.logger);
    throw error;
  }
}

/** Throws a StartError for a peer whose address nobody could connect to. */
function checkPeer(path: string, { id, address }: NamedPeer): void {
  try {
    parseAddress(address);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw new StartError(`${path}: node ${id}: ${error.message}`);
  }
}

/** True when the log holds no vote and no entry: at most the term that a member's begins with. */
function isUntouched({ hardState, compaction, log }: LogContents): boolean {
  return hardState.votedFor === "" && compaction.index === 0 && log.lastIndex === 0;
}

/** The configurations that a log holds, oldest first. */
export function configurationsOf({ compaction, log }: LogContents): Members[] {
  const later = log.configurations.map((entry) => decodeConfiguration(entry.data));
  return [compaction.configuration, ...later];
}

/** Puts the members of `peers.json` in the place of those that the log knows (lost majority). */
async function recoverPeers(
  { surroundings, directory, store }: OpenLogParts,
  open: { readonly log: RaftLog; readonly contents: LogContents },
  members: Members,
): Promise<void> {
  const { disk, clock, logger, audit, openers: { logs } } = surroundings;
  const path = logDirectory(directory);
  const { aside, old } = recoveryNames(path);
  if (await disk.exists(old)) {
    throw new StartError(`${old} exists from an earlier recovery: move it away and start again`);
  }
  await clearDirectory(disk, aside);
  const to = await logs.open({ disk, directory: aside, clock, logger });
  await forceConfiguration({
    from: open,
    to: to.log,
    applied: store.applied,
    configuration: members,
  });
  await to.log.close();
  await open.log.close();
  await disk.rename(path, old);
  await disk.syncDirectory(dirname(path));
  await disk.rename(aside, path);
  await disk.syncDirectory(dirname(path));
  const nodes = members.members.map((member) => nodeName(member.id));
  audit?.record({ what: "recover", outcome: "ok", details: { nodes } });
  logger.log(
    "WARN",
    "cluster",
    `Members replaced by those of peers.json: ${nodes.join(", ")}. The old log is kept in ${old}`,
  );
}

export function logDirectory(directory: string): string {
  return `${directory}/raft`;
}

/** Where the new log is made, and where the old one is kept. */
export function recoveryNames(path: string): { aside: string; old: string } {
  return { aside: `${path}.recovering`, old: `${path}.before-recovery` };
}

/** After a crash between the two renames of `recoverPeers`: the new log was complete by then. */
async function finishRecovery({ disk, logger }: Surroundings, path: string): Promise<void> {
  const { aside, old } = recoveryNames(path);
  if (await disk.exists(path) || !await disk.exists(aside) || !await disk.exists(old)) return;
  await disk.rename(aside, path);
  await disk.syncDirectory(dirname(path));
  logger.log("WARN", "cluster", "Finished the recovery from peers.json that a crash broke off");
}

/** Leaves an empty directory at `path`. */
export async function clearDirectory(disk: Disk, path: string): Promise<void> {
  await disk.makeDirectory(path);
  for (const name of await disk.list(path)) await disk.remove(`${path}/${name}`);
}
