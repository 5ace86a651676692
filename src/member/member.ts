import type { ClusterService } from "../cluster/service.ts";
import { Upkeep } from "../jobs/upkeep.ts";
import { Scrub, type ScrubNode } from "../jobs/scrub.ts";
import { FileInstallMarker } from "../node/install_marker.ts";
import { changedSince } from "../node/changed_since.ts";
import type { Node } from "../node/node.ts";
import { recordPromise } from "../node/recovery.ts";
import { upkeepVersion, versionOf } from "../raft/cluster_version.ts";
import { messageOf } from "../base/message_of.ts";
import { isDamaged } from "../store/failures.ts";
import { isAlone } from "../raft/configuration.ts";
import { nodeName } from "../raft/types.ts";
import type { Store } from "../store/types.ts";
import { assembleMember, type Assembly } from "./assembly.ts";
import { begin, beginLog, beginMembersLog } from "./beginning.ts";
import { entryFor } from "./claiming.ts";
import { checkSingleNodeJoin, comeBack, joinFresh } from "./entering.ts";
import type { MemberConfiguration } from "./configuration.ts";
import { letGo } from "./let_go.ts";
import { type MemberParts, openParts, type Surroundings } from "./member_parts.ts";
import { RepairNote } from "./repair_note.ts";
import { openFiles } from "./repairing.ts";
import { logDirectory, type OpenLog, openLog } from "./open_log.ts";
import { Reporting } from "./reporting.ts";

/** A node of a cluster: its service, its beginning and its end. */
export interface OpenMember {
  readonly service: ClusterService;
  readonly node: Node;
  readonly store: Store;
  /**
   * Takes part from now on: to be called once. Resolves once the node is a member of its cluster;
   * rejects with a JoinError when none lets it in.
   */
  start(): Promise<void>;
  /** Hands leadership over if asked, finishes what is under way, closes everything. */
  stop(): Promise<void>;
}

/** How long all of a stop may take before connections are cut, in ms. */
const stopTimeoutMs = 5_000;

/**
 * Opens the data directory and makes a node of it that is ready to start: alone, with its old
 * cluster, or into one. Where a cluster is to be formed, it waits for that. Throws a StartError, or
 * what the rooms below throw.
 */
export async function openMember(
  configuration: MemberConfiguration,
  surroundings: Surroundings,
): Promise<OpenMember> {
  const cleanUp = new AsyncDisposableStack();
  try {
    return await bringUp(configuration, surroundings, cleanUp);
  } catch (error) {
    await letGo(() => cleanUp.disposeAsync(), surroundings.logger);
    throw error;
  }
}

