import { type Identity, readIdentity, writeIdentity } from "./identity.ts";
import type { Disk, Random } from "../io/types.ts";
import { wayOutOf } from "../node/recovery.ts";
import { type NodeId, serverId } from "../raft/types.ts";
import type { MemberConfiguration } from "./configuration.ts";
import { StartError } from "./start_error.ts";

interface ClusterIdentityParts {
  readonly disk: Disk;
  readonly random: Random;
  readonly directory: string;
  readonly kept: Identity;
}

/** Which server this is, and of which cluster, as its data directory remembers it. */
export class ClusterIdentity {
  readonly #disk: Disk;
  readonly #random: Random;
  readonly #directory: string;
  #kept: Identity;

  private constructor({ disk, random, directory, kept }: ClusterIdentityParts) {
    this.#disk = disk;
    this.#random = random;
    this.#directory = directory;
    this.#kept = kept;
  }

  /** Throws a StartError when the directory is another node's. */
  static async read(
    disk: Disk,
    random: Random,
    configuration: Pick<MemberConfiguration, "dataDirectory" | "nodeId">,
  ): Promise<ClusterIdentity> {
    const { dataDirectory, nodeId } = configuration;
    const parts = { disk, random, directory: dataDirectory };
    const nobody: Identity = { version: 2, nodeId, incarnation: "", clusterId: "" };
    const kept = await readIdentity(disk, dataDirectory) ?? nobody;
    if (kept.nodeId !== nodeId) {
      // Without a cluster there is no data either: the node may still be given another name.
      if (kept.clusterId === "") return new ClusterIdentity({ ...parts, kept: nobody });
      throw new StartError(
        `Data directory ${dataDirectory} belongs to node ${kept.nodeId}, not ${nodeId}: start it with -node-id ${kept.nodeId}, or give this node a directory of its own`,
      );
    }
    return new ClusterIdentity({ ...parts, kept });
  }

  /** How the other servers know this one. Throws a StartError when the directory does not say. */
  get serverId(): NodeId {
    const { nodeId, incarnation } = this.#kept;
    if (incarnation === "") {
      throw new StartError(
        `${this.#directory} has data of a node but no node.json. ${wayOutOf(this.#directory)}`,
      );
    }
    return serverId(nodeId, incarnation);
  }

  /** "" when the node belongs to no cluster yet. */
  get clusterId(): string {
    return this.#kept.clusterId;
  }

  /**
   * Whether the server has an id under which it has been in no cluster: Raft messages reach a node
   * only once its cluster is remembered here, so it has given no vote, acknowledgement or lease. All
   * that it may have given is a promise to form a cluster, whose configuration names it by this id.
   */
  get unused(): boolean {
    return this.#kept.incarnation !== "" && this.#kept.clusterId === "";
  }

  /**
   * A log begins here, with nothing of what an earlier one may have promised: another server, on its
   * way into the cluster `clusterId`, "" for none.
   */
  async begin(clusterId: string): Promise<void> {
    await this.#keep({ ...this.#kept, incarnation: newIncarnation(this.#random), clusterId });
  }

  /** Remembers, durably, that the node belongs to that cluster. */
  async adopt(clusterId: string): Promise<void> {
    if (this.clusterId !== clusterId) await this.#keep({ ...this.#kept, clusterId });
  }

  async #keep(identity: Identity): Promise<void> {
    this.#kept = identity;
    await writeIdentity(this.#disk, this.#directory, identity);
  }
}

/** The id of a new cluster: 16 hex digits. */
export function newClusterId(random: Random): string {
  return random.uint64().toString(16).padStart(16, "0");
}

/** What tells the servers apart that one node has been: 8 hex digits. */
export function newIncarnation(random: Random): string {
  return newClusterId(random).slice(0, 8);
}
