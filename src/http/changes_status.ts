import type { CdcFigures } from "../cdc/types.ts";
import type { ChangeLogStatus } from "../changes/types.ts";
import type { WatchFigures } from "../metrics/changes_families.ts";
import type { Figures } from "./store_status.ts";

/** What /status shows under `changes`. */
export function changesFigures(status: ChangeLogStatus): Figures {
  return {
    oldest_index: status.oldest,
    last_index: status.last,
    bytes: status.bytes,
    max_bytes: status.bytesMax,
  };
}

/** What /status shows under `watches`. */
export function watchFigures(figures: WatchFigures): Figures {
  return {
    num_watchers: figures.watchers,
    num_queries: figures.queries,
    num_runs: figures.runs,
    bytes: figures.bytes,
  };
}

/** What /status shows under `cdc`: rqlite's figures, and behind them this program's own. */
export function cdcFigures(figures: CdcFigures): Figures {
  const { failing, serviceId } = figures;
  return {
    highwater_mark: figures.highWatermark,
    is_leader: figures.leads,
    node_id: figures.nodeId,
    ...(serviceId === "" ? {} : { service_id: serviceId }),
    sink: figures.sink,
    entries_behind: figures.entriesBehind,
    num_messages: figures.messagesSent,
    num_groups: figures.groupsSent,
    num_events: figures.eventsSent,
    num_failures: figures.failures,
    num_abandoned: figures.abandoned,
    num_gaps: figures.gaps,
    failing: failing && { times: failing.times, error: failing.message },
  };
}
