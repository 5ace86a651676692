import { strangersMay } from "../cluster/wire.ts";
import type { Clock, Disk, Logger, Network, Random } from "../io/types.ts";
import type { Member } from "../raft/types.ts";
import { SqliteAgreement } from "../cluster/sqlite_agreement.ts";
import { findLibrary, openLibrary, takeProfile } from "../sqlite/mod.ts";
import { openStore } from "../store/store.ts";
import type { SqliteProfile, Store } from "../store/types.ts";
import { openTransport } from "../transport/transport.ts";
import type { Transport } from "../transport/types.ts";
import { ClusterIdentity } from "./cluster_identity.ts";
import type { MemberConfiguration } from "./configuration.ts";
import { StartError } from "./start_error.ts";
import { Traffic } from "./traffic.ts";
import { storeLimits } from "./tuning.ts";

/** What a member finds around it. */
export interface Surroundings {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  readonly random: Random;
  readonly logger: Logger;
  readonly version: string;
  /** The node can go on no longer. */
  readonly onFatal: (error: Error) => void;
  /** This node was taken out of its cluster. */
  readonly onRemoved: () => void;
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
}

/** Opens it; `cleanUp` closes it again. */
export async function openData(
  configuration: MemberConfiguration,
  surroundings: Surroundings,
  cleanUp: AsyncDisposableStack,
): Promise<MemberData> {
  const { disk, logger } = surroundings;
  const identity = await ClusterIdentity.read(disk, surroundings.random, configuration);
  const library = await findLibrary({ log: (message) => logger.log("INFO", "sqlite", message) });
  const opening = openStore({
    directory: configuration.dataDirectory,
    logger,
    readers: configuration.database.readConnectionsMax,
    foreignKeys: configuration.database.foreignKeys,
    limits: storeLimits(configuration),
    library,
  });
  // Meanwhile the writer's Worker starts, which takes longer.
  const profiling = takeProfile(openLibrary(library));
  profiling.catch(() => {});
  const store = cleanUp.adopt(await opening, (open) => open.close());
  const profile = await profiling;
  logger.log("INFO", "sqlite", `SQLite ${profile.version} (${library.path})`);
  return { identity, store, profile };
}

/** Gives the member its place among the others; `cleanUp` takes it off the network again. */
export async function openParts(
  configuration: MemberConfiguration,
  surroundings: Surroundings,
  data: MemberData,
  cleanUp: AsyncDisposableStack,
): Promise<MemberParts> {
  const { identity } = data;
  const self: Member = {
    id: identity.serverId,
    address: configuration.raft.advertisedAddress,
    httpAddress: configuration.http.advertisedAddress,
    suffrage: configuration.cluster.nonVoter ? "learner" : "voter",
  };
  const sqlite = new SqliteAgreement({
    id: self.id,
    profile: data.profile,
    permits: configuration.cluster.allowSqliteMismatch,
    logger: surroundings.logger,
  });
  const transport = cleanUp.adopt(
    await listen(configuration, surroundings, self, identity.clusterId, sqlite),
    (open) => open.close(),
  );
  return { ...data, configuration, surroundings, self, traffic: new Traffic(), transport, sqlite };
}

async function listen(
  configuration: MemberConfiguration,
  { network, clock, logger, random }: Surroundings,
  self: Member,
  clusterId: string,
  agreement: SqliteAgreement,
): Promise<Transport> {
  try {
    return await openTransport({
      network,
      clock,
      logger,
      id: self.id,
      advertisedAddress: self.address,
      listenAddress: configuration.raft.address,
      clusterId,
      allowStrangers: new Set(strangersMay),
      agreement,
      random: (limit) => random.below(limit),
      limits: { connectTimeoutMs: configuration.cluster.connectTimeoutMs },
    });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new StartError(`${error.message}; choose another address by -raft-addr`, {
      cause: error,
    });
  }
}
