import type { Admission } from "../access/admission.ts";
import type { MemberFault } from "../cluster/types.ts";
import type { LeasePermit } from "../node/lease_permit.ts";
import type { Tracing } from "../cluster/tracing.ts";
import type { Audit } from "../audit/types.ts";
import type { Wish } from "../cluster/role_plan.ts";
import { SqliteAgreement } from "../cluster/sqlite_agreement.ts";
import { strangersMay } from "../cluster/wire.ts";
import { Seeds } from "../discovery/seeds.ts";
import type { Discovery } from "../discovery/types.ts";
import { hostOf } from "../io/address.ts";
import type { Transfers } from "../io/transfers.ts";
import type { Clock, Disk, Logger, Network, Random } from "../io/types.ts";
import { newestVersion } from "../raft/cluster_version.ts";
import type { Configuration as Members, Member, Status } from "../raft/types.ts";
import type { SqliteProfile, Store } from "../store/types.ts";
import type { Peer, Transport, TransportHandlers } from "../transport/types.ts";
import { ClusterIdentity } from "./cluster_identity.ts";
import { mendIdentity } from "./identity.ts";
import type { MemberConfiguration } from "./configuration.ts";
import type { Openers } from "./openers.ts";
import { StartError } from "./start_error.ts";

/** What a member finds around it. */
export interface Surroundings {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  readonly random: Random;
  readonly logger: Logger;
  readonly version: string;
  /** Shows long transfers; undefined: nobody looks. */
  readonly transfers?: Transfers | undefined;
  /** Told how long other threads may read by the leader's lease; undefined: none do. */
  readonly leasePermit?: Pick<LeasePermit, "publish"> | undefined;
  readonly openers: Openers;
  /** Undefined: every node may join. */
  readonly admission?: Admission | undefined;
  /** Where to find the cluster's nodes; undefined where nobody says. */
  readonly discovery?: Discovery | undefined;
  /** Undefined: nobody wants to know who did what. */
  readonly audit?: Audit | undefined;
  /** Undefined: nobody wants to know what writes go through. */
  readonly tracing?: Tracing | undefined;
  /** What the disk of the data has free; undefined where nobody can say. */
  readonly freeBytes?: (() => Promise<number | undefined>) | undefined;
  /** What this node finds wrong with itself; undefined: nobody looks. */
  readonly faults?: (() => Promise<readonly MemberFault[]>) | undefined;
  /** The node can go on no longer. */
  readonly onFatal: (error: Error) => void;
  /** This node was taken out of its cluster. */
  readonly onRemoved: () => void;
  /**
   * Called with the data open, before a node without any forms or joins a cluster; the node begins
   * when it resolves, and does not when it rejects.
   */
  readonly beforeBeginning?: (opened: OpenedData) => Promise<void>;
  /** The configuration in effect changed (also called once at the start). */
  readonly onMembers?: (members: Members) => void;
  readonly onStatus?: (status: Status) => void;
}

/** What a node finds in its data directory at its start. */
export interface OpenedData {
  readonly store: Store;
  /** The log has, or had, a command that changed the database. */
  readonly hasData: boolean;
}

/** What is in a data directory beside the log. */
export interface MemberData {
  readonly identity: ClusterIdentity;
  readonly store: Store;
  readonly profile: SqliteProfile;
}

/** What a member is made of beside its log and its node. */
export interface MemberParts extends MemberData {
  readonly configuration: MemberConfiguration;
  readonly surroundings: Surroundings;
  readonly self: Member;
  readonly traffic: Traffic;
  readonly transport: Transport;
  readonly sqlite: SqliteAgreement;
  /** What the flags ask for this node to be. */
  readonly wish: Wish;
  /** Where other nodes may be: -join and discovery. */
  readonly seeds: Seeds;
}

/** Opens it; `cleanUp` closes it again. */
export async function openData(
  configuration: MemberConfiguration,
  surroundings: Surroundings,
  cleanUp: AsyncDisposableStack,
): Promise<MemberData> {
  const { disk, random, logger } = surroundings;
  const identity = await ClusterIdentity.read(disk, random, configuration);
  await mendIdentity(disk, configuration.dataDirectory, logger);
  const { store, profile } = await openDatabase(configuration, surroundings);
  cleanUp.defer(() => store.close());
  return { identity, store, profile };
}

