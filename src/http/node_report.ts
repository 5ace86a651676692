import type { NodeReport } from "../cluster/types.ts";
import { httpUrl } from "../io/address.ts";
import type { ServerInfo } from "./types.ts";
import { formatDuration } from "../base/duration.ts";
import { goJson } from "../base/go_json.ts";

const roundTripMsMin = 0.001;

/** One node as /nodes and /leader show it. */
export function nodeJson(report: NodeReport, info: ServerInfo): string {
  const { member, reachable } = report;
  // rqlite always tells a time, this node's own too, which takes next to none.
  const milliseconds = Math.max(report.roundTripMs, roundTripMsMin);
  return goJson({
    id: member.id,
    api_addr: reachable ? httpUrl(member.httpAddress) : undefined,
    addr: member.address,
    version: reachable ? info.rqliteVersion : "",
    voter: member.suffrage === "voter",
    reachable,
    leader: reachable && report.leader,
    time: reachable ? Math.round(milliseconds * 1e6) / 1e9 : undefined,
    time_s: reachable ? formatDuration(milliseconds) : undefined,
    error: reachable ? undefined : report.error,
  });
}
