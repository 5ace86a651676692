import { joinCluster, JoinError } from "../cluster/joining.ts";
import { presentAddress } from "../cluster/members.ts";
import type { ClusterService } from "../cluster/service.ts";
import type { Configuration as Members } from "../raft/types.ts";
import type { MemberParts } from "./member_parts.ts";
import { StartError } from "./start_error.ts";

/** What joining may wait for one answer, in ms. */
const joinTimeoutMs = 10_000;

/** Between two rounds of a member that has come back, at least, in ms. */
const announceIntervalMsMin = 100;

type Joining = Parameters<typeof joinCluster>[0];

/**
 * Joins the cluster that the flags name, with nothing of it yet, or, once more, the one that a node
 * was in whose files were damaged: `rejoin` says where its members were. Throws a JoinError.
 */
export async function joinFresh(
  parts: MemberParts,
  onCluster: Joining["onCluster"],
  rejoin?: readonly string[],
): Promise<void> {
  const { seeds, surroundings, identity, self } = parts;
  const joining = joiningOf(parts, onCluster);
  // Who is found by discovery may be there only in a while; what an operator names, should be there.
  const attempts = surroundings.discovery === undefined ? joining.attempts : Infinity;
  const addresses = () => seeds.addresses();
  if (rejoin === undefined) {
    return await joinCluster({ ...joining, attempts, addresses, clusterId: "" });
  }
  const all = async () => {
    const known = new Set([...await seeds.addresses(), ...rejoin]);
    known.delete(self.address);
    return [...known];
  };
  const { clusterId } = identity;
  await joinCluster({ ...joining, attempts: Infinity, addresses: all, clusterId });
}

/**
 * A member that comes back tells its cluster where it is now, when that is news, or was asked to
 * by -join: it may have been removed while it was away, and would never hear of it.
 */
export function comeBack(
  parts: MemberParts,
  { service, members, onCluster }: {
    readonly service: ClusterService;
    readonly members: Members;
    readonly onCluster: Joining["onCluster"];
  },
): void {
  const { self, identity, seeds, transport } = parts;
  const known = members.members.find((member) => member.id === self.id);
  const moved = known?.address !== self.address || known.httpAddress !== self.httpAddress;
  if (!moved && seeds.none) return;
  const others = addressesBut(members, self.id);
  const addresses = async () => {
    const known = [...others].map(([id, address]) => presentAddress(transport, { id, address }));
    const addresses = new Set([...await seeds.addresses(), ...known]);
    // One that comes back where another was known to be would ask itself.
    addresses.delete(self.address);
    return [...addresses];
  };
  const joining = { ...joiningOf(parts, onCluster), addresses, clusterId: identity.clusterId };
  const asksNobody = others.size === 0 && (members.members.length === 1 || seeds.none);
  announceSelf(service, joining, asksNobody);
}

function joiningOf(parts: MemberParts, onCluster: Joining["onCluster"]) {
  const { configuration, surroundings, self, transport } = parts;
  return {
    member: { ...self, suffrage: self.suffrage === "learner" ? "learner" : "staging" } as const,
    attempts: configuration.cluster.joinAttempts,
    intervalMs: configuration.cluster.joinIntervalMs,
    timeoutMs: joinTimeoutMs,
    sqlite: parts.sqlite.own,
    credentials: surroundings.admission?.own,
    transport,
    clock: surroundings.clock,
    logger: surroundings.logger,
    onCluster,
  };
}

/** Throws a StartError: a node that is a cluster of its own cannot join another with what it has. */
export function checkSingleNodeJoin({ configuration, self }: MemberParts, members: Members): void {
  const others = configuration.cluster.join.filter((address) => address !== self.address);
  const alone = members.members.length === 1 && members.members[0]?.id === self.id;
  if (alone && others.length > 0 && configuration.cluster.bootstrapExpect === 0) {
    throw new StartError(
      `This node's data is a cluster of its own and cannot join another: empty ${configuration.dataDirectory} first, or leave -join out`,
    );
  }
}

/** Tells the cluster this node's new addresses, or asks to be let back in, until it is heard. */
function announceSelf(service: ClusterService, joining: Joining, throughService: boolean): void {
  const { logger } = joining;
  const announce = async () => {
    if (throughService) return await service.announceSelf(joining.member);
    // Asked without end, so never without a pause, whatever -join-interval says.
    const intervalMs = Math.max(announceIntervalMsMin, joining.intervalMs);
    await joinCluster({ ...joining, attempts: Infinity, intervalMs });
  };
  announce().catch((error) => {
    const level = error instanceof JoinError ? "ERROR" : "WARN";
    logger.log(level, "cluster", `This node's addresses could not be announced: ${error.message}`);
  });
}

/** The Raft addresses of all members but one, by their ids. */
export function addressesBut(members: Members, id: string): Map<string, string> {
  return new Map(
    members.members.filter((member) => member.id !== id).map((member) => [
      member.id,
      member.address,
    ]),
  );
}
