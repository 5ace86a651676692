import type { StandbyFigures } from "../standby/types.ts";
import { type Family, single } from "./families.ts";

/** Of raftlite standby. */
export function standbyFamilies(figures: StandbyFigures): Family[] {
  const { msBehind, lastWriteTime } = figures;
  return [{
    name: "raftlite_standby_index",
    help: "The last entry of the archive that the standby has applied",
    type: "gauge",
    samples: single(figures.index),
  }, {
    name: "raftlite_standby_entries_behind",
    help: "Entries that the archive is known to have and the standby has not applied",
    type: "gauge",
    samples: single(figures.entriesBehind),
  }, {
    name: "raftlite_standby_behind_seconds",
    help: "Since the standby had all that the archive had; absent before it first did",
    type: "gauge",
    samples: single(msBehind === undefined ? undefined : msBehind / 1000),
  }, {
    name: "raftlite_standby_last_write_timestamp_seconds",
    help: "When the leader stamped the last write that the standby has applied",
    type: "gauge",
    samples: single(lastWriteTime === undefined ? undefined : lastWriteTime / 1000),
  }, {
    name: "raftlite_standby_fetched_bytes_total",
    help: "Bytes that the standby has taken from the archive",
    type: "counter",
    samples: single(figures.bytesFetched),
  }, {
    name: "raftlite_standby_base_copies_total",
    help:
      "Base copies that the standby has taken: the first, one for each gap and each damaged copy",
    type: "counter",
    samples: single(figures.basesTaken),
  }, {
    name: "raftlite_standby_failures_in_a_row",
    help: "Tries to follow the archive that failed since the last one that did not",
    type: "gauge",
    samples: single(figures.failing?.times ?? 0),
  }];
}
