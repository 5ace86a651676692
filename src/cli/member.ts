import { type Identity, readIdentity, writeIdentity } from "../cluster/identity.ts";
import { Prng } from "../base/prng.ts";
import { joinCluster, JoinError } from "../cluster/joining.ts";
import { ClusterService } from "../cluster/service.ts";
import { strangersMay } from "../cluster/wire.ts";
import type { Clock, Disk, Logger, Network } from "../io/types.ts";
import { FileInstallMarker } from "../node/install_marker.ts";
import { Node } from "../node/node.ts";
import type { Configuration as Members, Member } from "../raft/types.ts";
import { encodeCommand, requestIdOf, stampCommand } from "../store/command_codec.ts";
import { openStore } from "../store/store.ts";
import type { Store } from "../store/types.ts";
import { openTransport } from "../transport/transport.ts";
import { begin, beginLog } from "./beginning.ts";
import type { Configuration } from "./flags.ts";
import { openLog } from "./open_log.ts";
import { random, random64 } from "./random.ts";
import { StartError } from "./start_error.ts";
import { Traffic } from "./traffic.ts";
import { nodeLimits, snapshotPolicy, storeLimits, timing } from "./tuning.ts";

/** A node that runs: its service, and the way to end it. */
export interface RunningMember {
  readonly service: ClusterService;
  readonly node: Node;
  readonly store: Store;
  /** Resolves once the node is a member of its cluster; rejects with a JoinError when none lets it in. */
  readonly joined: Promise<void>;
  /** Hands leadership over if asked, finishes what is under way, closes everything. */
  stop(): Promise<void>;
}

export interface Surroundings {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  readonly logger: Logger;
  readonly version: string;
  /** The node can go on no longer. */
  readonly onFatal: (error: Error) => void;
  /** This node was taken out of its cluster. */
  readonly onRemoved: () => void;
}

/** How long all of a stop may take before connections are cut, in ms. */
const stopTimeoutMs = 5_000;
/** What joining may wait for one answer, in ms. */
const joinTimeoutMs = 10_000;

/** Opens the data directory and brings the node up: alone, with its old cluster, or into one. */
export async function openMember(
  configuration: Configuration,
  surroundings: Surroundings,
): Promise<RunningMember> {
  const cleanUp = new AsyncDisposableStack();
  try {
    return await assemble(configuration, surroundings, cleanUp);
  } catch (error) {
    await cleanUp.disposeAsync();
    throw error;
  }
}