async function bringUp(
  configuration: MemberConfiguration,
  surroundings: Surroundings,
  cleanUp: AsyncDisposableStack,
): Promise<OpenMember> {
  const { dataDirectory: directory } = configuration;
  const note = new RepairNote(surroundings.disk, directory, surroundings.logger);
  const files = await openFiles({ configuration, surroundings, note }, cleanUp);
  const { data, damage, rejoin } = files;
  let { raftLog } = files;
  cleanUp.defer(() => raftLog.log.close());
  const { identity, store } = data;
  const logParts = { surroundings, directory, identity, store };
  const { fresh } = raftLog;
  if (fresh && !identity.unused) {
    const forming = configuration.cluster.bootstrapExpect > 0 && rejoin === undefined;
    await identity.begin(forming ? "" : identity.clusterId);
  }
  const parts = await openParts({ configuration, surroundings, data }, cleanUp);
  const { transport, traffic } = parts;
  const onCluster = async (clusterId: string) => {
    await identity.adopt(clusterId);
    transport.setCluster(clusterId);
  };
  if (surroundings.beforeBeginning !== undefined) {
    const codec = surroundings.openers.engine.codec(configuration.database.foreignKeys);
    const { log } = raftLog;
    const hasData = !fresh && await changedSince({ log, codec }, 0, log.lastIndex);
    await surroundings.beforeBeginning({ store, hasData });
  }
  const begun = !fresh
    ? undefined
    : rejoin === undefined
    ? await begin(parts)
    : { type: "exists" } as const;
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
    const { clusterId: cluster } = begun;
    const nodes = begun.type === "former"
      ? begun.configuration.members.map(({ id }) => nodeName(id))
      : undefined;
    surroundings.audit?.record({ what: "bootstrap", outcome: "ok", details: { cluster, nodes } });
    await raftLog.log.close();
    raftLog = await openLog(logParts);
  }

  raftLog.contents = await recordPromise(raftLog.log, raftLog.contents, configuration.timing);
  if (damage !== undefined) store.distrust();
  const { node, service, reporting } = assemble(parts, raftLog, { note, damage });
  if (begun === undefined) checkSingleNodeJoin(parts, node.configuration);
  // The node may tell of the same failure first: the end waits for the note, by which the next start
  // sets aside what has failed.
  let noting: Promise<void> | undefined;
  store.failed.catch(async (error) => {
    if (configuration.database.repairs) noting = noteFailure(note, node, error).catch(() => {});
    await noting;
    surroundings.onFatal(error);
  });
  store.onDamage((reason) => {
    const text = (error: unknown) => `The damaged database is not replaced: ${messageOf(error)}`;
    service.copies.replace(reason)
      .catch((error) => surroundings.logger.log("ERROR", "cluster", text(error)));
  });
  const jobs = { ...surroundings, store, node: jobsNode({ node, service }) };
  const upkeep = new Upkeep({ ...jobs, times: configuration.database.upkeep });
  const scrub = new Scrub({ ...jobs, intervalMs: configuration.database.scrubMs });
  service.copies.serve(scrub);
  cleanUp.defer(async () => {
    reporting?.stop();
    upkeep.stop();
    await scrub.stop();
    await node.stop({
      handOver: configuration.cluster.stepDownOnShutdown,
      timeoutMs: stopTimeoutMs,
    });
    service.stop();
    await noting;
    await note.idle();
  });
  const start = async () => {
    node.start();
    traffic.handOver(transport, service.peers);
    if (begun === undefined) {
      comeBack(parts, { service, members: node.configuration, onCluster });
    } else if (begun.type === "exists") {
      await joinFresh(parts, onCluster, rejoin);
      if (rejoin !== undefined) await note.clear();
    }
    reporting?.start(node);
    upkeep.start();
    scrub.begin();
  };
  return { service, node, store, start, stop: () => cleanUp.disposeAsync() };
}

/** The node as upkeep and comparisons see it. */
function jobsNode({ node, service }: Assembly): ScrubNode {
  return {
    get leads() {
      return node.isLeader;
    },
    get maySubmit() {
      return versionOf(node.configuration) >= upkeepVersion;
    },
    get sameSqlite() {
      return service.status().sqlite.mismatches.length === 0;
    },
    changedSince: (index) => node.changedSince(index),
    submit: (entry) => service.upkeep(entry),
    members: () => service.copies.members(),
  };
}

/** A damaged database that stops the node is set aside by its next start, where others have all of it. */
async function noteFailure(
  note: RepairNote,
  node: Node,
  error: unknown,
): Promise<void> {
  if (isAlone(node.configuration, node.id) || !isDamaged(error)) return;
  // What is here then is not whole yet, and what was set aside is not to be lost for it.
  if ((await note.read())?.moved === true) return;
  await note.write({ part: "database", reason: messageOf(error), moved: false });
}

function assemble(
  parts: MemberParts,
  raftLog: OpenLog,
  { note, damage }: {
    readonly note: RepairNote;
    readonly damage: string | undefined;
  },
): Assembly & { readonly reporting: Reporting | undefined } {
  const { configuration, surroundings, identity, self } = parts;
  const { dataDirectory, database } = configuration;
  const { engine } = surroundings.openers;
  const registry = surroundings.discovery?.registry;
  const reporting = registry &&
    new Reporting({ ...surroundings, registry, entry: () => entryFor(self, identity.clusterId) });
  const assembly = assembleMember({
    ...configuration,
    ...surroundings,
    ...parts,
    roleTimes: configuration.cluster.roleTimes,
    onMembers: (members) => {
      surroundings.onMembers?.(members);
      if (database.repairs) note.remember(members, self.id);
      reporting?.changed();
    },
    onStatus: (status) => {
      surroundings.onStatus?.(status);
      reporting?.changed();
    },
    log: raftLog.log,
    contents: raftLog.contents,
    codec: engine.codec(database.foreignKeys),
    encodeCommand: engine.encoder(surroundings.clock),
    installMarker: new FileInstallMarker(surroundings.disk, logDirectory(dataDirectory)),
    clusterId: () => identity.clusterId,
    damage,
    onReplaced: () => note.clear(),
    repair: database.repairs
      ? { note: (reason) => note.write({ part: "database", reason, moved: false }) }
      : undefined,
  });
  return { ...assembly, reporting };
}
