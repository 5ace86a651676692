import type { MemberReport, Service } from "../../cluster/types.ts";
import { httpUrl } from "../../io/address.ts";
import { clockFinding } from "../findings/clock_finding.ts";
import { faultsAmong } from "../findings/finding.ts";
import type { CommitHistory } from "./commit_history.ts";

/** What another node may take to answer, in ms. */
const answerMs = 1_500;

/** All members as this node sees them now, and how far each is behind what is committed. */
export async function clusterReport(service: Service, history: CommitHistory) {
  const before = service.status();
  const askedAt = performance.now();
  history.note(askedAt, before.commitIndex);
  const members = await service.memberReports(answerMs);
  const committed = Math.max(
    history.index,
    ...members.map(({ figures }) => figures?.appliedIndex ?? 0),
  );
  const { id, raft, configuration, clusterId } = service.status();
  return {
    at: Date.now(),
    node: id,
    cluster_id: clusterId,
    cluster_version: configuration.version ?? 1,
    term: raft.term,
    leader: raft.leader,
    committed,
    nodes: members
      .sort((a, b) => (a.member.id < b.member.id ? -1 : 1))
      .map((report) => shown(report, { id, committed, before: before.commitIndex, history })),
  };
}

interface Standing {
  /** Of the node that was asked. */
  readonly id: string;
  /** By now, and when the nodes were asked. */
  readonly committed: number;
  readonly before: number;
  readonly history: CommitHistory;
}

function shown(report: MemberReport, standing: Standing) {
  const { member, leader, reachable, figures } = report;
  return {
    id: member.id,
    api_addr: httpUrl(member.httpAddress),
    addr: member.address,
    suffrage: member.suffrage,
    leader,
    reachable,
    error: report.error,
    version: reachable ? report.version : undefined,
    round_trip_ms: reachable ? Math.round(report.roundTripMs * 1000) / 1000 : undefined,
    applied_index: figures?.appliedIndex,
    ...(figures && lagOf(figures.appliedIndex, standing)),
    database_bytes: figures?.databaseBytes,
    log_bytes: figures?.logBytes,
    free_bytes: figures?.freeBytes,
    up_ms: figures && Math.round(figures.upMs),
    health: figures?.health,
    faults: faultsOf(report, standing.id),
  };
}

/** What a node finds wrong with itself, and what its clock shows beside the asked one's. */
function faultsOf({ member, figures, clock }: MemberReport, asked: string) {
  if (figures === undefined) return undefined;
  const ofClock = clock && clockFinding({ subject: member.id, clock, whose: `node ${asked}'s` });
  return [...figures.faults, ...faultsAmong(ofClock === undefined ? [] : [ofClock])];
}

function lagOf(applied: number, { committed, before, history }: Standing) {
  // What came while it was asked is nothing that it lags behind.
  if (applied >= before) return { lag_entries: 0, lag_ms: 0 };
  return {
    lag_entries: committed - applied,
    lag_ms: Math.round(history.behindMs(applied, performance.now())),
  };
}
