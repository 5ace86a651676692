import { type Identity, readIdentity, writeIdentity } from "../cluster/identity.ts";
import type { Disk } from "../io/types.ts";
import type { Configuration } from "./flags.ts";
import { StartError } from "./start_error.ts";

/** Which cluster this node belongs to, as its data directory remembers it. */
export class ClusterIdentity {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #nodeId: string;
  #kept: Identity | undefined;

  private constructor(
    disk: Disk,
    { dataDirectory, nodeId }: Configuration,
    kept: Identity | undefined,
  ) {
    this.#disk = disk;
    this.#directory = dataDirectory;
    this.#nodeId = nodeId;
    this.#kept = kept;
  }

  /** Throws a StartError when the directory is another node's. */
  static async read(disk: Disk, configuration: Configuration): Promise<ClusterIdentity> {
    const { dataDirectory, nodeId } = configuration;
    const kept = await readIdentity(disk, dataDirectory);
    if (kept !== undefined && kept.nodeId !== nodeId) {
      throw new StartError(
        `Data directory ${dataDirectory} belongs to node ${kept.nodeId}, not ${nodeId}: start it with -node-id ${kept.nodeId}, or give this node a directory of its own`,
      );
    }
    return new ClusterIdentity(disk, configuration, kept);
  }

  /** "" when the node belongs to no cluster yet. */
  get clusterId(): string {
    return this.#kept?.clusterId ?? "";
  }

  /** Remembers, durably, that the node belongs to that cluster. */
  async adopt(clusterId: string): Promise<void> {
    if (this.clusterId === clusterId) return;
    this.#kept = { version: 1, nodeId: this.#nodeId, clusterId };
    await writeIdentity(this.#disk, this.#directory, this.#kept);
  }
}
