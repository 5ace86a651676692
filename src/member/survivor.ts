import type { Clock, Disk, Logger } from "../io/types.ts";
import { type Configuration as Members, nodeName, serverId } from "../raft/types.ts";
import { configurationsOf, logDirectory, recoveryNames } from "./open_log.ts";
import { readIdentity } from "./identity.ts";
import type { Openers } from "./openers.ts";
import { type NamedPeer, survivors } from "./peers_file.ts";
import { StartError } from "./start_error.ts";

/** What a node that is stopped has on its disk. */
export interface Survivor {
  readonly directory: string;
  readonly nodeId: string;
  readonly clusterId: string;
  /** Of its last entry. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** What its database holds, all of it committed. */
  readonly appliedIndex: number;
  /** The newest that it knows. */
  readonly members: Members;
  /** Throws a PeersFileError for peers of which its log does not know every one. */
  readonly check: (peers: readonly NamedPeer[]) => void;
}

interface Parts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openers: Pick<Openers, "logs" | "engine">;
}

/** Reads the data of a node that does not run. Throws a StartError where there are none. */
export async function readSurvivor(
  { disk, clock, logger, openers }: Parts,
  directory: string,
): Promise<Survivor> {
  const identity = await readIdentity(disk, directory);
  const path = logDirectory(directory);
  const isMember = identity !== undefined && identity.clusterId !== "";
  if (!isMember || !await disk.exists(path) || !await openers.logs.exists(disk, path)) {
    throw new StartError(`${directory} has no data of a node that is in a cluster`);
  }
  const { old } = recoveryNames(path);
  if (await disk.exists(old)) {
    throw new StartError(`${old} is left from an earlier recovery: move it away first`);
  }
  const limits = {};
  const options = { directory, clock, disk, logger, readers: 1, foreignKeys: false, limits };
  const { store } = await openers.engine.open(options);
  const appliedIndex = store.applied.index;
  await store.close();
  const { log, contents } = await openers.logs.open({ disk, directory: path, clock, logger });
  await log.close();
  const configurations = configurationsOf(contents);
  const members = configurations.at(-1) ?? { members: [] };
  const self = serverId(identity.nodeId, identity.incarnation);
  return {
    directory,
    nodeId: identity.nodeId,
    clusterId: identity.clusterId,
    lastIndex: Math.max(contents.log.lastIndex, contents.compaction.index),
    lastTerm: contents.log.termStarts.at(-1)?.term ?? contents.compaction.term,
    appliedIndex,
    members: {
      ...members,
      members: members.members.map((member) => ({ ...member, id: nodeName(member.id) })),
    },
    check: (peers) => void survivors(peers, configurations, self),
  };
}
