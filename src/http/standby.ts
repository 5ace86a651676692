import { messageOf } from "../base/message_of.ts";
import { ServiceError } from "../cluster/types.ts";
import { PromotionError, type StandbyFigures, writesRefused } from "../standby/types.ts";
import type { AdmittedRequest } from "./admitted_request.ts";
import type { AppState } from "./app_state.ts";
import { clusterTimeout } from "./query_parameters.ts";
import type { Figures } from "./store_status.ts";
import { timeText } from "./time_text.ts";

/** Keeps what only a leader can do from a standby. Throws a ServiceError. */
export function refuseOnStandby({ info }: AppState): void {
  if (info.standby !== undefined) throw new ServiceError("unavailable", writesRefused);
}

/** POST /promote: makes a standby a cluster of its own; 409 where it is none, or lacks something. */
export async function promote(
  { answers, info: { standby } }: AppState,
  { parameters, audited }: AdmittedRequest<"none">,
): Promise<Response> {
  if (standby === undefined) {
    return answers.error(409, "This node is no standby: there is nothing to promote");
  }
  const asIs = parameters.has("as_is");
  audited?.note({ as_is: asIs });
  try {
    const { clusterId, index, lastWriteTime, complete, damage } = await standby.promote({
      timeoutMs: clusterTimeout(parameters),
      asIs,
    });
    audited?.note({ cluster: clusterId, index });
    const report = {
      cluster_id: clusterId,
      index,
      last_write_time: timeText(lastWriteTime),
      complete,
      damage,
    };
    return answers.json(`${JSON.stringify(report)}\n`);
  } catch (error) {
    if (!(error instanceof PromotionError)) throw error;
    audited?.note({ reason: messageOf(error) });
    return answers.error(409, error.message);
  }
}

/** What /status shows under `standby`. */
export function standbyFigures(figures: StandbyFigures): Figures {
  const { failing, msBehind } = figures;
  return {
    target: figures.target,
    cluster_id: figures.cluster,
    index: figures.index,
    entries_behind: figures.entriesBehind,
    seconds_behind: seconds(msBehind),
    last_write_time: timeText(figures.lastWriteTime),
    num_pieces: figures.piecesApplied,
    num_bytes: figures.bytesFetched,
    num_bases: figures.basesTaken,
    failing: failing && { times: failing.times, error: failing.message },
    damage: figures.damage,
  };
}

/** Lines of /readyz, the last one being what is wrong, and whether reads can be served. */
export function standbyReadiness(
  { index, entriesBehind, msBehind, failing, damage }: StandbyFigures,
): { readonly isReady: boolean; readonly lines: readonly string[] } {
  const hasData = index > 0;
  const since = msBehind === undefined ? "not level yet" : `level ${seconds(msBehind)} s ago`;
  const standing = hasData
    ? `[+]standby at index ${index}, ${entriesBehind} entries behind its archive, ${since}`
    : "[+]standby has no data yet";
  const trouble = failing && `[-]archive cannot be followed: ${failing.message}`;
  const wrong = damage && `[-]database is damaged, and is being replaced: ${damage}`;
  const lines = [trouble, wrong, standing].filter((line) => line !== undefined);
  return { isReady: hasData && damage === undefined, lines };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms / 100) / 10;
}
