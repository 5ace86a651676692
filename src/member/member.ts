import type { ClusterService } from "../cluster/service.ts";
import { nextTurnOf } from "../io/next_turn.ts";
import { FileInstallMarker } from "../node/install_marker.ts";
import type { Node } from "../node/node.ts";
import {
  encodeCommand,
  encodeLongCommand,
  isLongCommand,
  requestIdOf,
  stampBytes,
  stampCommand,
  writeStamp,
} from "../store/command_codec.ts";
import type { Store } from "../store/types.ts";
import { assembleMember, type Assembly } from "./assembly.ts";
import { begin, beginLog, beginMembersLog } from "./beginning.ts";
import { comeBack, joinFresh } from "./entering.ts";
import type { MemberConfiguration } from "./configuration.ts";
import { type MemberParts, openData, openParts, type Surroundings } from "./member_parts.ts";
import { type OpenLog, openLog } from "./open_log.ts";
import { nodeLimits, snapshotPolicy, timing } from "./tuning.ts";

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

/** How long all of a stop may take before connections are cut, in ms. */
const stopTimeoutMs = 5_000;

/** Opens the data directory and brings the node up: alone, with its old cluster, or into one. */
export async function openMember(
  configuration: MemberConfiguration,
  surroundings: Surroundings,
): Promise<RunningMember> {
  const cleanUp = new AsyncDisposableStack();
  try {
    return await bringUp(configuration, surroundings, cleanUp);
  } catch (error) {
    await cleanUp.disposeAsync();
    throw error;
  }
}

async function bringUp(
  configuration: MemberConfiguration,
  surroundings: Surroundings,
  cleanUp: AsyncDisposableStack,
): Promise<RunningMember> {
  const data = await openData(configuration, surroundings, cleanUp);
  const { identity, store } = data;
  let raftLog = await openLog(surroundings, configuration.dataDirectory, identity, store);
  cleanUp.defer(() => raftLog.log.close());
  const { fresh } = raftLog;
  if (fresh && !identity.unused) {
    const forming = configuration.cluster.bootstrapExpect > 0;
    await identity.begin(forming ? "" : identity.clusterId);
  }
  const parts = await openParts(configuration, surroundings, data, cleanUp);
  const { transport, traffic } = parts;
  const onCluster = async (clusterId: string) => {
    await identity.adopt(clusterId);
    transport.setCluster(clusterId);
  };
  const begun = fresh ? await begin(parts) : undefined;
  if (begun?.type === "former" || begun?.type === "member") {
    // Cut short between the two, a former has formed nothing and begins anew; a member still waits
    // under the id that its cluster knows.
    if (begun.type === "former") {
      await onCluster(begun.clusterId);
      await beginLog(raftLog.log, begun.configuration);
    } else {
      await beginMembersLog(raftLog.log);
      await onCluster(begun.clusterId);
    }
    await raftLog.log.close();
    raftLog = await openLog(surroundings, configuration.dataDirectory, identity, store);
  }

  const { node, service } = assemble(parts, raftLog);
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

  let joined = Promise.resolve();
  if (begun === undefined) comeBack(parts, service, node.configuration, onCluster);
  else if (begun.type === "exists") joined = joinFresh(parts, onCluster);
  return { service, node, store, joined, stop: () => cleanUp.disposeAsync() };
}

function assemble(parts: MemberParts, raftLog: OpenLog): Assembly {
  const { configuration, surroundings, identity, self } = parts;
  const { dataDirectory } = configuration;
  const { foreignKeys } = configuration.database;
  const nextTurn = nextTurnOf(surroundings.clock);
  return assembleMember({
    ...surroundings,
    ...parts,
    self,
    timing: timing(configuration),
    limits: nodeLimits,
    snapshots: snapshotPolicy(configuration),
    log: raftLog.log,
    contents: raftLog.contents,
    codec: {
      stamp: (command, stamp) => stampCommand(command, stamp, foreignKeys),
      stampBytes,
      writeStamp: (data, stamp) => writeStamp(data, stamp, foreignKeys),
      requestId: requestIdOf,
    },
    installMarker: new FileInstallMarker(surroundings.disk, `${dataDirectory}/raft`),
    encodeCommand: (command) =>
      isLongCommand(command) ? encodeLongCommand(command, nextTurn) : encodeCommand(command),
    clusterId: () => identity.clusterId,
    dataDirectory,
    writeTimeoutMs: configuration.raft.applyTimeoutMs,
  });
}
