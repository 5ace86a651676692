import { checksum } from "../base/checksum.ts";
import { Formation, type Formed } from "./formation.ts";
import { encodeConfiguration } from "../raft/configuration.ts";
import { type Configuration as Members, EntryType } from "../raft/types.ts";
import type { RaftLog } from "../raft_log/types.ts";
import { beginAlone, claimOrJoin } from "./claiming.ts";
import { newClusterId } from "./cluster_identity.ts";
import type { MemberParts } from "./member_parts.ts";
import { StartError } from "./start_error.ts";

/** How a node without data begins: alone, with others, or by joining them. */
export async function begin(parts: MemberParts): Promise<Formed> {
  const { configuration, surroundings, self, transport, traffic, identity, seeds } = parts;
  const { bootstrapExpect, bootstrapExpectTimeoutMs } = configuration.cluster;
  const registry = surroundings.discovery?.registry;
  if (registry !== undefined) return await claimOrJoin(parts, registry);
  if (bootstrapExpect > 0 && !seeds.none) {
    const formation = new Formation({
      ...surroundings,
      member: self,
      seeds,
      expect: bootstrapExpect,
      timeoutMs: bootstrapExpectTimeoutMs,
      transport,
      newClusterId: () => newClusterId(surroundings.random),
    });
    traffic.handOver(transport, formation);
    return await formation.run();
  }
  if (!seeds.none) return { type: "exists" };
  if (identity.clusterId !== "") {
    throw new StartError(
      `This node was joining cluster ${identity.clusterId} and has no data yet: start it with -join, or empty ${configuration.dataDirectory} to begin a cluster of its own`,
    );
  }
  if (self.suffrage === "learner") {
    const what = configuration.cluster.standby
      ? "standby (-raft-standby)"
      : "read replica (-raft-non-voter)";
    throw new StartError(`A ${what} has no cluster of its own: give -join`);
  }
  return beginAlone(self, newClusterId(surroundings.random));
}

/** The first entry of a new cluster's log: its configuration. */
export async function beginLog(log: RaftLog, members: Members): Promise<void> {
  const data = encodeConfiguration(members);
  await log.append({
    hardState: { term: 1, votedFor: "", promiseMs: 0 },
    entries: [{ term: 1, index: 1, type: EntryType.configuration, data, checksum: checksum(data) }],
  });
}

/**
 * A member's log, before anything has come of its cluster's: the term of the first entry, which no
 * vote was given in. From then on a crash leaves a member, not a node that begins: its core may
 * grant a lease, which is nowhere written down, and takes for granted that it did.
 */
export async function beginMembersLog(log: RaftLog): Promise<void> {
  await log.append({ hardState: { term: 1, votedFor: "", promiseMs: 0 }, entries: [] });
}
