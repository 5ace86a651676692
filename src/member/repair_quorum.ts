import { messageOf } from "../base/message_of.ts";
import { pause } from "../io/pause.ts";
import { majority, voterIds } from "../raft/configuration.ts";
import type { Configuration as Members, NodeId } from "../raft/types.ts";
import type { MemberConfiguration } from "./configuration.ts";
import type { Surroundings } from "./member_parts.ts";
import type { Voters } from "./repair_note.ts";
import { StartError } from "./start_error.ts";

/** How long another node may take to be there, in ms. */
const connectMs = 3_000;

/** Nodes that are to make up for what is damaged here. */
export interface Others {
  readonly addresses: readonly string[];
  /** How many of them must be there. */
  readonly needed: number;
}

/** Who must be there to send a node a database: with it, which keeps its vote, a majority. */
export function sendersTo(self: NodeId, members: Members): Others {
  const voters = new Set(voterIds(members));
  const own = voters.has(self) ? 1 : 0;
  return {
    addresses: members.members
      .filter(({ id }) => id !== self && voters.has(id))
      .map(({ address }) => address),
    needed: Math.max(1, majority(voters.size) - own),
  };
}

/** Who must be there to let in a node that has lost what it promised: a majority without it. */
export function admittersOf({ others, count }: Voters): Others {
  return { addresses: others, needed: count === undefined ? 1 : majority(count) };
}

/**
 * Resolves once enough others are there to make up for what is damaged: what is set aside sooner may
 * be the last copy. Waits as long as a node does that is to join; then throws a StartError.
 */
export async function awaitOthers(
  { addresses, needed }: Others,
  { reason, configuration, surroundings: { network, clock, logger } }: {
    readonly reason: string;
    readonly configuration: MemberConfiguration;
    readonly surroundings: Pick<Surroundings, "network" | "clock" | "logger">;
  },
): Promise<void> {
  if (needed > addresses.length) {
    throw new StartError(
      `${reason}: to be let in anew, as one without data, this node needs ${needed} other nodes ` +
        `that vote, and the cluster has ${addresses.length}. Nothing was moved. Have the cluster go ` +
        `on without it: stop ${addresses.join(" and ")}, run raftlite recover -members ` +
        "ID=ADDRESS over its data directory and start it; then start this node with an empty data " +
        `directory and -join ${addresses.join(",")}. Or restore a backup into a new cluster`,
    );
  }
  const { joinAttempts, joinIntervalMs } = configuration.cluster;
  for (let attempt = 1;; attempt++) {
    const missing: string[] = [];
    await Promise.all(addresses.map(async (address) => {
      try {
        (await network.connect(address, connectMs)).close();
      } catch (error) {
        missing.push(`${address} (${messageOf(error)})`);
      }
    }));
    const there = addresses.length - missing.length;
    if (there >= needed) return;
    const text = `${reason}: it is set aside only while other nodes are there to make up for it, ` +
      `and of ${addresses.length} that are known ${there} answer, where ${needed} must; ` +
      `no answer from ${missing.sort().join(", ")}`;
    if (attempt >= joinAttempts) {
      throw new StartError(
        `${text}. Nothing was moved: start those nodes, or restore a backup into a new cluster`,
      );
    }
    logger.log("WARN", "cluster", `${text}. Waiting for them`);
    await pause(clock, joinIntervalMs);
  }
}
