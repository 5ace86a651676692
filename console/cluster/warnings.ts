import type { LiveCluster, LiveFault, LiveNode } from "../api/live.ts";
import { count, duration } from "../parts/format.ts";

/** What is wrong, or may go wrong, and what to do about it. */
export interface Warning {
  readonly isGrave: boolean;
  readonly what: string;
  readonly todo: string;
}

/** So far behind is more than a burst of writes. */
const lagEntriesMax = 5_000;
const lagMsMax = 5_000;

/** What those who run the cluster should know, the worst first. */
export function warningsOf(cluster: LiveCluster): readonly Warning[] {
  const { nodes } = cluster;
  const voters = nodes.filter(({ suffrage }) => suffrage === "voter");
  const reachable = voters.filter((node) => node.reachable).length;
  const majority = Math.floor(voters.length / 2) + 1;
  const found = [
    ...leadership(cluster, { voters: voters.length, reachable, majority }),
    ...nodes.flatMap(ofNode),
    ...ofFaults(nodes),
    ...ofVersions(nodes),
    ...ofNumbers(voters.length),
  ];
  return [
    ...found.filter(({ isGrave }) => isGrave),
    ...found.filter(({ isGrave }) => !isGrave),
  ];
}

interface Votes {
  readonly voters: number;
  readonly reachable: number;
  readonly majority: number;
}

function leadership(
  { leader }: LiveCluster,
  { voters, reachable, majority }: Votes,
): Warning[] {
  if (reachable < majority) {
    return [{
      isGrave: true,
      what:
        `Only ${reachable} of ${voters} voters can be reached, and a majority is ${majority}: ` +
        "nothing can be written",
      todo: `Start ${majority - reachable} more of them. If their disks are lost for good, see ` +
        "“When a majority is lost” in docs/operations.md.",
    }];
  }
  if (leader === "") {
    return [{
      isGrave: true,
      what: "There is no leader: writes wait",
      todo: "An election takes a second or two. If this stays, look whether the nodes reach each " +
        "other at their Raft addresses.",
    }];
  }
  if (reachable === majority && voters > reachable) {
    return [{
      isGrave: false,
      what: "No more voter may be lost: with the next one, writes would stop",
      todo: "Bring the missing node back before you stop or upgrade another one.",
    }];
  }
  return [];
}

function ofNode(node: LiveNode): Warning[] {
  const { id, reachable, error, lag_entries = 0, lag_ms = 0 } = node;
  if (!reachable) {
    return [{
      isGrave: true,
      what: `Node ${id} cannot be reached: ${error ?? "it does not answer"}`,
      todo: "Look whether it runs, and what the last lines of its log say. If it is gone for " +
        "good, remove it, and let a new node join.",
    }];
  }
  if (lag_entries <= lagEntriesMax && lag_ms <= lagMsMax) return [];
  return [{
    isGrave: false,
    what: `Node ${id} is ${count(lag_entries)} entries, or ${duration(lag_ms)}, behind`,
    todo: "It catches up by itself. If it does not, its disk or the network to it is too slow.",
  }];
}

/** What nodes find wrong with themselves; where several say the same, it is said once. */
function ofFaults(nodes: readonly LiveNode[]): Warning[] {
  const found = new Map<string, { readonly fault: LiveFault; readonly alike: string[] }>();
  for (const { id, faults = [] } of nodes) {
    for (const fault of faults) {
      // But for its figures.
      const kind = `${fault.grade} ${fault.text.replace(/[\d.,]+/g, "0")}`;
      const same = found.get(kind);
      if (same === undefined) found.set(kind, { fault, alike: [id] });
      else same.alike.push(id);
    }
  }
  return [...found.values()].map((
    { fault: { grade, text, advice }, alike: [first, ...others] },
  ) => ({
    isGrave: grade === "problem",
    what: `Node ${first}: ${text}${others.length === 0 ? "" : `; alike ${others.join(", ")}`}`,
    todo: `${advice}.`,
  }));
}

function ofVersions(nodes: readonly LiveNode[]): Warning[] {
  const versions = new Set(nodes.flatMap(({ version }) => version ?? []));
  if (versions.size < 2) return [];
  return [{
    isGrave: false,
    what: `The nodes run ${versions.size} releases: ${[...versions].sort().join(", ")}`,
    todo: "That is well during an upgrade: finish it, one node after the other.",
  }];
}

function ofNumbers(voters: number): Warning[] {
  if (voters === 1) {
    return [{
      isGrave: false,
      what: "One node alone has the data",
      todo: "With two more that join it, the loss of a machine costs nothing.",
    }];
  }
  if (voters % 2 === 0) {
    return [{
      isGrave: false,
      what: `${voters} voters bear the loss of no more nodes than ${voters - 1} would`,
      todo: "Let one more join, or run one of them as a read replica (-raft-non-voter).",
    }];
  }
  return [];
}
