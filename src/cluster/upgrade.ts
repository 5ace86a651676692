import type { Requester } from "../access/types.ts";
import { messageOf } from "../base/message_of.ts";
import type { Clock, Logger } from "../io/types.ts";
import type { Node } from "../node/node.ts";
import { newestVersion, unknownVersion, versionOf } from "../raft/cluster_version.ts";
import { type Member, nodeName } from "../raft/types.ts";
import type { Transport } from "../transport/types.ts";
import type { LeaderCalls } from "./leader_calls.ts";
import type { Membership } from "./membership.ts";
import { ServiceError, type VersionReport } from "./types.ts";
import { decodeRaise, encodeRaise } from "./member_wire.ts";
import { RequestKind } from "./wire.ts";

/** What a node may take to say what it understands, in ms. */
const askMs = 5_000;

interface Parts {
  readonly node: Pick<Node, "id" | "isLeader" | "configuration">;
  readonly transport: Pick<Transport, "versionAt">;
  readonly membership: Pick<Membership, "raise">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The step from one version of a cluster to the next, which an operator takes once all nodes have
 * the release for it, and which has no way back: what is written from then on no older one can read.
 */
export class Upgrade {
  readonly #parts: Parts;
  #offered = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** To be called whenever the node's status or configuration changed. */
  changed(): void {
    const { node: { isLeader, configuration }, logger } = this.#parts;
    const version = versionOf(configuration);
    const offer = isLeader && version < newestVersion;
    if (offer && !this.#offered) {
      logger.log(
        "INFO",
        "cluster",
        `The cluster has version ${version}, this release brings ${newestVersion}: once all nodes run it, POST /upgrade raises it, after which no older release can take part`,
      );
    }
    this.#offered = offer;
  }

  async report(): Promise<VersionReport> {
    const { configuration } = this.#parts.node;
    return {
      version: versionOf(configuration),
      newest: newestVersion,
      nodes: await Promise.all(configuration.members.map((member) => this.#ask(member))),
    };
  }

  async #ask(member: Member): Promise<VersionReport["nodes"][number]> {
    const { node, transport } = this.#parts;
    const { address } = member;
    const id = nodeName(member.id);
    if (member.id === node.id) return { id, address, newest: newestVersion, error: undefined };
    try {
      return { id, address, newest: await transport.versionAt(address, askMs), error: undefined };
    } catch (error) {
      return { id, address, newest: undefined, error: messageOf(error) };
    }
  }

  /** Raises the cluster's version to the newest that this node knows, by its leader. */
  async start(
    calls: Pick<LeaderCalls, "atLeader">,
    timeoutMs: number,
    requester?: Requester,
  ): Promise<number> {
    const deadline = this.#parts.clock.now() + timeoutMs;
    // The leader does so again; but one of an older release would not know what it is asked.
    await this.#check(newestVersion);
    const call = encodeRaise({ version: newestVersion, requester });
    await calls.atLeader(RequestKind.raise, () => call, deadline);
    return newestVersion;
  }

  /** The leader's side. */
  async handle(payload: Uint8Array, timeoutMs: number): Promise<void> {
    const { version } = decodeRaise(payload);
    if (version > newestVersion) throw new ServiceError("failed", unknownVersion(version));
    await this.#check(version);
    await this.#parts.membership.raise(version, timeoutMs);
  }

  /** Throws a ServiceError that names the nodes which do not understand a version, or cannot be asked. */
  async #check(version: number): Promise<void> {
    const { nodes } = await this.report();
    const reasons = nodes.flatMap(({ id, address, newest, error }) => {
      if (newest === undefined) return [`node ${id} at ${address} cannot be asked: ${error}`];
      if (newest >= version) return [];
      return [
        `node ${id} at ${address} knows versions up to ${newest} only: start a newer release`,
      ];
    });
    if (reasons.length === 0) return;
    throw new ServiceError("failed", `Not raised to version ${version}: ${reasons.join("; ")}`);
  }
}
