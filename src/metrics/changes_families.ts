import type { CdcFigures } from "../cdc/types.ts";
import type { ChangeLogStatus } from "../changes/types.ts";
import { type Family, single } from "./families.ts";

/** Of the change log. */
export function changesFamilies(status: ChangeLogStatus): Family[] {
  return [{
    name: "raftlite_changes_oldest_index",
    help: "Changes of the entries from this index on are kept",
    type: "gauge",
    samples: single(status.oldest),
  }, {
    name: "raftlite_changes_bytes",
    help: "Bytes of row changes that are kept",
    type: "gauge",
    samples: single(status.bytes),
  }];
}

/** Figures of live queries. */
export interface WatchFigures {
  readonly watchers: number;
  readonly queries: number;
  /** Since the start. */
  readonly runs: number;
  /** Of rows that are held for them. */
  readonly bytes: number;
}

/** Of live queries. */
export function watchFamilies(figures: WatchFigures): Family[] {
  return [{
    name: "raftlite_watch_watchers",
    help: "Clients that watch queries at this node",
    type: "gauge",
    samples: single(figures.watchers),
  }, {
    name: "raftlite_watch_queries",
    help: "Different queries that they watch",
    type: "gauge",
    samples: single(figures.queries),
  }, {
    name: "raftlite_watch_runs_total",
    help: "Runs of queries that are watched",
    type: "counter",
    samples: single(figures.runs),
  }, {
    name: "raftlite_watch_bytes",
    help: "Bytes of rows that are held for those who watch",
    type: "gauge",
    samples: single(figures.bytes),
  }];
}

/** Of -cdc-config. A node that does not lead delivers nothing: ask for the sum over all nodes. */
export function cdcFamilies(figures: CdcFigures): Family[] {
  return [{
    name: "raftlite_cdc_high_watermark_index",
    help: "Changes of all entries up to this index are delivered, as far as this node knows",
    type: "gauge",
    samples: single(figures.highWatermark),
  }, {
    name: "raftlite_cdc_entries_behind",
    help: "Applied entries of the log behind the high watermark",
    type: "gauge",
    samples: single(figures.entriesBehind),
  }, {
    name: "raftlite_cdc_events_total",
    help: "Changes of rows that this node has delivered",
    type: "counter",
    samples: single(figures.eventsSent),
  }, {
    name: "raftlite_cdc_failures_total",
    help: "Messages that the endpoint did not take",
    type: "counter",
    samples: single(figures.failures),
  }, {
    name: "raftlite_cdc_failures_in_a_row",
    help: "The same since the last message that it took",
    type: "gauge",
    samples: single(figures.failing?.times ?? 0),
  }, {
    name: "raftlite_cdc_abandoned_total",
    help: "Messages that were given up after transmit_max_retries",
    type: "counter",
    samples: single(figures.abandoned),
  }, {
    name: "raftlite_cdc_gaps_total",
    help: "Times when changes were no longer kept when their turn to be delivered came",
    type: "counter",
    samples: single(figures.gaps),
  }];
}