async function assemble(
  configuration: Configuration,
  surroundings: Surroundings,
  cleanUp: AsyncDisposableStack,
): Promise<RunningMember> {
  const { clock, disk, network, logger, version } = surroundings;
  const directory = configuration.dataDirectory;
  let identity = await checkIdentity(disk, configuration);

  const store = cleanUp.adopt(
    await openStore({
      directory,
      logger,
      readers: configuration.database.readConnectionsMax,
      foreignKeys: configuration.database.foreignKeys,
      limits: storeLimits(configuration),
    }),
    (open) => open.close(),
  );
  const { version: sqliteVersion, library_path: libraryPath } = await store.status();
  if (typeof sqliteVersion !== "string") throw new StartError("SQLite does not say its version");
  logger.log("INFO", "sqlite", `SQLite ${sqliteVersion} (${libraryPath})`);
  let raftLog = await openLog(surroundings, directory, store);
  cleanUp.defer(() => raftLog.log.close());

  const self: Member = {
    id: configuration.nodeId,
    address: configuration.raft.advertisedAddress,
    httpAddress: configuration.http.advertisedAddress,
    suffrage: configuration.cluster.nonVoter ? "learner" : "voter",
  };
  const traffic = new Traffic();
  const transport = cleanUp.adopt(
    await openTransport({
      network,
      clock,
      logger,
      id: self.id,
      advertisedAddress: self.address,
      listenAddress: configuration.raft.address,
      clusterId: identity?.clusterId ?? "",
      allowStrangers: new Set(strangersMay),
      random,
      limits: { connectTimeoutMs: Math.min(configuration.cluster.connectTimeoutMs, 5_000) },
    }).catch((error: Error) => {
      throw new StartError(`${error.message}; choose another address by -raft-addr`, {
        cause: error,
      });
    }),
    (open) => open.close(),
  );
  const adopt = async (clusterId: string) => {
    if (identity?.clusterId !== clusterId) {
      identity = { version: 1, nodeId: self.id, clusterId };
      await writeIdentity(disk, directory, identity);
    }
    transport.setCluster(clusterId);
  };

  const { fresh } = raftLog;
  let announce: (() => Promise<void>) | undefined;
  let join = configuration.cluster.join.length > 0;
  if (fresh) {
    const begun = await begin({
      configuration,
      surroundings,
      self,
      transport,
      traffic,
      identity,
      sqliteVersion,
    });
    if (begun.type !== "exists") {
      join = false;
      await adopt(begun.clusterId);
    }
    if (begun.type === "former") {
      announce = begun.announce;
      await beginLog(raftLog.log, begun.configuration);
      await raftLog.log.close();
      raftLog = await openLog(surroundings, directory, store);
    }
  }

  const origin = random64();
  const seeds = new Prng(random64());
  let present = false;
  const node = new Node({
    id: self.id,
    clock,
    logger,
    random,
    seed: () => seeds.uint64(),
    origin,
    timing: timing(configuration),
    limits: nodeLimits,
    snapshots: snapshotPolicy(configuration),
    log: raftLog.log,
    contents: raftLog.contents,
    transport,
    stateMachine: store,
    codec: { stamp: stampCommand, requestId: requestIdOf },
    installMarker: new FileInstallMarker(disk, `${directory}/raft`),
    onConfiguration: (members) => {
      transport.setPeers(addressesBut(members, self.id));
      const included = members.members.some((member) => member.id === self.id);
      if (present && !included) surroundings.onRemoved();
      present = included;
      service.changed();
    },
    onStatus: ({ role, term, leader }) => {
      logger.log(
        "INFO",
        "node",
        `Term ${term}: ${role}, leader ${leader === "" ? "unknown" : leader}`,
      );
      service.changed();
    },
    onFatal: surroundings.onFatal,
  });
  const service: ClusterService = new ClusterService({
    node,
    store,
    transport,
    clock,
    logger,
    origin,
    encodeCommand,
    clusterId: () => identity?.clusterId ?? "",
    raftAddress: self.address,
    httpAddress: self.httpAddress,
    dataDirectory: directory,
    version,
    sqliteVersion,
    forwardedMax: nodeLimits.pendingWritesMax,
    writeTimeoutMs: configuration.raft.applyTimeoutMs,
  });
  store.failed.catch(surroundings.onFatal);
  node.start();
  traffic.handOver(transport, service.peers);
  cleanUp.defer(async () => {
    await node.stop({
      handOver: configuration.cluster.stepDownOnShutdown,
      timeoutMs: stopTimeoutMs,
    });
    service.stop();
  });

  const joining = {
    member: { ...self, suffrage: self.suffrage === "learner" ? "learner" : "staging" } as const,
    attempts: configuration.cluster.joinAttempts,
    intervalMs: configuration.cluster.joinIntervalMs,
    timeoutMs: joinTimeoutMs,
    transport,
    clock,
    logger,
    onCluster: adopt,
  };
  let joined = Promise.resolve();
  if (fresh && join) {
    joined = joinCluster({
      ...joining,
      addresses: configuration.cluster.join,
      fresh: true,
      clusterId: "",
    });
  } else if (!fresh) {
    checkSingleNodeJoin(configuration, node.configuration, self);
    const peers = [...addressesBut(node.configuration, self.id).values()];
    const known = node.configuration.members.find((member) => member.id === self.id);
    const moved = known?.address !== self.address || known.httpAddress !== self.httpAddress;
    // With -join the node asks again even when it believes itself a member: it may have been
    // removed while it was away, and would never hear of it.
    if (moved || join) {
      const addresses = [...new Set([...configuration.cluster.join, ...peers])];
      announceSelf(service, { ...joining, addresses, clusterId: identity?.clusterId ?? "" });
    }
  }
  announce?.().catch(surroundings.onFatal);
  return {
    service,
    node,
    store,
    joined,
    stop: () => cleanUp.disposeAsync(),
  };
}

/** The directory's identity, if it has one, and that it is this node's. */
async function checkIdentity(
  disk: Disk,
  { dataDirectory, nodeId }: Configuration,
): Promise<Identity | undefined> {
  const identity = await readIdentity(disk, dataDirectory);
  if (identity !== undefined && identity.nodeId !== nodeId) {
    throw new StartError(
      `Data directory ${dataDirectory} belongs to node ${identity.nodeId}, not ${nodeId}: start it with -node-id ${identity.nodeId}, or give this node a directory of its own`,
    );
  }
  return identity;
}

/** A node that is a cluster of its own cannot join another with what it has. */
function checkSingleNodeJoin(configuration: Configuration, members: Members, self: Member): void {
  const others = configuration.cluster.join.filter((address) => address !== self.address);
  const alone = members.members.length === 1 && members.members[0]?.id === self.id;
  if (alone && others.length > 0 && configuration.cluster.bootstrapExpect === 0) {
    throw new StartError(
      `This node's data is a cluster of its own and cannot join another: empty ${configuration.dataDirectory} first, or leave -join out`,
    );
  }
}

/** Tells the cluster this node's new addresses, or asks to be let back in, until it is heard. */
function announceSelf(
  service: ClusterService,
  joining: Omit<Parameters<typeof joinCluster>[0], "fresh">,
): void {
  const { logger } = joining;
  const announce = async () => {
    if (joining.addresses.length > 0) {
      await joinCluster({ ...joining, attempts: Infinity, fresh: false });
    } else await service.announceSelf(joining.member);
  };
  announce().catch((error) => {
    const level = error instanceof JoinError ? "ERROR" : "WARN";
    logger.log(level, "cluster", `This node's addresses could not be announced: ${error.message}`);
  });
}

function addressesBut(members: Members, id: string): Map<string, string> {
  return new Map(
    members.members.filter((member) => member.id !== id).map((member) => [
      member.id,
      member.address,
    ]),
  );
}
