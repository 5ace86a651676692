import { Prng } from "../base/prng.ts";
import { ClusterService, type ServiceParts } from "../cluster/service.ts";
import { Node } from "../node/node.ts";
import type { Random } from "../io/types.ts";
import type { NodeOptions } from "../node/types.ts";
import { versionOf } from "../raft/cluster_version.ts";
import {
  type Configuration as Members,
  type Member,
  nodeName,
  type Status,
} from "../raft/types.ts";
import { addressesBut } from "./entering.ts";

/** What a node takes as it is given; all else about it follows from the rest. */
type NodeParts = Pick<
  NodeOptions,
  | "clock"
  | "logger"
  | "timing"
  | "limits"
  | "snapshots"
  | "log"
  | "contents"
  | "codec"
  | "installMarker"
  | "transfers"
  | "leasePermit"
  | "damage"
  | "onReplaced"
  | "onFatal"
>;

type OwnServiceParts = Pick<
  ServiceParts,
  | "store"
  | "transport"
  | "encodeCommand"
  | "clusterId"
  | "seeds"
  | "wish"
  | "roleTimes"
  | "dataDirectory"
  | "version"
  | "sqlite"
  | "admission"
  | "audit"
  | "tracing"
  | "transfers"
  | "freeBytes"
  | "faults"
  | "writeTimeoutMs"
  | "repair"
>;

/** What a member is put together from; the simulator brings its own of each. */
export interface AssemblyParts extends NodeParts, OwnServiceParts {
  readonly self: Member;
  readonly random: Random;
  /** The configuration in effect changed (also called once at the start). */
  readonly onMembers?: (members: Members) => void;
  readonly onStatus?: (status: Status) => void;
  /** This node was taken out of its cluster. */
  readonly onRemoved: () => void;
}

/** A node and the service that it is part of, not yet started. */
export interface Assembly {
  readonly node: Node;
  readonly service: ClusterService;
}

/** Puts node and service together, each told what the other must hear of. */
export function assembleMember(parts: AssemblyParts): Assembly {
  const { self, random, transport, store, logger } = parts;
  const origin = random.uint64();
  const seeds = new Prng(random.uint64());
  let present = false;
  const node = new Node({
    ...parts,
    id: self.id,
    random: (limit) => random.below(limit),
    seed: () => seeds.uint64(),
    origin,
    stateMachine: store,
    onConfiguration: (members) => {
      parts.onMembers?.(members);
      // Also for one that is cut off again: this node's log has begun to be written by it.
      transport.setVersion(versionOf(members));
      transport.setPeers(addressesBut(members, self.id));
      const included = members.members.some((member) => member.id === self.id);
      if (present && !included) parts.onRemoved();
      present = included;
      service.changed();
    },
    onStatus: (status) => {
      const { role, term, leader } = status;
      logger.log("INFO", "node", `Term ${term}: ${role}, leader ${nodeName(leader) || "unknown"}`);
      parts.onStatus?.(status);
      service.changed();
    },
  });
  const service: ClusterService = new ClusterService({
    ...parts,
    node,
    origin,
    raftAddress: self.address,
    httpAddress: self.httpAddress,
    forwardedMax: parts.limits.pendingWritesMax,
  });
  return { node, service };
}
