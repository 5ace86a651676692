import { majority } from "../../raft/configuration.ts";
import { clockFinding } from "../../http/findings/clock_finding.ts";
import { type Finding, findingsAbout } from "../../http/findings/finding.ts";
import { healthFinding, statusFindings } from "../../http/findings/status_findings.ts";
import type { NodeReport } from "./node_report.ts";

/** Entries that a follower may lack in the middle of writing. */
const lagWarning = 10_000;

const anyMayLead = "Start all nodes with the same: any of them may lead";
const rowsMayDiffer = "Start all nodes with the same: rows may come to differ";

/** What should be the same on all nodes, by its place in /status, and what to do where it is not. */
const common: readonly (readonly [path: string, name: string, advice: string])[] = [
  [
    "build.raftlite_version",
    "raftlite's version",
    "Upgrade the others, one after the other: docs/operations.md, Upgrades",
  ],
  [
    "store.cluster_id",
    "the cluster's id",
    "They are of several clusters: look at who was joined to whom",
  ],
  [
    "store.sqlite3.source_id",
    "SQLite",
    "Run the same raftlite on all nodes, with the SQLite that is inside it: rows may come to differ",
  ],
  ["runtime.version", "Deno", "Run the same raftlite on all nodes"],
  ["store.db_conf.fk_constraints", "-fk", rowsMayDiffer],
  [
    "store.heartbeat_timeout",
    "the heartbeat timeout",
    "Start all nodes with the same -raft-heartbeat-timeout",
  ],
  ["store.apply_timeout", "-raft-apply-timeout", "Start all nodes with the same"],
  ["store.snapshot_threshold", "-raft-snap", anyMayLead],
  [
    "store.snapshot_interval",
    "-raft-snap-int",
    anyMayLead,
  ],
  [
    "store.reap_timeout",
    "-raft-reap-node-timeout",
    anyMayLead,
  ],
  [
    "store.reap_read_only_timeout",
    "-raft-reap-read-only-node-timeout",
    anyMayLead,
  ],
  ["http.auth", "users (-auth)", "Start all nodes with it: each lets in by its own file"],
  ["http.tls.enabled", "HTTPS", "Start all nodes with -http-cert and -http-key, or none"],
  ["mux.tls", "TLS between nodes", "Go on with the change, node by node: docs/security.md"],
  [
    "auto_backups.upload_destination",
    "where backups go",
    "Start all nodes with the same -auto-backup: whichever leads makes them",
  ],
  [
    "archive.target",
    "the archive",
    "Start all nodes with the same -archive: whichever leads writes it",
  ],
  ["extensions.names", "extensions", rowsMayDiffer],
];

/** What is to be said of nodes that form a cluster, from what each says of itself. */
export function clusterFindings(reports: readonly NodeReport[]): Finding[] {
  const reached = reports.filter(({ failure }) => failure === undefined);
  return [
    ...membershipFindings(reports),
    ...commonFindings(reached),
    ...reports.flatMap(nodeFindings),
  ];
}

function membershipFindings(reports: readonly NodeReport[]): Finding[] {
  const about = findingsAbout("");
  const voters = reports.filter(({ voter }) => voter);
  const present = voters.filter(({ failure }) => failure === undefined).length;
  const needed = majority(voters.length);
  const leader = reports.find(({ leader }) => leader);
  const text = `${present} of ${voters.length} voters answer, ${needed} are needed`;
  return [
    leader === undefined
      ? about.problem("no node leads", "Bring back nodes until a majority of voters runs")
      : about.ok(`node ${leader.id} leads`),
    voters.length === 1
      ? about.warning(
        "there is one voter",
        "Add two more by -join: with one, its loss is the data's",
      )
      : voters.length % 2 === 0
      ? about.warning(
        `there are ${voters.length} voters`,
        "Have an odd number: one more adds no safety, but needs one more for each write",
      )
      : about.ok(`there are ${voters.length} voters`),
    ...(voters.length === 1 ? [] : [
      present > needed
        ? about.ok(text)
        : about.problem(text, "Bring back the others before one more is lost"),
    ]),
  ];
}

function commonFindings(reached: readonly NodeReport[]): Finding[] {
  const about = findingsAbout("");
  const differing: Finding[] = [];
  const alike: string[] = [];
  for (const [path, name, advice] of common) {
    const nodesByValue = new Map<string, string[]>();
    for (const { id, status } of reached) {
      const value = JSON.stringify(status.at(path) ?? "none");
      nodesByValue.set(value, [...nodesByValue.get(value) ?? [], id]);
    }
    if (nodesByValue.size < 2) alike.push(name);
    else {
      const values = [...nodesByValue].map(([value, ids]) => `${value} on ${ids.join(", ")}`);
      differing.push(about.warning(`${name} differs: ${values.join("; ")}`, advice));
    }
  }
  const isCompared = reached.length > 1 && alike.length > 0;
  return [
    ...differing,
    ...(isCompared ? [about.ok(`all nodes that answer agree on: ${alike.join(", ")}`)] : []),
  ];
}

function nodeFindings(report: NodeReport): Finding[] {
  const subject = `node ${report.id}`;
  const about = findingsAbout(subject);
  const { failure, address, voter, clock, syncP99Ms } = report;
  if (failure !== undefined) {
    const advice = "Look at its log, and at whether this machine may reach it";
    const text = `does not answer at ${address}: ${failure}`;
    return [voter ? about.problem(text, advice) : about.warning(text, advice)];
  }
  return [
    healthFinding({ ...report, subject }),
    clock && clockFinding({ subject, clock, whose: "this machine's" }),
    lagFinding(report),
    ...statusFindings({
      subject,
      status: report.status,
      syncs: syncP99Ms === undefined ? undefined : { p99Ms: syncP99Ms, when: "since it started" },
    }),
  ].filter((finding) => finding !== undefined);
}

function lagFinding({ id, leader, status }: NodeReport): Finding | undefined {
  const committed = status.number("store.raft.commit_index");
  const applied = status.number("store.raft.applied_index");
  if (leader || committed === undefined || applied === undefined) return undefined;
  const about = findingsAbout(`node ${id}`);
  const lag = committed - applied;
  const text = `has applied all but ${lag} entries of what it knows to be committed`;
  return lag < lagWarning ? about.ok(text) : about.warning(
    text,
    "It is slower than the leader: give it the same machine, or less to read",
  );
}
