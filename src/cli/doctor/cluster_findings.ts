import { majority } from "../../raft/configuration.ts";
import { expiryWarningFrom } from "../../tls/expiry.ts";
import {
  freeSpaceFinding,
  gradeSync,
  kindFinding,
  openFilesFinding,
} from "./directory_findings.ts";
import { type Finding, findingsAbout, msText } from "./finding.ts";
import type { NodeReport } from "./node_report.ts";

/** SQL's time is the leader's: it jumps by this much at most when another one takes over. */
const clockWarningMs = 500;
const clockProblemMs = 10_000;

/** Turns of the event loop beyond this, in ms, make others wait, and cost the lead at last. */
const turnWarningMs = 500;

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
    "Start all nodes with the same -raft-timeout",
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

/** What goes on failing beside the node's work, by its place in /status. */
const failures: readonly (readonly [path: string, name: string])[] = [
  ["audit.error", "the audit log cannot be written"],
  ["auto_backups.failing.error", "backups fail"],
  ["auto_backups.retention_error", "old backups cannot be removed"],
  ["auto_backups.verification.error", "the last backup that was verified is no good"],
  ["archive.failing.error", "the archive cannot be written"],
  ["cdc.failing.error", "changes are not delivered"],
  ["otlp_metrics.error", "metrics cannot be pushed"],
  ["http.tls.reload_error", "new certificates cannot be taken"],
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
  const { failure, address, voter } = report;
  if (failure !== undefined) {
    const advice = "Look at its log, and at whether this machine may reach it";
    const text = `does not answer at ${address}: ${failure}`;
    return [voter ? about.problem(text, advice) : about.warning(text, advice)];
  }
  return [
    healthFinding(report),
    clockFinding(report),
    lagFinding(report),
    turnFinding(report),
    ...diskFindings(report),
    ...certificateFindings(report),
    ...failureFindings(report),
  ].filter((finding) => finding !== undefined);
}

function healthFinding({ id, status }: NodeReport): Finding {
  const about = findingsAbout(`node ${id}`);
  const health = status.text("store.health");
  const isReady = status.at("store.ready") === true;
  if (health === "ok" && isReady) return about.ok("is ready");
  return about.problem(`is not ready: ${health}`, "Its log says why, and /readyz");
}

function clockFinding({ id, clock }: NodeReport): Finding | undefined {
  if (clock === undefined) return undefined;
  const about = findingsAbout(`node ${id}`);
  const { aheadMs, errorMs } = clock;
  const off = Math.max(0, Math.abs(aheadMs) - errorMs);
  const text = off === 0
    ? `its clock is this machine's, within ${msText(errorMs)}`
    : `its clock is ${msText(Math.abs(aheadMs))} ${aheadMs > 0 ? "ahead of" : "behind"} this ` +
      `machine's, give or take ${msText(errorMs)}`;
  if (off < clockWarningMs) return about.ok(text);
  const advice =
    "Keep clocks by NTP (chronyd, systemd-timesyncd): SQL's time is the leader's, and " +
    "certificates and tokens end by it";
  return off < clockProblemMs ? about.warning(text, advice) : about.problem(text, advice);
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

function turnFinding({ id, status }: NodeReport): Finding | undefined {
  const ms = status.number("runtime.event_loop.longest_turn_last_minute_ms");
  if (ms === undefined) return undefined;
  const about = findingsAbout(`node ${id}`);
  const text = `its main thread was busy for ${msText(ms)} at most within the last minute`;
  return ms < turnWarningMs ? about.ok(text) : about.warning(
    text,
    "The machine has too little processor time for it: /debug/pprof/profile says where it goes",
  );
}

function diskFindings({ id, status, syncP99Ms }: NodeReport): Finding[] {
  const subject = `node ${id}`;
  const freeBytes = status.number("store.file_system.free_bytes");
  const totalBytes = status.number("store.file_system.total_bytes");
  const databaseBytes = status.number("store.sqlite3.db_size") ?? 0;
  const filesMax = status.number("os.open_files_max");
  return [
    kindFinding(subject, status.text("store.file_system.kind")),
    freeBytes === undefined || totalBytes === undefined
      ? undefined
      : freeSpaceFinding(subject, { freeBytes, totalBytes, databaseBytes }),
    syncP99Ms === undefined ? undefined : gradeSync(
      subject,
      syncP99Ms,
      `99 of 100 syncs of its log took ${msText(syncP99Ms)} at most since it started`,
    ),
    filesMax === undefined ? undefined : openFilesFinding(subject, filesMax),
  ].filter((finding) => finding !== undefined);
}

function certificateFindings({ id, status }: NodeReport): Finding[] {
  const about = findingsAbout(`node ${id}`);
  return [["HTTPS", "http.tls.certificate"], ["TLS between nodes", "mux.certificate"]]
    .flatMap(([name, path]) => {
      const end = status.text(`${path}.ends`);
      if (end === undefined) return [];
      const now = Date.now();
      const notAfter = Date.parse(end);
      // One of a release that does not say when it began is taken for a long one.
      const notBefore = Date.parse(status.text(`${path}.begins`) ?? "1970-01-01");
      const text = `its certificate for ${name} ends ${end}`;
      const advice = "Put a new one in the place of the file: it is taken without a restart";
      if (now < expiryWarningFrom({ notBefore, notAfter })) return [about.ok(text)];
      return [now < notAfter ? about.warning(text, advice) : about.problem(text, advice)];
    });
}

function failureFindings({ id, status }: NodeReport): Finding[] {
  const about = findingsAbout(`node ${id}`);
  return failures.flatMap(([path, name]) => {
    const error = status.text(path);
    return error === undefined ? [] : [about.problem(`${name}: ${error}`, "Mend what it names")];
  });
}
