import type { NodeReport } from "../cluster/types.ts";
import type { ServerInfo } from "./types.ts";
import { formatGoDuration } from "./go_duration.ts";
import { goJson } from "./go_json.ts";

/** One node as /nodes and /leader show it. */
export function nodeJson(report: NodeReport, info: ServerInfo): string {
  const { member, reachable } = report;
  const seconds = report.roundTripMs / 1000;
  return goJson({
    id: member.id,
    api_addr: reachable ? `http://${member.httpAddress}` : undefined,
    addr: member.address,
    version: reachable ? info.rqliteVersion : "",
    voter: member.suffrage === "voter",
    reachable,
    leader: reachable && report.leader,
    time: reachable && seconds > 0 ? seconds : undefined,
    time_s: reachable ? formatGoDuration(report.roundTripMs) : undefined,
    error: reachable ? undefined : report.error,
  });
}
