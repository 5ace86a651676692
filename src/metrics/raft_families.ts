import type { ServiceStatus } from "../cluster/types.ts";
import type { PeerProgress, Role } from "../raft/types.ts";
import { byLabel, type Family, type Sample, single } from "./families.ts";

const roles: readonly Role[] = ["leader", "follower", "candidate", "pre-candidate"];

/** What this node is in its cluster, how far it has come, and how far the others. */
export function raftFamilies(node: ServiceStatus): Family[] {
  return [...standing(node), ...positions(node), ...peers(node), ...elections(node)];
}

function standing(node: ServiceStatus): Family[] {
  const { role, term, leader } = node.raft;
  const members = { voter: 0, learner: 0, staging: 0 };
  for (const { suffrage } of node.configuration.members) members[suffrage]++;
  return [
    {
      name: "raftlite_healthy",
      help: "1 while the node can write; 0 when its disk, or a failure, keeps it from that",
      type: "gauge",
      samples: single(node.health === "ok" ? 1 : 0),
    },
    {
      name: "raftlite_raft_role",
      help: "1 for the role that this node has in its cluster, 0 for the others",
      type: "gauge",
      samples: byLabel(
        "role",
        Object.fromEntries(roles.map((each) => [each, each === role ? 1 : 0])),
      ),
    },
    {
      name: "raftlite_raft_term",
      help: "Term of Raft that this node is in",
      type: "gauge",
      samples: single(term),
    },
    {
      name: "raftlite_raft_leader_known",
      help: "1 while this node knows who leads, 0 while there is no leader for it",
      type: "gauge",
      samples: single(leader === "" ? 0 : 1),
    },
    {
      name: "raftlite_raft_last_contact_seconds",
      help: "Time since this node heard from its leader; 0 on the leader",
      type: "gauge",
      samples: single(node.lastContactMs / 1000),
    },
    {
      name: "raftlite_raft_members",
      help: "Members of the cluster, as this node knows it, by whether they vote",
      type: "gauge",
      samples: byLabel("suffrage", members),
    },
  ];
}

function positions(node: ServiceStatus): Family[] {
  const { commitIndex, appliedIndex, lastLogIndex, firstLogIndex, snapshotIndex } = node;
  return [
    {
      name: "raftlite_raft_commit_index",
      help: "Last entry of the log that this node knows to be on a majority's disks",
      type: "gauge",
      samples: single(commitIndex),
    },
    {
      name: "raftlite_raft_applied_index",
      help: "Last entry of the log that this node's database has",
      type: "gauge",
      samples: single(appliedIndex),
    },
    {
      name: "raftlite_raft_last_log_index",
      help: "Last entry of this node's log",
      type: "gauge",
      samples: single(lastLogIndex),
    },
    {
      name: "raftlite_raft_first_log_index",
      help: "First entry that this node's log still has",
      type: "gauge",
      samples: single(firstLogIndex),
    },
    {
      name: "raftlite_raft_snapshot_index",
      help: "Last entry that this node's snapshot stands for; 0 before the first one",
      type: "gauge",
      samples: single(snapshotIndex),
    },
    {
      name: "raftlite_raft_log_size_bytes",
      help: "Size of the log's files",
      type: "gauge",
      samples: single(node.logSizeBytes),
    },
  ];
}

function peers({ progress, lastLogIndex }: ServiceStatus): Family[] {
  const each = (value: (peer: PeerProgress) => number): Sample<number>[] =>
    progress.map((peer) => ({ labels: { peer: peer.id }, value: value(peer) }));
  return [
    {
      name: "raftlite_raft_peer_lag_entries",
      help: "On the leader: entries of its log that a peer has not confirmed yet",
      type: "gauge",
      samples: each(({ matchIndex }) => Math.max(0, lastLogIndex - matchIndex)),
    },
    {
      name: "raftlite_raft_peer_active",
      help: "On the leader: 1 for a peer that it heard from within the last election timeout",
      type: "gauge",
      samples: each(({ recentlyActive }) => recentlyActive ? 1 : 0),
    },
    {
      name: "raftlite_raft_peer_receives_snapshot",
      help: "On the leader: 1 for a peer that must be sent the whole database",
      type: "gauge",
      samples: each(({ state }) => state === "snapshot" ? 1 : 0),
    },
  ];
}

function elections({ elections, snapshotsTaken, snapshotsInstalled }: ServiceStatus): Family[] {
  return [
    {
      name: "raftlite_raft_elections_total",
      help: "Elections that this node stood for",
      type: "counter",
      samples: single(elections.begun),
    },
    {
      name: "raftlite_raft_elections_won_total",
      help: "Elections that this node won",
      type: "counter",
      samples: single(elections.won),
    },
    {
      name: "raftlite_raft_leader_changes_total",
      help: "Leaders that this node saw come, the first one after its start included",
      type: "counter",
      samples: single(elections.leaders),
    },
    {
      name: "raftlite_snapshots_taken_total",
      help: "Snapshots of its own database that this node took, each with a compaction of the log",
      type: "counter",
      samples: single(snapshotsTaken),
    },
    {
      name: "raftlite_snapshots_installed_total",
      help: "Databases that this node received whole from a leader",
      type: "counter",
      samples: single(snapshotsInstalled),
    },
  ];
}
