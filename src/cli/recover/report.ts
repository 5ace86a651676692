import type { NamedPeer } from "../../member/peers_file.ts";
import type { Survivor } from "../../member/survivor.ts";
import { majority } from "../../raft/configuration.ts";

/** What each node has, and which is ahead. */
export function survivorsText(survivors: readonly Survivor[]): string {
  const lines = survivors.flatMap((one) => {
    const members = one.members.members
      .map((member) => `${placeOf(member)} (${member.suffrage})`).join(", ");
    const open = one.lastIndex - one.appliedIndex;
    const entries = open === 0
      ? "all of it applied"
      : `${one.appliedIndex} applied; of the ${open} behind it is not known whether they were acknowledged`;
    return [
      `Node ${one.nodeId} in ${one.directory}`,
      `  cluster        ${one.clusterId}`,
      `  log            to index ${one.lastIndex} of term ${one.lastTerm}, ${entries}`,
      `  its members    ${members}`,
    ];
  });
  const ahead = mostAdvanced(survivors);
  if (ahead !== undefined && survivors.length > 1) {
    lines.push(`Node ${ahead.nodeId} has the newest log of these.`);
  }
  return `${lines.join("\n")}\n`;
}

/** By the rule of elections: the later term, then the longer log (3.6.1). */
function mostAdvanced(survivors: readonly Survivor[]): Survivor | undefined {
  return survivors.reduce<Survivor | undefined>((best, one) => {
    if (best === undefined || one.lastTerm > best.lastTerm) return one;
    return one.lastTerm === best.lastTerm && one.lastIndex > best.lastIndex ? one : best;
  }, undefined);
}

/** A node and where it is, for people. */
export function placeOf({ id, address }: Pick<NamedPeer, "id" | "address">): string {
  return `${id} at ${address}`;
}

/** What becomes of the cluster when only these go on, and what may be lost with the others. */
export function lossText(survivor: Survivor, peers: readonly NamedPeer[]): string {
  const left = new Set(peers.map(({ id }) => id));
  const { members } = survivor.members;
  const out = members.filter(({ id }) => !left.has(id));
  const voters = members.filter(({ suffrage }) => suffrage === "voter");
  const votersLeft = voters.filter(({ id }) => left.has(id)).length;
  const those = peers.map((peer) => placeOf(peer) + (peer.nonVoter ? " (without a vote)" : ""));
  const lines = [`The cluster goes on with ${those.join(", ")}.`];
  if (out.length > 0) {
    lines.push(
      `Left out: ${
        out.map(placeOf).join(", ")
      }. What only they had is lost, and they must never come back with their data: empty their directories before they join again.`,
    );
  }
  const needed = majority(voters.length);
  if (votersLeft >= needed) {
    lines.push(
      `${votersLeft} of ${voters.length} voters are a majority: start them as they are, and they elect a leader. Nothing needs recovering, unless they cannot.`,
    );
  } else if (votersLeft + needed > voters.length) {
    lines.push(
      `Every write that was acknowledged is on one of them, as each was on ${needed} of ${voters.length} voters, and ${votersLeft} are left.`,
    );
  } else {
    lines.push(
      `Writes that were acknowledged may be lost: each was on ${needed} of ${voters.length} voters, of which ${votersLeft} ${
        votersLeft === 1 ? "is" : "are"
      } left and may have been the last to hear of them.`,
    );
  }
  return `${lines.join("\n")}\n`;
}