/** Opens the database of a data directory; its store is to be closed. */
export async function openDatabase(
  { dataDirectory, database }: Pick<MemberConfiguration, "dataDirectory" | "database">,
  { disk, clock, logger, openers }: Pick<Surroundings, "disk" | "clock" | "logger" | "openers">,
): Promise<Pick<MemberData, "store" | "profile">> {
  const { store, profile, libraryPath } = await openers.engine.open({
    directory: dataDirectory,
    clock,
    disk,
    logger,
    readers: database.readConnectionsMax,
    foreignKeys: database.foreignKeys,
    slow: database.slow,
    changesBytes: database.changesBytes,
    changesHeld: database.changesHeld,
    limits: database.limits,
    pageCheckMs: database.pageCheckMs,
    extensions: database.extensions,
  });
  logger.log("INFO", "sqlite", `SQLite ${profile.version} (${libraryPath})`);
  return { store, profile };
}

/** Gives the member its place among the others; `cleanUp` takes it off the network again. */
export async function openParts(
  { configuration, surroundings, data }: {
    readonly configuration: MemberConfiguration;
    readonly surroundings: Surroundings;
    readonly data: MemberData;
  },
  cleanUp: AsyncDisposableStack,
): Promise<MemberParts> {
  const { identity } = data;
  const { nonVoter, standby } = configuration.cluster;
  const wish = standby ? "standby" : nonVoter ? "replica" : "voter";
  const self: Member = {
    id: identity.serverId,
    address: configuration.advertisedAddress,
    httpAddress: configuration.httpAddress,
    suffrage: wish === "voter" ? "voter" : "learner",
  };
  const sqlite = new SqliteAgreement({
    id: self.id,
    profile: data.profile,
    permits: configuration.cluster.allowSqliteMismatch,
    logger: surroundings.logger,
  });
  const transport = cleanUp.adopt(
    await listen({
      configuration,
      surroundings,
      self,
      clusterId: identity.clusterId,
      agreement: sqlite,
    }),
    (open) => open.close(),
  );
  const seeds = new Seeds({ ...surroundings, named: configuration.cluster.join });
  const traffic = new Traffic();
  return { ...data, configuration, surroundings, self, traffic, transport, sqlite, seeds, wish };
}

interface ListenParts {
  readonly configuration: MemberConfiguration;
  readonly surroundings: Surroundings;
  readonly self: Member;
  readonly clusterId: string;
  readonly agreement: SqliteAgreement;
}

async function listen(
  { configuration, surroundings, self, clusterId, agreement }: ListenParts,
): Promise<Transport> {
  const { network, clock, logger, random, openers } = surroundings;
  try {
    return await openers.transport({
      network,
      clock,
      logger,
      id: self.id,
      advertisedAddress: self.address,
      listenAddress: configuration.raftAddress,
      clusterId,
      allowStrangers: new Set(strangersMay),
      agreement,
      version: newestVersion,
      random: (limit) => random.below(limit),
      refused: surroundings.audit && ((remoteAddress, reason) => {
        surroundings.audit?.record({
          what: "connection",
          outcome: "refused",
          requester: { address: hostOf(remoteAddress) },
          details: { port: "raft", reason },
        });
      }),
      limits: { connectTimeoutMs: configuration.cluster.connectTimeoutMs },
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new StartError(`${error.message}; choose another address by -raft-addr`, {
      cause: error,
    });
  }
}

/** Hands what arrives to whoever is in charge: first the formation of a cluster, then the service. */
class Traffic implements TransportHandlers {
  #current: TransportHandlers | undefined;

  handOver(transport: Transport, handlers: TransportHandlers): void {
    const started = this.#current !== undefined;
    this.#current = handlers;
    if (!started) transport.start(this);
  }

  get #handlers(): TransportHandlers {
    if (this.#current === undefined) throw new Error("The transport has no handlers yet");
    return this.#current;
  }

  message(message: Parameters<TransportHandlers["message"]>[0]): void {
    this.#handlers.message(message);
  }

  unreachable(id: string): void {
    this.#handlers.unreachable(id);
  }

  request(peer: Peer, kind: number, payload: Uint8Array, signal: AbortSignal) {
    return this.#handlers.request(peer, kind, payload, signal);
  }

  stream(peer: Peer, kind: number, header: Uint8Array, body: AsyncIterable<Uint8Array>) {
    return this.#handlers.stream(peer, kind, header, body);
  }
}
